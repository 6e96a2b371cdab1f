//! A supervisor for what a dead one left running, where that is asked to stop or to restart.

use anet_protocol::Clock as _;
use anet_supervisor::Recorded;
use anyhow::Context as _;

use crate::context::Context;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

/// The running supervisor; a new one, if none runs and something that `is_meant` lives on, because only a supervisor can
/// end it and keep on record what is wanted. `None` where neither is so.
///
/// # Errors
/// When the record cannot be read, or a new supervisor does not come up.
pub(crate) async fn connect_or_take_over(
    context: &Context,
    is_meant: impl Fn(&Recorded) -> bool,
) -> Result<Option<SupervisorClient>, Failure> {
    let environment = &context.environment;
    if let Some(client) = SupervisorClient::connect(environment).await? {
        return Ok(Some(client));
    }
    if environment.supervisor.is_some() {
        return Ok(None);
    }
    let recorded = anet_supervisor::recorded(&environment.home, SystemClock.now())
        .with_context(|| format!("cannot find out what still runs for {}", environment.home.display()))?;
    if !recorded.iter().any(|one| one.pid.is_some() && is_meant(one)) {
        return Ok(None);
    }
    let client = SupervisorClient::ensure(environment).await?;
    context.printer.note("no supervisor ran; a new one took over what the last one had left running")?;
    Ok(Some(client))
}

/// As [`connect_or_take_over`], for what makes no sense without a supervisor.
///
/// # Errors
/// As that, and when none runs and nothing is to be taken over.
pub(crate) async fn require_or_take_over(
    context: &Context,
    is_meant: impl Fn(&Recorded) -> bool,
) -> Result<SupervisorClient, Failure> {
    match connect_or_take_over(context, is_meant).await? {
        Some(client) => Ok(client),
        None => SupervisorClient::require(&context.environment).await,
    }
}
