use anet_protocol::exit_code::CommandExit;
use anet_protocol::rest::Me;
use std::process::ExitCode;

use super::login;
use crate::context::{Context, DEFAULT_HUB};
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::prompt;

/// Chooses the hub that commands talk to; a failure leaves everything as it was.
pub(super) async fn run(context: &Context) -> Outcome {
    let mut config = GlobalConfig::load(&context.environment)?;
    let known = config.hub().unwrap_or(DEFAULT_HUB).to_owned();
    let url = match &context.hub_flag {
        Some(url) => url.clone(),
        None => ask(&known)?,
    };
    let hub = HubClient::new(url.trim(), None)?;
    context.warn_of_clear_text(hub.url())?;
    let health = hub
        .health()
        .await
        .map_err(|failure| Failure { exit: CommandExit::HubUnreachable, ..failure }.context("no hub was chosen"))?;
    let me: Option<Me> = if context.token_flag.is_some() {
        Some(login::remember(context, &hub, &context.token()?).await?)
    } else {
        // A token is for the hub that gave it, and for no other.
        let is_other = hub_url::parse(&known)?.origin() != hub_url::parse(hub.url())?.origin();
        if is_other && config.token().is_some() {
            config.clear_login();
            context.printer.note(&format!("the login at {known} is forgotten here; it goes on at that hub"))?;
        }
        config.set_hub(hub.url());
        config.save()?;
        None
    };
    context.printer.note(&format!("commands talk to {} from now on (version {})", hub.url(), health.version))?;
    if context.environment.hub.as_ref().is_some_and(|url| url.trim_end_matches('/') != hub.url()) {
        context.printer.warning("COMMHUB_URL is set to another hub, and it wins")?;
    }
    let is_logged_in = me.is_some() || config.token().is_some();
    if let Some(me) = &me {
        context.printer.note(&format!("logged in as {}", me.user.username))?;
    }
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "hub": hub.url(), "version": health.version, "user": me.map(|me| me.user),
        }))?;
    } else if !is_logged_in {
        context.printer.hint("next: `anet login`, or `anet register`")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(known: &str) -> Result<String, Failure> {
    let answer = prompt::line(&format!("Address of the hub [{known}]"))?;
    Ok(if answer.is_empty() { known.to_owned() } else { answer })
}
