use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anet_protocol::control::Desired;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::port_owner;

pub(super) const CHECK: Check = Check {
    id: "ports",
    title: "port of the hub",
    finds: "another program holds the port at which a hub of this machine should listen",
    why: "the hub cannot start, and what answers in its place gets the tokens of those who ask",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let record = facts.state.state().and_then(|state| state.hub.as_ref());
    let wanted = record.filter(|record| record.desired == Desired::Running).map(|record| record.settings.listen);
    let Some(address) = wanted.or_else(|| local_address(facts)) else { return };
    let subject = address.to_string();
    let answers = facts.hub.as_ref().is_some_and(|hub| hub.healthy().is_some());
    let Some(owner) = port_owner::find_owner(address) else {
        if wanted.is_some() {
            findings.warning(&*subject, "nobody listens, and a hub should").command("anet hub start");
        } else if !answers {
            findings.fact(&*subject, "nobody listens");
        }
        return;
    };
    let pid = owner.pid();
    let ours = facts.supervisor().map(|status| [Some(status.pid), status.hub.pid]);
    let is_ours = ours.is_some_and(|pids| pids.contains(&pid)) || (pid.is_some() && pid == recorded_pid(facts));
    if is_ours {
        findings.ok(&*subject, format!("held by {owner}, which is the hub or its supervisor"));
    } else if answers {
        findings.fact(&*subject, format!("held by {owner}, which answers as a hub and is not under this supervisor"));
    } else {
        findings
            .error(&*subject, format!("held by {owner}, which is no hub"))
            .command("anet hub start --port 0 # any free port; running nodes follow");
    }
}

fn recorded_pid(facts: &Facts<'_>) -> Option<u32> {
    Some(facts.state.state()?.hub.as_ref()?.process.as_ref()?.leader?.pid)
}

/// The address of the hub that commands talk to, if it is this machine.
fn local_address(facts: &Facts<'_>) -> Option<SocketAddr> {
    let url = reqwest::Url::parse(&facts.hub.as_ref()?.url).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let ip: IpAddr = if host == "localhost" { Ipv4Addr::LOCALHOST.into() } else { host.parse().ok()? };
    ip.is_loopback().then_some(SocketAddr::new(ip, url.port_or_known_default()?))
}
