//! Tickets: what a browser's `EventSource`, which can send no header, shows in the URL instead of a token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anet_protocol::id::TokenId;
use anet_protocol::rest::Ticket;
use anet_protocol::role::Operation;
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};
use secrecy::ExposeSecret as _;

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::limits::Action;

/// How long a ticket works.
const SECONDS: i64 = 30;

/// How many may be open at once; the address limit keeps one caller from taking all.
const MOST: usize = 10_000;

/// Open tickets, by digest. A restart of the hub voids them.
#[derive(Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<String, (TokenId, Timestamp)>>,
}

impl Tickets {
    fn put(&self, digest: String, token_id: TokenId, now: Timestamp) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            open.retain(|_, (_, end)| *end > now);
        }
        if open.len() < MOST {
            open.insert(digest, (token_id, now.plus_seconds(SECONDS)));
        }
    }

    /// Takes a ticket; it works once.
    pub(crate) fn take(&self, ticket: &str, now: Timestamp) -> Option<TokenId> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (token_id, end) = open.remove(&token::digest(ticket))?;
        (end > now).then_some(token_id)
    }
}

/// Gives the caller a ticket for one stream.
pub(crate) async fn issue(hub: &Hub, caller: &Caller) -> Result<Ticket, HubError> {
    let now = hub.now();
    caller.authorize_account(&mut *hub.read().await?, Operation::IssueTicket).await?;
    hub.limits().take(Action::Refresh, caller.address, now)?;
    let ticket = token::mint(TokenKind::Ticket, hub.entropy());
    hub.live().tickets.put(token::digest(ticket.expose_secret()), caller.token_id.clone(), now);
    Ok(Ticket { ticket: ticket.expose_secret().to_owned(), expires_in: SECONDS.unsigned_abs() })
}
