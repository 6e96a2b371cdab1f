use std::time::Duration;

use anet_protocol::exit_code::CommandExit;
use anet_protocol::rest::{AuditList, AuditQuery, AuditRow};

use super::{actor, target};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;
use crate::printer::head;

/// How often the hub is asked for more.
const INTERVAL: Duration = Duration::from_secs(1);

/// The most lines that the hub gives at once.
const PAGE: u32 = 200;

/// Prints the newest lines, oldest first, then every further one until somebody interrupts.
pub(super) async fn run(context: &Context, hub: &HubClient, query: AuditQuery) -> Outcome {
    let mut newest = hub.audit(&query).await?.logs;
    newest.reverse();
    let mut query = AuditQuery { limit: Some(PAGE), after: Some(0), ..query };
    print(context, &newest, &mut query)?;
    let mut tick = tokio::time::interval(INTERVAL);
    let mut is_away = false;
    loop {
        tick.tick().await;
        loop {
            let Some(page) = page(context, hub, &query, &mut is_away).await? else { break };
            print(context, &page.logs, &mut query)?;
            if page.logs.len() < PAGE as usize {
                break;
            }
        }
    }
}

/// What came since; `None` while the hub is away, which is said once.
async fn page(
    context: &Context,
    hub: &HubClient,
    query: &AuditQuery,
    is_away: &mut bool,
) -> Result<Option<AuditList>, Failure> {
    match hub.audit(query).await {
        Ok(page) => {
            *is_away = false;
            Ok(Some(page))
        }
        Err(failure) if failure.exit == CommandExit::HubUnreachable => {
            if !*is_away {
                context.printer.warning(&format!("{:#}; still trying", failure.error))?;
            }
            *is_away = true;
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn print(context: &Context, rows: &[AuditRow], query: &mut AuditQuery) -> Result<(), Failure> {
    for row in rows {
        if context.printer.json {
            context.printer.data(&serde_json::to_string(row)?)?;
        } else {
            let detail = head(row.detail.as_deref().unwrap_or_default(), 200);
            let line = format!("{}  {}  {}  {}  {detail}", row.created_at, actor(row), row.action, target(row));
            context.printer.data(line.trim_end())?;
        }
        query.after = query.after.max(Some(row.id));
    }
    Ok(())
}
