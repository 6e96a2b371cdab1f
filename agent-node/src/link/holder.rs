use std::fmt;

use anet_protocol::id::InstanceId;
use serde::Deserialize;

use crate::hub_client::HubError;

/// The instance that holds the node, as far as the hub tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Holder {
    pub(super) instance_id: Option<InstanceId>,
    pid: Option<u32>,
    hostname: Option<String>,
    project_dir: Option<String>,
    /// Whether it has its event stream open. Without, the hub only remembers it, and not for long.
    pub(super) connected: Option<bool>,
}

impl Holder {
    /// Whom a refused registration names.
    pub(super) fn of(error: &HubError) -> Self {
        let HubError::Refused { body, .. } = error else { return Self::default() };
        let holder = body.details.get("holder").cloned().unwrap_or_default();
        if let Some(instance_id) = holder.as_str() {
            return Self { instance_id: Some(InstanceId::from(instance_id)), ..Self::default() };
        }
        // A hub that words it otherwise names nobody that this node could understand.
        serde_json::from_value(holder).unwrap_or_default()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pid, &self.hostname, &self.instance_id) {
            (Some(pid), Some(hostname), _) => write!(formatter, "pid {pid} on {hostname}")?,
            (Some(pid), None, _) => write!(formatter, "pid {pid}")?,
            (None, _, Some(instance_id)) => write!(formatter, "{instance_id}")?,
            (None, _, None) => formatter.write_str("one that the hub does not name")?,
        }
        if let Some(project_dir) = &self.project_dir {
            write!(formatter, ", project {project_dir}")?;
        }
        match self.connected {
            Some(true) => formatter.write_str(", connected"),
            Some(false) => formatter.write_str(", not connected"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(holder: &str) -> String {
        let body = format!(r#"{{"ok":false,"error":"x","code":"node_already_running","holder":{holder}}}"#);
        let body = Box::new(serde_json::from_str(&body).unwrap());
        Holder::of(&HubError::Refused { what: "register", status: 409, body }).to_string()
    }

    #[test]
    fn a_holder_is_named_as_people_would() {
        let whole = r#"{"instance_id":"i_1","pid":4711,"hostname":"box","project_dir":"/srv","connected":true}"#;
        assert_eq!(words(whole), "pid 4711 on box, project /srv, connected");
        let silent = r#"{"instance_id":"i_1","pid":null,"hostname":null,"project_dir":null,"connected":false}"#;
        assert_eq!(words(silent), "i_1, not connected");
        assert_eq!(words(r#""i_1""#), "i_1");
        assert_eq!(words("null"), "one that the hub does not name");
        assert_eq!(words(r#"{"pid":"?"}"#), "one that the hub does not name");
    }
}
