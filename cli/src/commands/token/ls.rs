use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::printer::{head, or_dash};

pub(super) async fn run(context: &Context) -> Outcome {
    let list = context.hub()?.tokens().await?;
    context.printer.either(&list, || {
        let rows = list.tokens.iter().map(|token| {
            [
                token.token_id.to_string(),
                head(&token.name, 40),
                token.kind.clone(),
                token.scope.clone(),
                or_dash(token.network_id.as_ref()),
                token.last_used_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
                token.expires_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            ]
        });
        context.printer.table(["TOKEN", "NAME", "KIND", "SCOPE", "NETWORK", "LAST USED (UTC)", "ENDS (UTC)"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
