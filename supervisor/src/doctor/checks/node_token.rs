use anet_protocol::token::TokenKind;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::node::NodeToken;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::doctor::repair::Repair;
use crate::token_repair::Probe;

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
    // Without it every repair would end in the same refusal.
    let may_repair = facts.hub.as_ref().is_some_and(|hub| hub.knows_the_person(facts.patient));
    for node in &facts.nodes {
        let name = node.name.as_str();
        let project = shell_word(&node.project);
        let anew = format!(
            "anet node delete {name} --project {project} && cd {project} && anet node create {name} -- PROGRAM # the token's own node stays"
        );
        let (hub, probe) = match &node.token {
            NodeToken::Unknown => continue,
            NodeToken::Untried(reason) => {
                findings.fact(name, format!("its token was not tried: {reason}"));
                continue;
            }
            NodeToken::Probed { hub, probe } => (hub, probe),
        };
        let broken = match probe {
            Probe::Valid { .. } => {
                findings.ok(name, "the hub knows its token");
                continue;
            }
            // Whose it is says who the node is, where nothing else does: the check of the identity.
            Probe::Foreign { node_id: Some(_), .. }
                if node.config().is_some_and(|config| config.node_id().is_none()) =>
            {
                continue;
            }
            Probe::Foreign { node_id: Some(other), .. } if Some(other.as_str().to_owned()) != node.node_id() => {
                findings.error(name, format!("its token is of the node {other}")).command(anew);
                continue;
            }
            Probe::Foreign { network_id, .. } => {
                let network = network_id.as_ref().map_or("none", |id| id.as_str());
                let seen = format!("its token is of the network {network}, its configuration names another");
                findings.error(name, seen).command(anew);
                continue;
            }
            Probe::Forbidden { reason } => {
                findings.error(name, reason.clone()).command("ask the owner of its network");
                continue;
            }
            Probe::Unreachable { reason, .. } => {
                findings.fact(name, format!("its token was not tried at {hub}: {reason}"));
                continue;
            }
            Probe::Missing => "it has no token",
            Probe::WrongKind(TokenKind::User) => "its token is a person's login",
            Probe::WrongKind(_) => "its token is no node's",
            Probe::Untyped => "its token is none: it is mistyped, or of another program",
            Probe::Refused { .. } => "the hub does not know its token",
        };
        let finding = findings.error(name, broken);
        if may_repair {
            finding.repair(Repair::Token { name: node.name.clone(), project: node.project.clone() });
        } else {
            finding.command("anet login");
            blocked.push(name);
        }
    }
    if !blocked.is_empty() {
        let seen = format!("renewing tokens needs a login; waiting for it: {}", blocked.join(", "));
        findings.error((), seen).command("anet login");
    }
}
