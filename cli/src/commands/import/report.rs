//! Saying what became of a file.

use super::found::{Effect, Found};
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn report(context: &Context, found: &Found, is_dry: bool) -> Result<(), Failure> {
    let printer = &context.printer;
    let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if printer.json {
        let programs: Vec<_> = found
            .programs
            .iter()
            .map(|program| {
                serde_json::json!({
                    "name": program.name, "command": program.command, "directory": program.directory,
                    "port": program.port, "env": names(&program.env), "secrets": names(&program.secrets),
                    "policy": program.policy,
                })
            })
            .collect();
        return printer.document(&serde_json::json!({
            "dry_run": is_dry, "programs": programs, "left_out": found.left_out,
        }));
    }
    let done = if is_dry { "would be made" } else { "made" };
    for program in &found.programs {
        printer.data(&format!("{done}: {} ({})", program.name, program.command.join(" ")))?;
        if !program.secrets.is_empty() {
            printer.note(&format!("{}: into its .env: {}", program.name, names(&program.secrets).join(", ")))?;
        }
        if !program.policy.is_empty() {
            let keys: Vec<String> = program.policy.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            printer.note(&format!("{}: its policy: {}", program.name, keys.join(", ")))?;
        }
    }
    for left in &found.left_out {
        let (program, key) = (&left.program, &left.key);
        match &left.effect {
            Effect::HoldsAnyway(how) => printer.note(&format!("{program}: {key} is not needed: {how}"))?,
            Effect::Otherwise(how) => printer.warning(&format!("{program}: {key}: {how}"))?,
            Effect::Dropped(reason) => printer.warning(&format!("{program}: {key} has no effect here: {reason}"))?,
        }
    }
    if let (false, Some(first)) = (is_dry, found.programs.first()) {
        printer.hint(&format!("stop the old supervisor, then start each with `anet run {}`", first.name))?;
    }
    Ok(())
}
