use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::HubAnswer;
use crate::doctor::finding::Severity;

/// The generation of the API that this program speaks.
const API_VERSION: &str = "v3";

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
            findings.error(url, format!("it does not answer: {reason}")).command("anet hub start");
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
