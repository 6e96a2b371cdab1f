use serde_json::{Map, Value};

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::repair::{ConfigEdit, Repair};

pub(super) const CHECK: Check = Check {
    id: "legacy_fields",
    title: "old fields",
    finds: "`config.json` names the node by `alias` alone, its session by `resume`, or the runtime `claude-code`",
    why: "older tools wrote them; other tools of today read the new names only",
    worst: Severity::Warning,
    mends: Some("writes them under their new names; every other key stays as it is"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for node in facts.nodes.iter().filter(|node| !node.is_program) {
        let Some(fields) = node.fields() else { continue };
        for (seen, edit) in edits(fields) {
            let directory = node.directory.clone();
            findings.warning(&*node.name, seen).repair(Repair::Config { directory, edit });
        }
    }
}

/// What is old, and what makes it new.
fn edits(fields: &Map<String, Value>) -> Vec<(&'static str, ConfigEdit)> {
    let has = |key: &str| fields.get(key).is_some_and(|value| !value.is_null());
    let rename = |from, to| ConfigEdit::Rename { from, to };
    let mut edits = Vec::new();
    if has("alias") && !has("name") && !has("node_name") {
        edits.push(("its name stands under `alias`", rename("alias", "node_name")));
    }
    if has("resume") && !has("session") {
        edits.push(("its session stands under `resume`", rename("resume", "session")));
    }
    if fields.get("runtime").and_then(Value::as_str) == Some("claude-code") {
        edits.push(("its runtime has the old name `claude-code`", ConfigEdit::Runtime("claude-code-cli")));
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        edits(&serde_json::from_str(text).unwrap()).len()
    }

    #[test]
    fn old_names_are_old_only_where_the_new_ones_are_absent() {
        assert_eq!(found(r#"{"alias":"a","resume":"s","runtime":"claude-code"}"#), 3);
        assert_eq!(found(r#"{"alias":"a","node_name":"a","resume":"s","session":"t","runtime":"claude-code-cli"}"#), 0);
        assert_eq!(found(r#"{"alias":"a","name":"a"}"#), 0);
    }
}
