use std::process::ExitCode;

use crate::context::{Context, DEFAULT_HUB};
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;

/// End the login of this machine: at the hub, then in ~/.anet/config.json
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// End every login of yours, on all devices; nodes and API keys go on
    #[arg(long)]
    everywhere: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    if context.token_flag.is_some() {
        return Err(Failure::usage("`anet logout` ends the saved login, not that of a `--token`")
            .hint("end another login with `anet session revoke ID`"));
    }
    let mut config = GlobalConfig::load(&context.environment)?;
    let Some(token) = config.token() else {
        context.printer.note("nobody was logged in")?;
        return report(context, 0);
    };
    // The saved token goes to the hub that gave it, whatever `--hub` says.
    let hub = HubClient::new(config.hub().unwrap_or(DEFAULT_HUB), Some(token))?;
    let ended = if arguments.everywhere {
        hub.end_all_sessions().await.map(|ended| ended.revoked)
    } else {
        hub.logout().await.map(|_| 1)
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(failure) if failure.is_dead_token() => {
            context.printer.note("the hub had already ended this login")?;
            0
        }
        // Once the token is gone from here nobody can ask again.
        Err(failure) if arguments.everywhere => return Err(failure.context("still logged in here and elsewhere")),
        Err(failure) => {
            let text = format!("the token is still valid at the hub until it expires: {:#}", failure.error);
            context.printer.warning(&text)?;
            0
        }
    };
    config.clear_login();
    config.save()?;
    context.printer.note(&if arguments.everywhere {
        format!("logged out everywhere, {ended} login(s) ended")
    } else {
        "logged out".to_owned()
    })?;
    if context.environment.token.is_some() {
        context.printer.warning("COMMHUB_TOKEN is still set, and commands go on with it")?;
    }
    report(context, ended)
}

fn report(context: &Context, ended: u64) -> Outcome {
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "ended": ended }))?;
    }
    Ok(ExitCode::SUCCESS)
}
