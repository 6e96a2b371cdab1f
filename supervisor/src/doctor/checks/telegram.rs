use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file;

pub(super) const CHECK: Check = Check {
    id: "telegram",
    title: "telegram",
    finds: "`~/.claude/channels/telegram/.env` of the older tools is empty: its token was lost",
    why: "the channel of Claude Code cannot reach its bot",
    worst: Severity::Warning,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(home) = &facts.patient.user_home else { return };
    let path = home.join(".claude/channels/telegram/.env");
    if let Ok(metadata) = path.symlink_metadata()
        && metadata.is_file()
    {
        // One byte is the line break that a lost token leaves.
        if metadata.len() <= 1 {
            let command = own_file::edit(&path);
            findings.warning(&*path, "it is empty").command(command);
        } else {
            findings.ok(&*path, "it holds something");
        }
    }
}
