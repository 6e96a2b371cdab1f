//! What may happen to a process without anybody asking for it.

use anet_protocol::control::ExitCause;
use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::drain::{Drain, DrainEnd};
use super::{HubGate, Lateness, Phase};
use crate::system::boot_time::{BootTime, sleep_until};

/// What a phase waits for.
pub(super) enum Incident {
    Exited(ExitCause),
    PauseOver,
    FilesChanged,
    HubReady,
    Late(Lateness),
    /// Nobody waits any more for it to have nothing in hand.
    DrainOver(DrainEnd),
}

/// Waits for what ends the phase, for ever when only a person can.
pub(super) async fn incident(
    phase: &mut Phase,
    hub_gate: &mut watch::Receiver<HubGate>,
    watched: Option<(BootTime, Lateness)>,
    drain: Option<&mut Drain>,
) -> Incident {
    match phase {
        Phase::Alive(alive) => {
            let late = async {
                match watched {
                    Some((moment, lateness)) => {
                        sleep_until(moment).await;
                        lateness
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                cause = alive.leader.exited() => Incident::Exited(cause),
                lateness = late => Incident::Late(lateness),
                end = Drain::over(drain) => Incident::DrainOver(end),
            }
        }
        Phase::Backoff { wake, .. } => {
            sleep_until(*wake).await;
            Incident::PauseOver
        }
        Phase::Waiting { .. } => {
            let is_open = hub_gate.wait_for(|gate| *gate == HubGate::Open).await.is_ok();
            if !is_open {
                // The supervisor leaves.
                std::future::pending::<()>().await;
            }
            Incident::HubReady
        }
        Phase::NeedsAttention { mended: Some(mended), .. } => match mended.next().await {
            Some(()) => Incident::FilesChanged,
            None => std::future::pending().await,
        },
        Phase::Stopped { .. } | Phase::NeedsAttention { mended: None, .. } => std::future::pending().await,
    }
}
