use anet_protocol::rest::{
    AuditFormat, AuditList, AuditQuery, AuditRow, AuditVerified, ErrorBody, Success, VerifyAudit,
};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::api::answer::{Answer, success};
use crate::api::{AuthenticatedCaller, QueryPart};
use crate::audit;
use crate::error::HubError;
use crate::hub::Hub;

/// Reads the audit log, newest first.
#[utoipa::path(get, path = "/api/audit-log", tag = "audit", security(("token" = [])), params(AuditQuery),
    responses((status = 200, content((Success<AuditList> = "application/json"), (String = "text/csv"),
        (String = "application/jsonl"))), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn list(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<AuditQuery>,
) -> Result<Response, HubError> {
    let (content_type, text) = match query.format.unwrap_or(AuditFormat::Json) {
        AuditFormat::Json => return Ok(success(audit::log::list(&hub, &caller, query).await?).into_response()),
        AuditFormat::Jsonl => ("application/jsonl", jsonl(&audit::log::export(&hub, &caller, query).await?)?),
        AuditFormat::Csv => ("text/csv; charset=utf-8", csv(&audit::log::export(&hub, &caller, query).await?)?),
    };
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// Tells whether the audit log is as it was written.
#[utoipa::path(get, path = "/api/audit-log/verify", tag = "audit", security(("token" = [])), params(VerifyAudit),
    responses((status = 200, body = Success<AuditVerified>), (status = "4XX", body = ErrorBody)))]
pub(crate) async fn verify(
    State(hub): State<Hub>,
    AuthenticatedCaller(caller): AuthenticatedCaller,
    QueryPart(query): QueryPart<VerifyAudit>,
) -> Answer<AuditVerified> {
    Ok(success(audit::verify::verify(&hub, &caller, query).await?))
}

fn fault(error: impl std::fmt::Display) -> HubError {
    HubError::Fault { doing: "write the audit log out", message: error.to_string() }
}

fn jsonl(rows: &[AuditRow]) -> Result<String, HubError> {
    let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    Ok(lines.map_err(fault)?.into_iter().map(|line| line + "\n").collect())
}

fn csv(rows: &[AuditRow]) -> Result<String, HubError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(fault)?;
    for row in rows {
        writer.write_record(cells(row).map(|cell| harmless(&cell))).map_err(fault)?;
    }
    String::from_utf8(writer.into_inner().map_err(fault)?).map_err(fault)
}

const COLUMNS: [&str; 13] = [
    "id",
    "created_at",
    "user_id",
    "username",
    "actor_kind",
    "actor_id",
    "action",
    "target_type",
    "target_id",
    "detail",
    "ip",
    "network_id",
    "hash",
];

fn cells(row: &AuditRow) -> [String; 13] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        row.id.to_string(),
        row.created_at.to_string(),
        row.user_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        text(&row.username),
        row.actor_kind.clone(),
        text(&row.actor_id),
        row.action.clone(),
        row.target_type.clone(),
        text(&row.target_id),
        text(&row.detail),
        text(&row.ip),
        row.network_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        row.hash.clone(),
    ]
}

/// A spreadsheet would take a cell that begins like this for a formula (OWASP, CSV injection).
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() }
}
