use std::process::ExitCode;

use anet_protocol::control::{HubView, ProcessState};
use anet_protocol::rest::AuthStatus;

use crate::commands::node::words;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// Shows what the hub and the supervisor say, each asked itself.
pub(super) async fn run(context: &Context) -> Outcome {
    let hub = context.anonymous_hub()?;
    let supervised = match SupervisorClient::connect(&context.environment).await? {
        Some(client) => Some(client.status().await?.hub),
        None => None,
    };
    let health = hub.health().await.map_err(|failure| explain(failure, supervised.as_ref()))?;
    let auth = hub.auth_status().await?;
    let url = hub.url();
    let document = serde_json::json!({ "url": url, "health": health, "auth": auth, "supervised": supervised });
    context.printer.either(&document, || {
        let process = match &supervised {
            None => "no supervisor runs".to_owned(),
            Some(HubView { pid: Some(pid), state, .. }) => format!("{state}, pid {pid}"),
            Some(_) => "not under this supervisor".to_owned(),
        };
        format!(
            "Hub:          {url}\nVersion:      {}\nUp:           {} s\nProcess:      {process}\nLogin:        {}\nRegistration: {}",
            health.version,
            health.uptime,
            login(&auth),
            auth.registration.as_str(),
        )
    })?;
    if auth.setup_needed {
        context.printer.hint("it has no account yet; `anet hub start` on its host makes the first")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn login(auth: &AuthStatus) -> String {
    match auth.auth.as_str() {
        "login" => "asked for".to_owned(),
        mode => format!("not asked for on its machine ({mode})"),
    }
}

/// Why nobody answers, where the supervisor knows.
fn explain(failure: Failure, supervised: Option<&HubView>) -> Failure {
    match supervised.map(|hub| &hub.process) {
        Some(ProcessState::NeedsAttention { reason, last_exit, .. }) => {
            let text = format!("the hub is stopped, and is not started again by itself: {reason}");
            let hints = last_exit.hint.iter().cloned().collect();
            Failure { hints, exit: failure.exit, code: failure.code, ..Failure::message(text) }
        }
        Some(process @ (ProcessState::Backoff { .. } | ProcessState::Starting { .. })) => {
            let state = supervised.map_or("", |hub| hub.state.as_str());
            let trouble = words::trouble(state, process).unwrap_or_else(|| "it is being started".to_owned());
            let text = format!("the hub does not answer: {trouble}");
            Failure { exit: failure.exit, code: failure.code, ..Failure::message(text) }
                .hint("`anet hub logs` shows what it says")
        }
        _ => failure,
    }
}
