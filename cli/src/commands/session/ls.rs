use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::printer::{head, or_dash};

pub(super) async fn run(context: &Context) -> Outcome {
    let list = context.hub()?.sessions().await?;
    context.printer.either(&list, || {
        let rows = list.sessions.iter().map(|session| {
            let device = session.client_label.as_ref().or(session.user_agent.as_ref());
            [
                session.token_id.to_string(),
                if session.is_current { format!("{}, this one", session.kind) } else { session.kind.clone() },
                head(device.unwrap_or(&session.name), 40),
                or_dash(session.last_address.as_ref()),
                session.created_at.to_string(),
                session.last_used_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
                session.expires_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            ]
        });
        let header = ["LOGIN", "KIND", "DEVICE", "ADDRESS", "SINCE (UTC)", "LAST USED (UTC)", "ENDS (UTC)"];
        context.printer.table(header, rows)
    })?;
    if !context.printer.json && list.idle_timeout_days > 0 {
        context.printer.note(&format!("a login that is not used for {} days ends", list.idle_timeout_days))?;
    }
    Ok(ExitCode::SUCCESS)
}
