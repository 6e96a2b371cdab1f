use std::process::ExitCode;

use serde_json::json;

use super::Scope;
use super::system_tool::call;
use super::unit::{HUB, SUPERVISOR};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

pub(super) fn run(context: &Context, scope: Scope) -> Outcome {
    let directory = scope.directory(context)?;
    let names = [format!("{SUPERVISOR}.service"), format!("{SUPERVISOR}.socket"), format!("{HUB}.service")];
    let installed: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| directory.join(name).symlink_metadata().is_ok()).collect();
    if installed.is_empty() {
        context.printer.note(&format!("nothing of anet is installed in {}", directory.display()))?;
    } else {
        let mut disable = vec![scope.flag(), "disable", "--now"];
        disable.extend(&installed);
        call("systemctl", &disable)?;
        for name in &installed {
            let path = directory.join(name);
            std::fs::remove_file(&path)
                .map_err(|error| Failure::message(format!("cannot remove {}: {error}", path.display())))?;
        }
        call("systemctl", &[scope.flag(), "daemon-reload"])?;
        context.printer.note(&format!("removed from {}: {}", directory.display(), installed.join(", ")))?;
        context.printer.hint("`anet supervisor start` starts hub and nodes again without it")?;
    }
    if context.printer.json {
        context.printer.document(&json!({ "directory": directory, "removed": installed }))?;
    }
    Ok(ExitCode::SUCCESS)
}
