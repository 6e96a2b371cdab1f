use anet_protocol::token::TokenKind;
use secrecy::ExposeSecret as _;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::{HubFacts, Whoami};
use crate::doctor::finding::Severity;

pub(super) const CHECK: Check = Check {
    id: "login",
    title: "login",
    finds: "nobody is logged in, the login has ended, or the saved token is not a person's",
    why: "nodes are created and their tokens are renewed with the login; the nodes themselves run on without it",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(token) = &facts.patient.token else {
        if facts.hub.as_ref().is_some_and(HubFacts::asks_for_no_login) {
            findings.ok((), "none is needed: the hub asks nobody on its machine");
            return;
        }
        let problem = facts.patient.token_problem.as_deref().unwrap_or("nobody is logged in");
        findings.warning((), problem).command("anet login");
        return;
    };
    if anet_protocol::token::parse_access(token.expose_secret()) != Ok(TokenKind::User) {
        findings.error((), "the saved token is not the login of a person").command("anet login");
        return;
    }
    match facts.hub.as_ref().and_then(|hub| hub.login.as_ref()) {
        None => findings.fact((), "saved, and not tried, because the hub does not answer"),
        Some(Whoami::Known(me)) => {
            findings.ok((), format!("logged in as {}", me.user.username));
            if me.user.must_change_password {
                findings.fact((), "the password is weak or was made for you; `anet passwd` takes another");
            }
        }
        Some(Whoami::Refused) => {
            findings.error((), "the hub does not know the login any more").command("anet login");
        }
        Some(Whoami::Forbidden) => {
            findings.error((), "the hub knows the login and does not let it in").command("ask the hub's administrator");
        }
        Some(Whoami::Unclear(reason)) => {
            findings.warning((), format!("the hub was asked, and did not say: {reason}")).command("anet doctor");
        }
    }
}
