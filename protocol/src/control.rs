//! The supervisor's control API: HTTP/1.1 and JSON over `~/.anet/run/supervisor.sock`.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `GET /v1/status` | | [`SupervisorStatus`] |
//! | `GET /v1/hub` | | [`HubView`] |
//! | `POST /v1/hub/start` | [`StartHub`] | [`HubChanged`] |
//! | `POST /v1/hub/stop` | | [`HubChanged`] |
//! | `POST /v1/hub/restart` | | [`HubChanged`] |
//! | `GET /v1/hub/logs?lines=&follow=&since=&grep=&stream=&after=` | | SSE of [`LogLine`] |
//! | `GET /v1/nodes` | | [`NodeViews`] |
//! | `GET /v1/nodes/{name}?project=` | | [`NodeView`] with its exits |
//! | `POST /v1/nodes/{name}/start` | [`ChangeNode`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/stop` | [`ChangeNode`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/restart` | [`RestartNode`] | [`NodeChanged`] |
//! | `POST /v1/nodes/{name}/register` | [`NodeTarget`] | [`NodeView`] |
//! | `POST /v1/nodes/{name}/forget` | [`NodeTarget`] | `{}`; refused while it runs |
//! | `GET /v1/nodes/{name}/references?project=` | | [`References`] |
//! | `GET /v1/nodes/{name}/logs?project=&…` as for the hub | | SSE of [`LogLine`] |
//! | `POST /v1/fleet/start` | [`ChangeFleet`] | [`FleetChanged`] |
//! | `POST /v1/fleet/stop` | [`ChangeFleet`] | [`FleetChanged`] |
//! | `GET /v1/events?since=&lines=&follow=` | | SSE of [`SupervisorEvent`] |
//! | `POST /v1/reload` | | [`Reloaded`] |
//! | `GET /v1/plan` | | [`Plan`] |
//! | `POST /v1/upgrade` | [`Upgrade`] | [`Upgrading`], then the supervisor becomes the new program |
//! | `POST /v1/shutdown` | [`Shutdown`] | [`ShuttingDown`], then the supervisor leaves |
//!
//! Start, stop and restart answer when the outcome is proven, or with an error when it is not.

mod audit;
mod error;
mod event;
mod exit;
mod fleet;
#[cfg(test)]
mod fuzz;
mod hub;
mod hub_variables;
mod log_line;
mod maintenance;
mod node;
mod process_state;
mod restart_node;
mod state_word;
mod supervisor;
mod token_state;
mod value_source;
mod version;

pub use audit::{AuditResult, LocalAuditLine};
pub use error::{ControlError, ControlErrorCode};
pub use event::{EventGap, EventQuery, Happening, SupervisorEvent};
pub use exit::{Exit, ExitCause, KEPT_EXITS, Requester, StopReason, StopRequest};
pub use fleet::{ChangeFleet, FLEET_VERSION, FleetChanged, FleetMember, MemberChanged};
pub use hub::{HubChanged, HubView, StartHub};
pub use hub_variables::HubVariables;
pub use log_line::{LogLine, LogStream};
pub use maintenance::{Plan, PlannedRestart, ProgramVersion, Reloaded, Upgrade, Upgrading};
pub use node::{ChangeNode, NodeChanged, NodeTarget, NodeView, NodeViews, Observed};
pub use process_state::{Desired, ProcessState};
pub use restart_node::RestartNode;
pub use state_word::state_word;
pub use supervisor::{Containment, Operators, Shutdown, ShuttingDown, SupervisorStatus};
pub use token_state::TokenState;
pub use value_source::{Reference, References, ValueSource};
pub use version::{CONTROL_VERSION, understand_each_other};
