use anet_protocol::id::TokenId;
use std::process::ExitCode;

use crate::commands::parse_id;
use crate::context::Context;
use crate::failure::Outcome;

/// Revoke a token at once
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The token's id, as `anet token ls` shows it
    #[arg(value_name = "ID", value_parser = parse_id::<TokenId>, required_unless_present = "all")]
    token_id: Option<TokenId>,
    /// Every API key and every login but this one; nodes keep their tokens
    #[arg(long, conflicts_with = "token_id")]
    all: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let revoked = if let Some(token_id) = &arguments.token_id {
        hub.revoke_token(token_id).await?;
        context.printer.note(&format!("{token_id} is revoked"))?;
        1
    } else {
        let revoked = hub.revoke_all_tokens().await?.revoked;
        context.printer.note(&format!("{revoked} API key(s) and other login(s) are revoked"))?;
        revoked
    };
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "token_id": arguments.token_id, "revoked": revoked }))?;
    }
    Ok(ExitCode::SUCCESS)
}
