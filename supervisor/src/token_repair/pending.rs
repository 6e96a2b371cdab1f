use std::path::{Path, PathBuf};

use anet_protocol::id::TokenId;
use serde::{Deserialize, Serialize};

use super::hub_api::HubApi;
use crate::login::Login;
use crate::private_file::{self, FileError};

/// What a repair is about to leave at the hub, written before it asks: so that the next one finds by id what a repair
/// that was cut off has minted. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The word under which the token is minted.
    pub(super) label: String,
    /// The token that is to be replaced, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaced: Option<TokenId>,
}

impl Pending {
    fn path(directory: &Path) -> PathBuf {
        directory.join("token-repair.json")
    }

    /// What the last repair left. A file that cannot be understood names no token, and is dropped.
    pub(super) fn load(directory: &Path) -> Result<Option<Self>, FileError> {
        let Some(text) = private_file::read_own(&Self::path(directory))? else { return Ok(None) };
        let pending = serde_json::from_str(&text);
        if let Err(error) = &pending {
            tracing::warn!(directory = %directory.display(), %error, "the note of the last token repair is unreadable");
        }
        Ok(pending.ok())
    }

    pub(super) fn save(&self, directory: &Path) -> Result<(), FileError> {
        let path = Self::path(directory);
        let text = serde_json::to_string(self).map_err(|error| FileError {
            action: "write",
            path: path.clone(),
            reason: error.to_string(),
        })?;
        private_file::write(&path, &text)
    }

    /// Revokes at the hub what the note names, but the token that is in use, and drops the note once nothing of it is
    /// left. The hub decides what is there: by id, never by a pattern.
    pub(super) async fn clean_up(
        &self,
        hub: &HubApi,
        login: &Login,
        in_use: Option<&TokenId>,
        directory: &Path,
    ) -> Result<Vec<TokenId>, FileError> {
        let tokens = match hub.tokens(login.token.as_ref()).await {
            Ok(tokens) => tokens,
            Err(denial) => {
                tracing::warn!(reason = denial.reason, "what a token repair left at the hub is still there");
                return Ok(Vec::new());
            }
        };
        let is_excess = |id: &TokenId, label: Option<&str>| {
            in_use != Some(id) && (label == Some(self.label.as_str()) || self.replaced.as_ref() == Some(id))
        };
        let mut revoked = Vec::new();
        let mut is_clean = true;
        for excess in tokens.into_iter().filter(|token| is_excess(&token.token_id, token.label.as_deref())) {
            match hub.revoke(login.token.as_ref(), &excess.token_id).await {
                Ok(()) => revoked.push(excess.token_id),
                Err(denial) => {
                    tracing::warn!(token = %excess.token_id, reason = denial.reason, "a token is not revoked yet");
                    is_clean = false;
                }
            }
        }
        if is_clean {
            private_file::remove(&Self::path(directory))?;
        }
        Ok(revoked)
    }
}
