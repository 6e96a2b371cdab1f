//! The page of documentation, made from the table of checks.

use super::checks::CHECKS;
use super::finding::Severity;

/// The text of `docs/doctor.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut text = String::from(HEAD);
    for check in CHECKS {
        let cells = [
            &format!("`{}`", check.id),
            check.title,
            check.worst.word(),
            check.finds,
            check.why,
            check.mends.unwrap_or("–"),
        ];
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    }
    let repairable = CHECKS.iter().filter(|check| check.mends.is_some()).count();
    let errors = CHECKS.iter().filter(|check| check.worst == Severity::Error).count();
    text + &format!("\n{} checks, {errors} of them can end in an error, {repairable} are repaired.\n", CHECKS.len())
}

const HEAD: &str = "\
# What `anet doctor` looks at

This page is rendered from the table of checks (`supervisor/src/doctor/checks.rs`); a test fails when it is stale.

`anet doctor` changes nothing. Each line is `sign word check: [subject:] what was seen`; below a warning or an error stand why it
matters and the one command that mends it. The last line is `Result: N ok, M warnings, K errors`; facts are not counted.
`--json` prints the same as one document. It works with and without a running supervisor and hub, and waits for neither for long.

| exit code | `anet doctor` | `anet doctor --fix` |
|---|---|---|
| 0 | no error (warnings may be left) | no error and no warning is left |
| 1 | an error | an error or a warning is left |

`anet doctor --fix` repairs what the last column says, tells how each thing was before and is after, gives nodes that it mended up to
15 s to come up, and looks at everything again.
Called twice, it changes nothing the second time. It never moves plain secrets, never touches links, files with several names or
files of other users, never edits a file it cannot read, and never replaces a token that the hub has not refused with 401.

`anet doctor NAME…` looks at the named nodes alone; everything that is not about a node is looked at as well. A name
that no node has ends the command with 1 before anything is looked at.

| check | title | at worst | finds | why it matters | `--fix` |
|---|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_checked_in_page_is_the_rendered_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/doctor.md");
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(checked_in == reference_page(), "replace the text of {path} by:\n{}", reference_page());
    }

    #[test]
    fn every_check_has_an_id_of_its_own_and_says_what_it_is_for() {
        let ids: HashSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        for check in CHECKS {
            assert!(!check.finds.is_empty() && !check.why.is_empty() && !check.title.is_empty(), "{}", check.id);
            assert!(!check.finds.contains('|') && !check.why.contains('|'), "{}: a table cell", check.id);
        }
    }
}
