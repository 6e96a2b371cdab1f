//! Writing down who asked for what, and what came of it (R54).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::control::{AuditResult, ControlError, ControlErrorCode, LocalAuditLine, Requester};
use axum::Extension;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::registry::{Node, Registry};

/// Which node a request turned out to mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Meant(Arc<Mutex<Option<PathBuf>>>);

impl Meant {
    pub(super) fn is(&self, node: &Node) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(node.program.project.clone());
    }
}

/// Passes a request on, and writes a line when it is answered, or when whoever asked goes away before that.
pub(super) async fn record(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_hub = path.starts_with("/v1/hub/");
    let name = parameters.iter().find(|(key, _)| *key == "name").map(|(_, value)| value.to_owned());
    let action = path.rsplit('/').next().unwrap_or_default();
    let mut line = Line::new(registry, by, action, if is_hub { Some("hub") } else { name.as_deref() });
    request.extensions_mut().insert(line.meant.clone());
    let response = next.run(request).await;
    line.ends_with(response.extensions().get::<Arc<ControlError>>().map(AsRef::as_ref));
    response
}

/// Writes down what an operator asked for that is the owner's alone.
pub(super) fn refused(registry: Arc<Registry>, by: Requester, path: &str, error: &str) {
    let mut parts = path.trim_start_matches("/v1/").rsplit('/');
    let action = parts.next().unwrap_or_default().to_owned();
    let name = parts.next().map(str::to_owned);
    let result = AuditResult::Refused { code: ControlErrorCode::Forbidden, error: error.to_owned() };
    drop(Line { action, name, by, meant: Meant::default(), registry, result });
}

/// Written when it is dropped, however that comes about.
pub(super) struct Line {
    by: Requester,
    action: String,
    name: Option<String>,
    pub(super) meant: Meant,
    registry: Arc<Registry>,
    result: AuditResult,
}

impl Line {
    /// Of what is being asked; unanswered until something else is said.
    pub(super) fn new(registry: Arc<Registry>, by: Requester, action: &str, name: Option<&str>) -> Self {
        let (action, name) = (action.to_owned(), name.map(str::to_owned));
        Self { by, action, name, meant: Meant::default(), registry, result: AuditResult::Unanswered }
    }

    /// It was done, or refused.
    pub(super) fn ends_with(&mut self, refusal: Option<&ControlError>) {
        self.result = match refusal {
            Some(refusal) => AuditResult::Refused { code: refusal.code, error: refusal.error.clone() },
            None => AuditResult::Done,
        };
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let context = &self.registry.context;
        let line = LocalAuditLine {
            at: context.clock.now(),
            by: self.by.clone(),
            action: std::mem::take(&mut self.action),
            name: self.name.take(),
            project: self.meant.0.lock().unwrap_or_else(PoisonError::into_inner).take(),
            result: self.result.clone(),
        };
        if let Err(error) = context.audit_log.append(&line) {
            tracing::error!(%error, action = line.action, name = line.name, "the audit log cannot be written");
        }
    }
}
