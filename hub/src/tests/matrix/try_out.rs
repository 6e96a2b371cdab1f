use std::collections::BTreeMap;

use anet_protocol::role::Operation;
use axum::http::{Method, StatusCode};

use super::row::{Cell, Row};
use super::world::{Caller, World};
use crate::tests::kit::Reply;

/// Keeps what it gives in memory alone.
const UNSTORED: &str = "POST /api/auth/ticket";

/// One row being tried.
pub(crate) struct TryOut<'a> {
    row: &'a Row,
    world: World,
    before: BTreeMap<String, String>,
    has_changed: bool,
    wrong: Vec<String>,
}

impl<'a> TryOut<'a> {
    pub(crate) async fn new(row: &'a Row) -> Self {
        let world = World::open().await;
        let before = world.contents().await;
        Self { row, world, before, has_changed: false, wrong: Vec::new() }
    }

    fn complain(&mut self, caller: Caller, what: &str) {
        self.wrong.push(format!("{} {} as {caller:?}: {what}", self.row.call, self.row.body));
    }

    /// Lets one caller call.
    pub(crate) async fn cell(&mut self, caller: Caller, cell: Cell) {
        let reply = self.world.call(self.row, caller, &[]).await;
        let code = reply.body["code"].as_str().unwrap_or_default();
        if !cell.is_met_by(reply.status.as_u16(), code) {
            self.complain(caller, &format!("not {cell:?}, but {}: {}", reply.status, reply.body));
        }
        // Who lacks the rank on the hub is told so, and not of some network.
        let is_for_admins = cell == Cell::Forbidden && self.row.operation == Some(Operation::Administer);
        if is_for_admins && caller.standing_as_a_person().is_some() && code != "admin_required" {
            self.complain(caller, &format!("not admin_required: {}", reply.body));
        }
        let shown = self.world.expand(self.row.shows, &[]);
        if !shown.is_empty() && reply.body.to_string().contains(&shown) != (cell == Cell::Allowed) {
            self.complain(caller, &format!("{shown} is shown or not against {cell:?}: {}", reply.body));
        }
        if let Err(fault) = check_envelope(&reply) {
            self.complain(caller, &format!("{fault}: {}", reply.body));
        }
        // Whoever listens to a node's own stream is seen to be there.
        let is_read = self.row.method() == Method::GET && !self.row.path().starts_with("/events/");
        let is_change = reply.status == StatusCode::OK && !is_read;
        self.compare(caller, is_change).await;
        let is_hidden = matches!(cell, Cell::Nothing | Cell::OthersThing);
        if !is_change && (is_hidden || caller.is_outside() && cell != Cell::Allowed) {
            self.look_for_what_is_missing(caller, &reply).await;
        }
    }

    /// Looks at what is stored. A hub with a change is put away, so that every caller finds the same.
    async fn compare(&mut self, caller: Caller, may_change: bool) {
        let after = self.world.contents().await;
        let changed: Vec<&String> = self
            .before
            .iter()
            .filter(|(table, content)| after.get(*table) != Some(*content))
            .map(|(table, _)| table)
            .collect();
        self.has_changed |= !changed.is_empty();
        if !may_change && changed.is_empty() {
            return;
        }
        if !may_change {
            self.wrong.push(format!("{} as {caller:?} has changed {changed:?}", self.row.call));
        }
        self.world = World::open().await;
        self.before = self.world.contents().await;
    }

    /// What is out of reach is told from what does not exist by nothing but the id that was given.
    async fn look_for_what_is_missing(&mut self, caller: Caller, theirs: &Reply) {
        let ids = self.world.ids(self.row);
        let ids: Vec<(&str, String, String)> =
            ids.into_iter().map(|(name, id)| (name, id.to_owned(), missing(id))).collect();
        for (name, id, none) in ids {
            let reply = self.world.call(self.row, caller, &[(name, &none)]).await;
            let told = theirs.body.to_string().replace(&id, &none);
            if (theirs.status, &theirs.headers, told) != (reply.status, &reply.headers, reply.body.to_string()) {
                self.complain(caller, &format!("${name} is told from a missing one: {} {}", theirs.body, reply.body));
            }
        }
        self.compare(caller, false).await;
    }

    pub(crate) fn wrong(mut self) -> Vec<String> {
        let is_change = self.row.method() != Method::GET && self.row.call != UNSTORED;
        if is_change && !self.has_changed && self.row.cells().any(|cell| cell == Cell::Allowed) {
            self.wrong
                .push(format!("{}: nobody's call has changed anything, so a refusal proves nothing", self.row.call));
        }
        self.wrong
    }
}

/// An id of the same shape that nothing has.
fn missing(id: &str) -> String {
    let (kind, rest) = id.split_once('_').map_or((String::new(), id), |(kind, rest)| (format!("{kind}_"), rest));
    kind + &rest.chars().map(|c| if c == '-' { '-' } else { '0' }).collect::<String>()
}

/// Every refusal has the one form, and a 401 says how to do better.
fn check_envelope(reply: &Reply) -> Result<(), &'static str> {
    let body = &reply.body;
    if reply.status == StatusCode::OK {
        let is_stream = body.is_null();
        return if is_stream || body["ok"] == true { Ok(()) } else { Err("a success without ok") };
    }
    let is_text = |field: &str| body[field].as_str().is_some_and(|text| !text.is_empty());
    let texts = ["message", "hint"].iter().all(|field| body.get(*field).is_none() || is_text(field));
    if body["ok"] != false || !is_text("error") || !is_text("code") || !texts {
        return Err("a refusal of another form");
    }
    if reply.status == StatusCode::UNAUTHORIZED && !reply.headers.contains_key("www-authenticate") {
        return Err("a 401 without WWW-Authenticate");
    }
    Ok(())
}
