use anet_protocol::token::TokenKind;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::hub::Whoami;
use crate::doctor::facts::node::{NodeFacts, NodeToken};
use crate::doctor::finding::Severity;
use crate::doctor::repair::Repair;

pub(super) const CHECK: Check = Check {
    id: "node_token",
    title: "token of a node",
    finds: "a node has no token, a person's or an API key in its place, one that is none, one that the hub refuses (401), or one \
            of another node",
    why: "the node cannot take tasks; with a person's login it could do more than a node may",
    worst: Severity::Error,
    mends: Some(
        "makes a new token in the node's own network, tries it, writes it down, and revokes the old one; needs a login",
    ),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let mut blocked = Vec::new();
    for node in &facts.nodes {
        let broken = match &node.token {
            NodeToken::Unknown => continue,
            NodeToken::Missing => "it has no token".to_owned(),
            NodeToken::OfAnother(TokenKind::User) => "its token is a person's login".to_owned(),
            NodeToken::OfAnother(_) => "its token is no node's".to_owned(),
            NodeToken::Untyped => "its token is none: it is mistyped, or of another program".to_owned(),
            NodeToken::Untried(reason) => {
                findings.fact(&*node.name, format!("its token was not tried: {reason}"));
                continue;
            }
            NodeToken::Tried { answer: Whoami::Refused, .. } => "the hub does not know its token any more".to_owned(),
            NodeToken::Tried { answer, hub } => {
                judge(node, answer, hub, findings);
                continue;
            }
        };
        let finding = findings.error(&*node.name, broken);
        if may_repair(facts) {
            finding.repair(Repair::Token { name: node.name.clone(), project: node.project.clone() });
        } else {
            finding.command("anet login");
            blocked.push(node.name.as_str());
        }
    }
    if !blocked.is_empty() {
        let seen = format!("renewing tokens needs a login; waiting for it: {}", blocked.join(", "));
        findings.error((), seen).command("anet login");
    }
}

/// What is said of a token that the hub was asked about and has not refused.
fn judge(node: &NodeFacts, answer: &Whoami, hub: &str, findings: &mut Findings) {
    let name = node.name.as_str();
    match answer {
        Whoami::Known(me) => {
            let of_node = me.credential.node_id.as_ref().map(|id| id.as_str().to_owned());
            if of_node.is_some() && of_node != node.node_id() {
                let seen = format!("its token is of the node {}", of_node.unwrap_or_default());
                findings.error(name, seen).command(format!("edit {}", node.directory.join("config.json").display()));
                return;
            }
            let network = node.config().and_then(|config| config.network_id().map(str::to_owned));
            let of_network = me.current_network.as_ref().map(|id| id.as_str().to_owned());
            if network.is_some() && of_network.is_some() && network != of_network {
                let seen = format!(
                    "its token is of the network {}, its configuration says {}",
                    of_network.unwrap_or_default(),
                    network.unwrap_or_default()
                );
                findings.error(name, seen).command(format!("edit {}", node.directory.join("config.json").display()));
                return;
            }
            findings.ok(name, "the hub knows its token");
        }
        Whoami::Forbidden => {
            let finding = findings.error(name, format!("the hub {hub} knows its token and does not let it in (403)"));
            finding.command("ask the owner of its network");
        }
        Whoami::Unclear(reason) => {
            findings.fact(name, format!("the hub {hub} was asked about its token, and did not say: {reason}"));
        }
        Whoami::Refused => {}
    }
}

/// Whether the person's own login works: without it every repair would end in the same refusal.
fn may_repair(facts: &Facts<'_>) -> bool {
    matches!(facts.hub.as_ref().and_then(|hub| hub.login.as_ref()), Some(Whoami::Known(_)))
}
