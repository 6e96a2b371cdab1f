use std::path::{Path, PathBuf};

use anet_protocol::id::{NodeId, TokenId};
use anet_protocol::rest::TokenInfo;
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
    /// The node, where its configuration had lost its token: every other one of it is then replaced, whichever it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost_by: Option<NodeId>,
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
        let is_excess = |token: &TokenInfo| {
            let is_named = token.label.as_ref() == Some(&self.label) || self.replaced.as_ref() == Some(&token.token_id);
            // The node may still work with the one that its configuration lost, until another one is in use.
            let is_lost = in_use.is_some() && self.lost_by.is_some() && token.node_id == self.lost_by;
            in_use != Some(&token.token_id) && (is_named || is_lost)
        };
        let mut revoked = Vec::new();
        let mut is_clean = true;
        for excess in tokens.into_iter().filter(is_excess) {
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
