//! A hub on which each call of the tables can succeed for somebody.

use std::collections::BTreeMap;
use std::fs;

use anet_protocol::role::{CredentialKind, NetworkRole, Standing, SystemRole};
use anet_protocol::token::{TokenKind, mint};
use axum::body::Body;
use axum::http::{Method, Request};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::row::Row;
use crate::Durability;
use crate::store::tests::contents;
use crate::tests::kit::{PASSWORD, Person, Reply, Run, SeededEntropy, TestClock, TestHub};

/// Who calls. All keys and node tokens but `Node`'s network's are of the owner; the shared network is the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    /// Without a token.
    Nobody,
    /// With a text that is no token.
    Garbage,
    /// With a token of the right form that no hub has made.
    Unminted,
    /// With a login of the owner's that was not used for too long.
    Expired,
    /// With a login that the owner has ended.
    Revoked,
    /// With a key of a network that is deleted.
    Gone,
    Owner,
    Admin,
    Member,
    Viewer,
    /// Somebody with an account, and in no network but the own.
    Stranger,
    /// The hub's administrator, in no network but the own.
    Root,
    /// The owner's browser, from the hub's own page.
    Page,
    /// The owner's browser session without the `Origin` that a browser sends with a change.
    Bare,
    /// The token of the owner's node `counter`.
    Node,
    /// The token of the network that comes with an account; of no node.
    Spare,
    Full,
    Agent,
    Readonly,
    /// A full key of the network.
    Bound,
    /// A full key of another network of the owner's.
    Elsewhere,
    /// Upstream's master token.
    Legacy,
}

/// The columns, in the order of the tables.
pub(crate) const CALLERS: [Caller; 22] = [
    Caller::Nobody,
    Caller::Garbage,
    Caller::Unminted,
    Caller::Expired,
    Caller::Revoked,
    Caller::Gone,
    Caller::Owner,
    Caller::Admin,
    Caller::Member,
    Caller::Viewer,
    Caller::Stranger,
    Caller::Root,
    Caller::Page,
    Caller::Bare,
    Caller::Node,
    Caller::Spare,
    Caller::Full,
    Caller::Agent,
    Caller::Readonly,
    Caller::Bound,
    Caller::Elsewhere,
    Caller::Legacy,
];

impl Caller {
    /// What the permission table is asked with, if it is a person with a token.
    pub(crate) fn standing_as_a_person(self) -> Option<Standing> {
        let (system, network) = match self {
            Self::Owner | Self::Page => (SystemRole::User, Some(NetworkRole::Owner)),
            Self::Admin => (SystemRole::User, Some(NetworkRole::Admin)),
            Self::Member => (SystemRole::User, Some(NetworkRole::Member)),
            Self::Viewer => (SystemRole::User, Some(NetworkRole::Viewer)),
            Self::Stranger => (SystemRole::User, None),
            Self::Root => (SystemRole::Admin, None),
            _ => return None,
        };
        Some(Standing { credential: CredentialKind::User, system, network })
    }

    /// Whether nothing of the shared network is in its reach.
    pub(crate) fn is_outside(self) -> bool {
        matches!(self, Self::Stranger | Self::Elsewhere)
    }
}

const LEGACY: &str = "the-master-token-of-an-older-hub";

/// A day more than a login lives that nobody uses.
const EXPIRY_SECONDS: i64 = 8 * 24 * 3600;

/// The database that every hub of the tables begins with, and what is in it.
struct Template {
    database: Vec<u8>,
    /// By the name in the tables, without `$`.
    names: BTreeMap<&'static str, String>,
    secrets: BTreeMap<Caller, String>,
    cookies: String,
}

static TEMPLATE: OnceCell<Template> = OnceCell::const_new();

/// A hub with a copy of the template.
pub(crate) struct World {
    pub hub: TestHub,
    template: &'static Template,
}

impl World {
    pub(crate) async fn open() -> Self {
        let template = TEMPLATE.get_or_init(build).await;
        let clock = TestClock::new();
        // A second later, so that what is merely written again is seen.
        clock.advance(EXPIRY_SECONDS + 1);
        let hub = TestHub::open_at(clock, 2, |settings| {
            fs::create_dir_all(settings.database.parent().unwrap()).unwrap();
            fs::write(&settings.database, &template.database).unwrap();
            settings.legacy_token = Some(LEGACY.to_owned().into());
            settings.durability = Durability::Normal;
        });
        Self { hub: hub.await, template }
    }

