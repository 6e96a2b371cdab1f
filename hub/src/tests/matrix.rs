//! Every route for every kind of caller: who is let in, who is not, and that a refusal changes nothing.
//!
//! The tables are written by hand. They are a second statement of what `protocol/src/role.rs` says, made from the outside:
//! a cell is what a request is answered.

mod accounts;
mod networks;
mod row;
mod tasks;
mod try_out;
mod world;

use std::collections::BTreeSet;

use axum::http::Method;

use row::{Cell, Row};
use try_out::TryOut;
use world::{CALLERS, World};

/// The rows, in parts that are tried side by side.
const PARTS: [&[Row]; 5] = [accounts::OWN, accounts::HUB, networks::ROWS, tasks::TASKS, tasks::NODES];

fn rows() -> impl Iterator<Item = &'static Row> {
    PARTS.into_iter().flatten()
}

/// Tries every cell of a part, and tells of all that are not as they should be.
async fn check(part: &[Row]) {
    let mut wrong = Vec::new();
    for row in part {
        let mut tried = TryOut::new(row).await;
        for (caller, cell) in CALLERS.into_iter().zip(row.cells()) {
            tried.cell(caller, cell).await;
        }
        wrong.extend(tried.wrong());
    }
    assert!(wrong.is_empty(), "{} cells are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn accounts_and_logins_are_open_to_exactly_these() {
    check(accounts::OWN).await;
}

#[tokio::test]
async fn the_hubs_own_affairs_are_open_to_exactly_these() {
    check(accounts::HUB).await;
}

#[tokio::test]
async fn networks_are_open_to_exactly_these() {
    check(networks::ROWS).await;
}

#[tokio::test]
async fn tasks_and_messages_are_open_to_exactly_these() {
    check(tasks::TASKS).await;
}

#[tokio::test]
async fn nodes_and_their_work_are_open_to_exactly_these() {
    check(tasks::NODES).await;
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes: BTreeSet<&str> = row::routes().map(String::as_str).collect();
    let tried: BTreeSet<&str> = rows().map(Row::route).collect();
    assert_eq!(routes.difference(&tried).collect::<Vec<_>>(), Vec::<&&str>::new(), "routes without a row");
    for row in rows() {
        assert_eq!(row.cells().count(), CALLERS.len(), "{}", row.call);
    }
}

#[test]
fn the_cells_of_people_are_what_the_permission_table_says() {
    for row in rows() {
        let Some(operation) = row.operation else { continue };
        for (caller, cell) in CALLERS.into_iter().zip(row.cells()) {
            let Some(standing) = caller.standing_as_a_person() else { continue };
            let said = match cell {
                Cell::Allowed | Cell::AnothersThing => Some(true),
                Cell::Forbidden | Cell::Nothing => Some(false),
                _ => None,
            };
            let permitted = anet_protocol::role::permits(standing, operation);
            assert!(said.is_none_or(|said| said == permitted), "{} as {caller:?}: {operation:?}", row.call);
        }
    }
}

#[tokio::test]
async fn no_route_answers_a_page_of_another_origin_or_under_another_name() {
    let world = World::open().await;
    let before = world.contents().await;
    for row in rows() {
        for (header, value, code) in
            [("origin", "https://evil.example", "origin_not_allowed"), ("host", "evil.example", "host_not_allowed")]
        {
            let mut request = world.request(row, world::Caller::Page, &[]);
            request.headers_mut().insert(header, value.parse().unwrap());
            let reply = world.hub.send(request).await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &code.into()), "{} {value}", row.call);
        }
    }
    assert_eq!(before, world.contents().await);
}

#[tokio::test]
async fn no_route_takes_a_secret_from_the_url() {
    let world = World::open().await;
    let before = world.contents().await;
    for row in rows().filter(|row| row.cells().next() == Some(Cell::Unknown)) {
        for name in ["token", "api_key", "ticket"] {
            let mut request = world.request(row, world::Caller::Nobody, &[]);
            let (path, mark) = (request.uri().to_string(), if request.uri().query().is_some() { '&' } else { '?' });
            let secret = world.secret(world::Caller::Owner);
            *request.uri_mut() = format!("{path}{mark}{name}={secret}").parse().unwrap();
            let reply = world.hub.send(request).await;
            assert_eq!(reply.status, 401, "{} with {name}: {}", row.call, reply.body);
        }
    }
    assert_eq!(before, world.contents().await);
}

#[test]
fn reading_is_by_get_alone() {
    // The hub lets a cookie without `Origin` and upstream's old token read, and knows reading by the method.
    for row in rows() {
        assert!([Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(&row.method()), "{}", row.call);
    }
}
