use anet_protocol::control::Desired;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::HubAnswer;
use crate::doctor::finding::Severity;
use crate::hub_address::is_loopback;

/// The generation of the API that this program speaks.
const API_VERSION: &str = "v3";

/// Where `anet hub start` listens the first time.
const DEFAULT_PORT: u16 = 9200;

pub(super) const CHECK: Check = Check {
    id: "hub",
    title: "hub",
    finds: "the hub does not answer, is no hub, speaks another API, or is of another version than this program",
    why: "without it no task is sent or taken; a hub of another version may lack what this program asks for",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(hub) = &facts.hub else { return };
    let url = hub.url.as_str();
    match &hub.answer {
        HubAnswer::NoAddress(reason) => {
            findings.error(url, reason.clone()).command("anet init --hub URL");
        }
        HubAnswer::Unreachable(reason) => {
            findings.error(url, format!("it does not answer: {reason}")).command(remedy(url, facts));
        }
        HubAnswer::Strange(reason) => {
            findings.error(url, format!("what answers is no hub: {reason}")).command("anet init --hub URL");
        }
        HubAnswer::Healthy(healthy) => {
            let health = &healthy.health;
            if health.api_version != API_VERSION {
                let seen = format!("it speaks the API {}, this program {API_VERSION}", health.api_version);
                findings.error(url, seen).command("install the same version of anet on both sides");
                return;
            }
            let ours = &facts.patient.version;
            if health.version == *ours {
                let (streams, uptime) = (health.sse_connections, health.uptime);
                findings.ok(url, format!("version {ours}, up {uptime} s, {streams} open event streams"));
            } else {
                let is_here = facts.supervisor().is_some_and(|status| status.hub.pid.is_some());
                let command =
                    if is_here { "anet hub restart" } else { "install the same version of anet on both sides" };
                findings
                    .warning(url, format!("it has version {}, this program {ours}", health.version))
                    .command(command);
            }
        }
    }
}

/// What makes the hub at this address answer again, or names the one that does.
fn remedy(url: &str, facts: &Facts<'_>) -> String {
    let Some(address) = reqwest::Url::parse(url).ok().filter(is_loopback) else {
        return "anet init --hub URL # or have it started on its own machine".to_owned();
    };
    let record = facts.state.state().and_then(|state| state.hub.as_ref());
    if facts.supervisor().is_none() && record.is_some_and(|record| record.desired == Desired::Running) {
        return "anet supervisor start".to_owned();
    }
    if let Some(other) = facts.supervisor().and_then(|status| status.hub.url.as_deref()) {
        return if other == url { "anet hub restart".to_owned() } else { format!("anet init --hub {other}") };
    }
    match (record, address.port_or_known_default()) {
        (Some(record), Some(port)) if record.settings.listen.port() != port => format!("anet hub start --port {port}"),
        (None, Some(port)) if port != DEFAULT_PORT => format!("anet hub start --port {port}"),
        _ => "anet hub start".to_owned(),
    }
}
