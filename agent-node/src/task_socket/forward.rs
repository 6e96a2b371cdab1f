use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use reqwest::RequestBuilder;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::hub_client::chain;
use crate::node::Node;

/// Before the first repetition; each further one waits twice as long…
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// …up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Asks the hub as this node, and gives its answer on as it is.
///
/// An outage of the hub is waited through, so that it does not fail an agent that delegates: the request is made
/// anew until the hub answers, or `Timing::outage` is over. It must therefore be one that may be repeated.
/// `request` makes it, given how long the whole has taken so far. The error says why there is no answer.
pub(super) async fn forward(
    node: &Node,
    request: impl Fn(Duration) -> RequestBuilder,
) -> Result<(StatusCode, Bytes), String> {
    let begun = Instant::now();
    let mut backoff = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
    let mut broken_since = None;
    let mut token = node.hub.token_changes();
    loop {
        token.mark_unchanged();
        let answer = ask(request(begun.elapsed())).await;
        match &answer {
            // The agent has done nothing wrong: it waits for the node's next token.
            Ok((StatusCode::UNAUTHORIZED, _)) => {
                node.hub.unauthorized.notify_one();
                let rest = node.settings.timing.outage.saturating_sub(begun.elapsed());
                if let Ok(Ok(())) = tokio::time::timeout(rest, token.changed()).await {
                    continue;
                }
            }
            // A proxy without its hub, or a hub without its disk.
            Ok((StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE, _)) | Err(_) => {
                let since = *broken_since.get_or_insert_with(Instant::now);
                let wait = backoff.next(node.entropy.as_ref());
                if since.elapsed() + wait < node.settings.timing.outage {
                    tracing::debug!(?answer, ?wait, "no hub for an agent's call; it is made again");
                    tokio::time::sleep(wait).await;
                    continue;
                }
            }
            Ok(_) => {}
        }
        return answer;
    }
}

async fn ask(request: RequestBuilder) -> Result<(StatusCode, Bytes), String> {
    let answer = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
    };
    answer.await.map_err(|error| chain(&error.without_url()))
}
