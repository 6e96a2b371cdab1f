use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::HubAnswer;
use crate::doctor::finding::Severity;

/// A certificate that ends sooner should have been renewed: those that renew themselves last 90 days, and are renewed
/// when a third is left.
const SOON: i64 = 14 * 24 * 60 * 60 * 1000;

const DAY: i64 = 24 * 60 * 60 * 1000;

pub(super) const CHECK: Check = Check {
    id: "certificate",
    title: "certificate",
    finds: "the certificate of an https hub has ended, is not trusted, or ends within 14 days",
    why: "from that moment on no node and no command can reach the hub",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(hub) = facts.hub.as_ref().filter(|hub| hub.url.starts_with("https://")) else { return };
    match &hub.answer {
        HubAnswer::Healthy(healthy) => match &healthy.certificate {
            None => findings.fact((), "the connection does not show it"),
            Some(Err(reason)) => findings.fact((), reason.clone()),
            Some(Ok(end)) => {
                let left = end.millis_since(facts.now);
                if left < SOON {
                    let seen = format!("it ends in {} days, at {end} UTC", left / DAY);
                    findings.warning((), seen).command("renew it on the hub's host");
                } else {
                    findings.ok((), format!("it lasts until {end} UTC"));
                }
            }
        },
        HubAnswer::Unreachable(reason) if reason.to_ascii_lowercase().contains("certificate") => {
            findings.error((), reason.clone()).command("renew it on the hub's host");
        }
        HubAnswer::NoAddress(_) | HubAnswer::Unreachable(_) | HubAnswer::Strange(_) => {}
    }
}
