//! The audit log.

use anet_protocol::rest::{AuditList, AuditQuery, AuditVerified, VerifyAudit};
use anyhow::Context as _;
use reqwest::Method;

use super::HubClient;
use crate::failure::Failure;

const READ: &str = "cannot read the audit log";
const PATH: &str = "/api/audit-log";

impl HubClient {
    /// One page.
    pub(crate) async fn audit(&self, query: &AuditQuery) -> Result<AuditList, Failure> {
        self.get(READ, PATH, query).await
    }

    /// All rows, as text in the format of the query.
    pub(crate) async fn audit_text(&self, query: &AuditQuery) -> Result<String, Failure> {
        let response = self.send(READ, self.request(Method::GET, PATH).query(query)).await?;
        Ok(response.text().await.context("the audit log broke off")?)
    }

    /// Whether the log is as it was written.
    pub(crate) async fn verify_audit(&self, query: &VerifyAudit) -> Result<AuditVerified, Failure> {
        self.get("cannot verify the audit log", "/api/audit-log/verify", query).await
    }
}