    pub(crate) async fn contents(&self) -> BTreeMap<String, String> {
        contents(&self.hub).await
    }

    pub(crate) fn secret(&self, caller: Caller) -> &str {
        &self.template.secrets[&caller]
    }

    /// Puts what is there in the place of the names; `others` go first.
    pub(crate) fn expand(&self, text: &str, others: &[(&str, &str)]) -> String {
        let mut names: Vec<(&str, &str)> =
            self.template.names.iter().map(|(name, value)| (*name, value.as_str())).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        others
            .iter()
            .chain(&names)
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// The ids that the call names, by their names.
    pub(crate) fn ids(&self, row: &Row) -> Vec<(&'static str, &str)> {
        let is_id =
            |value: &str| ["net_", "n_", "u_", "tok_", "ivt_", "rtxn_"].iter().any(|kind| value.starts_with(kind));
        let given = |name: &str| row.path().contains(&format!("${name}")) || row.body.contains(&format!("\"${name}\""));
        let names = self.template.names.iter().map(|(name, value)| (*name, value.as_str()));
        names.filter(|(name, value)| (is_id(value) || value.len() == 36) && given(name)).collect()
    }

    pub(crate) fn request(&self, row: &Row, caller: Caller, others: &[(&str, &str)]) -> Request<Body> {
        let (method, path) = (row.method(), self.expand(row.path(), others));
        let token = self.template.secrets.get(&caller).map_or("", String::as_str);
        let mut request = TestHub::request(method.as_str(), &path, token);
        if matches!(caller, Caller::Page | Caller::Bare) {
            request = request.header("cookie", &self.template.cookies);
        }
        if caller == Caller::Page && method != Method::GET {
            request = request.header("origin", "http://localhost");
        }
        if row.body.is_empty() {
            return request.body(Body::empty()).unwrap();
        }
        let body = self.expand(row.body, others);
        request.header("content-type", "application/json").body(body.into()).unwrap()
    }

    pub(crate) async fn call(&self, row: &Row, caller: Caller, others: &[(&str, &str)]) -> Reply {
        self.hub.send(self.request(row, caller, others)).await
    }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap().to_owned()
}

/// Makes the template, by calls alone.
async fn build() -> Template {
    let hub = TestHub::open_with(|settings| settings.legacy_token = Some(LEGACY.to_owned().into())).await;
    let mut names = BTreeMap::from([("password", PASSWORD.to_owned())]);
    let mut secrets = BTreeMap::from([
        (Caller::Garbage, "nonsense".to_owned()),
        (Caller::Unminted, mint(TokenKind::User, &*SeededEntropy::new(99)).expose_secret().to_owned()),
        (Caller::Legacy, LEGACY.to_owned()),
    ]);

    hub.person("root").await;
    let owner = hub.person("owner").await;
    secrets.extend([(Caller::Expired, owner.token.clone()), (Caller::Spare, owner.network_token.clone())]);
    hub.clock.advance(EXPIRY_SECONDS);
    let login = async |name: &str| {
        hub.post("", "/api/auth/login", json!({ "username": name, "password": PASSWORD })).await.ok()
    };
    secrets.insert(Caller::Root, text(&login("root").await, "token"));
    let owner = Person { token: text(&login("owner").await, "token"), ..owner };
    secrets.insert(Caller::Owner, owner.token.clone());
    let network = owner.network_id.clone();
    let at = |path: &str| format!("/api/networks/{network}{path}");

    let rename = TestHub::request("PUT", &at(""), &owner.token).header("content-type", "application/json");
    hub.send(rename.body(Body::from(r#"{"name":"shared"}"#)).unwrap()).await.ok();
    let mut people = BTreeMap::new();
    for (name, caller, role) in [
        ("admin", Some(Caller::Admin), Some("admin")),
        ("member", Some(Caller::Member), Some("member")),
        ("viewer", Some(Caller::Viewer), Some("viewer")),
        ("guest", None, Some("member")),
        ("stranger", Some(Caller::Stranger), None),
        ("newcomer", None, None),
    ] {
        let person = hub.person(name).await;
        if let Some(caller) = caller {
            secrets.insert(caller, person.token.clone());
        }
        if let Some(role) = role {
            hub.post(&owner.token, &at("/members"), json!({ "username": name, "role": role })).await.ok();
        }
        people.insert(name, person);
    }
    for name in ["guest", "newcomer"] {
        let me = hub.get(&people[name].token, "/api/auth/me").await.ok();
        names.insert(name, text(&me["user"], "user_id"));
    }

    let mut fresh = BTreeMap::new();
    for name in ["other", "doomed"] {
        let made = hub.post(&owner.token, "/api/networks", json!({ "name": name })).await.ok();
        fresh.insert(name, text(&made, "network_id"));
    }
    for (caller, scope, network) in [
        (Some(Caller::Full), "full", None),
        (Some(Caller::Agent), "agent", None),
        (Some(Caller::Readonly), "readonly", None),
        (Some(Caller::Bound), "full", Some(&network)),
        (Some(Caller::Elsewhere), "full", Some(&fresh["other"])),
        (Some(Caller::Gone), "full", Some(&fresh["doomed"])),
        (None, "full", None),
    ] {
        let made =
            hub.post(&owner.token, "/api/auth/tokens", json!({ "scope": scope, "network_id": network })).await.ok();
        match caller {
            Some(caller) => drop(secrets.insert(caller, text(&made, "token"))),
            None => drop(names.insert("key", text(&made, "token_id"))),
        }
    }
    hub.delete(&owner.token, &format!("/api/networks/{}", fresh["doomed"])).await.ok();
    names.insert("login", text(&login("owner").await, "token_id"));
    let ended = text(&login("owner").await, "token");
    hub.post(&ended, "/api/auth/logout", json!({})).await.ok();
    secrets.insert(Caller::Revoked, ended);
    let session = hub.post("", "/api/auth/session", json!({ "username": "owner", "password": PASSWORD })).await;
    let cookies = session.headers.get_all("set-cookie").iter().map(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    });
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    session.ok();
    names.insert(
        "recovery",
        text(
            &hub.post(&people["guest"].token, "/api/auth/recovery-key", json!({ "password": PASSWORD })).await.ok(),
            "recovery_key",
        ),
    );
    hub.post("", "/api/auth/login", json!({ "username": "guest", "password": "wrong" }))
        .await
        .refused(401, "invalid_credentials");

    let run = hub.running(&owner, "counter").await;
    let member = Person { network_id: network.clone(), ..people["member"].clone() };
    hub.node(&member, "pen").await;
    work(&hub, &owner, &member, &run, &mut names).await;
    let invite = hub.post(&owner.token, &at("/invite"), json!({})).await.ok();
    names.insert("invite", text(&invite, "invite_id"));
    let invite = hub.post(&secrets[&Caller::Root], "/api/admin/invites", json!({})).await.ok();
    names.insert("hub_invite", text(&invite, "invite_id"));
    // Into a network that none of the callers is in.
    let newcomer = &people["newcomer"];
    let club = format!("/api/networks/{}/invite", newcomer.network_id);
    names.insert("code", text(&hub.post(&newcomer.token, &club, json!({ "max_uses": -1 })).await.ok(), "invite_code"));
    secrets.insert(Caller::Node, run.token);
    names.extend([("node", run.node_id), ("run", run.instance), ("network", network)]);

    let file = hub.hub.settings().database.clone();
    hub.hub.close().await;
    Template { database: fs::read(file).unwrap(), names, secrets, cookies }
}

/// Tasks, a message and renames.
async fn work(hub: &TestHub, owner: &Person, member: &Person, run: &Run, names: &mut BTreeMap<&'static str, String>) {
    let network = &owner.network_id;
    let send = async |alias: &str| {
        let body = json!({ "alias": alias, "task": "the secret words", "network_id": network });
        text(&hub.post(&owner.token, "/api/task", body).await.ok(), "task_id")
    };
    names.insert("held", send("counter").await);
    assert_eq!(hub.claim(run, 1).await.len(), 1);
    // For another claim to have something to take.
    send("counter").await;
    names.insert("task", send("pen").await);
    let body = json!({ "alias": "pen", "message": "words", "network_id": network });
    names.insert("message", text(&hub.post(&owner.token, "/api/message", body).await.ok(), "message_id"));
    for (name, person, old, new) in [("rename", owner, "counter", "abacus"), ("members_rename", member, "pen", "quill")]
    {
        let body = json!({ "network_id": network, "old_alias": old, "new_alias": new });
        let prepared = hub.post(&person.token, "/api/node-rename/prepare", body).await.ok();
        names.insert(name, text(&prepared, "txn_id"));
    }
}
