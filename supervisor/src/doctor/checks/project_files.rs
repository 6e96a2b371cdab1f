use std::path::Path;

use serde_json::Value;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::{Facts, JsonFile};
use crate::doctor::finding::Severity;
use crate::doctor::own_file::{self, OwnFile, shell_word};

pub(super) const CHECK: Check = Check {
    id: "project_files",
    title: "files of the project",
    finds: "`.mcp.json` is broken, or it, `.anet/.env` or `~/.claude/channels/commhub` hold an identity of the older tools, which \
            all nodes of the project share",
    why: "a program that reads them speaks under another node's name, or with a person's login",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let mut projects = facts.projects();
    if !projects.contains(&facts.patient.directory) {
        projects.push(facts.patient.directory.clone());
    }
    for project in projects {
        mcp(&project.join(".mcp.json"), findings);
        let shared = project.join(".anet/.env");
        if has_identity(&shared) {
            let seen = "it holds a token that every node of the project would share; no part of anet reads it";
            findings.warning(&*shared, seen).command(format!("rm {}", shell_word(&shared)));
        }
        if let Some(home) = &facts.patient.user_home {
            let key = project.display().to_string().replace('/', "-");
            let channel = home.join(".claude/channels/commhub").join(key).join(".env");
            if has_identity(&channel) {
                let seen = "it names one node for everything that runs in the project; no part of anet reads it";
                findings.warning(&*channel, seen).command(format!("rm {}", shell_word(&channel)));
            }
        }
    }
}

fn mcp(path: &Path, findings: &mut Findings) {
    match JsonFile::read(path) {
        JsonFile::Absent => {}
        JsonFile::Broken(problem) => {
            findings.error(path, problem.seen).command(problem.command);
        }
        JsonFile::Object(fields) => match fields.get("mcpServers").and_then(|servers| servers.get("commhub")) {
            None => findings.ok(path, "it names no hub of its own"),
            Some(entry) if holds_token(entry) => {
                let seen = "its entry `commhub` holds a token that every node of the project would share";
                findings.warning(path, seen).command(own_file::edit(path));
            }
            Some(_) => findings.fact(path, "it has the entry `commhub` of the older tools; nodes get theirs per task"),
        },
    }
}

fn holds_token(entry: &Value) -> bool {
    let text = entry.to_string();
    ["utok_", "ntok_", "atok_", "COMMHUB_TOKEN"].iter().any(|sign| text.contains(sign))
}

/// Whether a file of variables says who one is.
fn has_identity(path: &Path) -> bool {
    match own_file::read(path) {
        OwnFile::Text(text) => text.lines().any(|line| {
            let line = line.trim_start().trim_start_matches("export ");
            ["COMMHUB_TOKEN=", "COMMHUB_ALIAS="].iter().any(|sign| line.starts_with(sign) && line.len() > sign.len())
        }),
        OwnFile::Absent | OwnFile::Refused(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_who_one_is_is_found_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        for (text, expected) in [
            ("COMMHUB_TOKEN=utok_1\n", true),
            ("export COMMHUB_ALIAS=writer\n", true),
            ("COMMHUB_TOKEN=\n# COMMHUB_TOKEN=x\nCOMMHUB_URL=http://h\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(has_identity(&path), expected, "{text}");
        }
    }
}
