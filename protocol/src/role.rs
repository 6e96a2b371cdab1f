//! Who may do what: the one permission table.
//!
//! Nothing else in the code decides a permission; operations ask [`permits`].

use serde::{Deserialize, Serialize};

/// A person's rank on the whole hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SystemRole {
    /// Reads every network; writes only where also a member. The first user is one.
    Admin,
    /// Everybody else.
    User,
}

/// A person's rank in one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkRole {
    /// The one creator.
    Owner,
    /// Manages members and invites.
    Admin,
    /// Works: sends tasks, runs nodes.
    Member,
    /// Only reads.
    Viewer,
}

impl NetworkRole {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member, Self::Viewer].into_iter().find(|role| role.as_str() == word)
    }
}

impl SystemRole {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Admin, Self::User].into_iter().find(|role| role.as_str() == word)
    }
}

/// How far an API key reaches, below the rights of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiScope {
    /// Reads, writes and manages networks; the account itself stays out of reach.
    Full,
    /// Reads and writes tasks and messages.
    Agent,
    /// Reads.
    Readonly,
}

impl ApiScope {
    /// Every scope, widest first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Agent, Self::Readonly];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Agent => "agent",
            Self::Readonly => "readonly",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What a caller presented: the kind of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// `utok_`: a person, from a login or a browser session.
    User,
    /// `ntok_`: one node in one network.
    Node,
    /// `atok_`: an API key.
    Api(ApiScope),
    /// Upstream's `COMMHUB_AUTH_TOKEN`: reads every network and nothing else.
    Legacy,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Node,
        Self::Api(ApiScope::Full),
        Self::Api(ApiScope::Agent),
        Self::Api(ApiScope::Readonly),
        Self::Legacy,
    ];

    /// The kind without the scope: the word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Node => "node",
            Self::Api(_) => "api",
            Self::Legacy => "legacy",
        }
    }

    /// The word in upstream's `scope` column (commhub-http §3.1).
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Node => "network",
            Self::Api(scope) => scope.as_str(),
            Self::Legacy => "readonly",
        }
    }

    /// Reads both words; `None` for a pair that does not exist.
    #[must_use]
    pub fn parse(kind: &str, scope: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == kind && known.scope() == scope)
    }
}

/// Everything somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// See who am I, and my networks.
    ReadOwnAccount,
    /// Change the own shown name and mail address.
    EditProfile,
    /// Change the own password, end logins, make and revoke API keys and the recovery key.
    ManageCredentials,
    /// End the login that is presented.
    LogOut,
    /// Get a ticket with which a browser opens an event stream.
    IssueTicket,
    /// Create a network.
    CreateNetwork,
    /// Join a network by an invite.
    JoinNetwork,
    /// Read the own lines of the audit log.
    ReadOwnAudit,
    /// Look after the hub: users, registration, invites to the hub, the whole audit log, its own log.
    Administer,
    /// Read status, nodes, tasks, messages and events of a network.
    ReadNetwork,
    /// See who belongs to a network. Everybody in it may, if only to find the own role (D-38).
    ReadMembers,
    /// Send a task or a message into a network.
    SendTask,
    /// Call off a task.
    CancelTask,
    /// Mint a node's token.
    CreateNodeToken,
    /// Make an API key of a network that can write.
    CreateKey,
    /// Make an API key of a network that can read.
    CreateReadonlyKey,
    /// Give a node another name.
    RenameNode,
    /// Remove a node from a network.
    DeleteNode,
    /// Listen to a channel of a network.
    Listen,
    /// A node's own calls: report, claim, renew, ack, reply, fail.
    WorkAsNode,
    /// Invite, add and remove members.
    ManageMembers,
    /// Read a network's lines of the audit log.
    ReadNetworkAudit,
    /// Give a member another role.
    ChangeRole,
    /// Give a network another name.
    RenameNetwork,
    /// Hand a network over to another member.
    TransferNetwork,
    /// Remove a network with all that is in it.
    DeleteNetwork,
    /// Leave a network. Its owner hands it over or deletes it instead.
    LeaveNetwork,
}

/// One row: the kinds of token and the network roles that suffice.
struct Rule {
    operation: Operation,
    credentials: &'static [CredentialKind],
    /// `None`: no network is involved. Empty: no role suffices.
    roles: Option<&'static [NetworkRole]>,
    /// Whether a system admin may without being a member.
    system_admin: bool,
}

use CredentialKind::{Api, Legacy, Node, User};

const ANYBODY: &[CredentialKind] =
    &[User, Node, Api(ApiScope::Full), Api(ApiScope::Agent), Api(ApiScope::Readonly), Legacy];
const KNOWN: &[CredentialKind] = &[User, Node, Api(ApiScope::Full), Api(ApiScope::Agent), Api(ApiScope::Readonly)];
const WRITING: &[CredentialKind] = &[User, Node, Api(ApiScope::Full), Api(ApiScope::Agent)];
const LISTENING: &[CredentialKind] = &[User, Api(ApiScope::Full), Api(ApiScope::Agent), Api(ApiScope::Readonly)];
const MANAGING: &[CredentialKind] = &[User, Api(ApiScope::Full)];
const RENAMING: &[CredentialKind] = &[User, Node, Api(ApiScope::Full)];
const PERSON: &[CredentialKind] = &[User];
const NODE: &[CredentialKind] = &[Node];

const READERS: &[NetworkRole] = &[NetworkRole::Owner, NetworkRole::Admin, NetworkRole::Member, NetworkRole::Viewer];
const WRITERS: &[NetworkRole] = &[NetworkRole::Owner, NetworkRole::Admin, NetworkRole::Member];
const MANAGERS: &[NetworkRole] = &[NetworkRole::Owner, NetworkRole::Admin];
const OWNER: &[NetworkRole] = &[NetworkRole::Owner];
const GUESTS: &[NetworkRole] = &[NetworkRole::Admin, NetworkRole::Member, NetworkRole::Viewer];
const NOBODY: &[NetworkRole] = &[];

const fn row(
    operation: Operation,
    credentials: &'static [CredentialKind],
    roles: Option<&'static [NetworkRole]>,
    system_admin: bool,
) -> Rule {
    Rule { operation, credentials, roles, system_admin }
}

const RULES: &[Rule] = &[
    row(Operation::ReadOwnAccount, KNOWN, None, false),
    row(Operation::EditProfile, PERSON, None, false),
    row(Operation::ManageCredentials, PERSON, None, false),
    row(Operation::LogOut, PERSON, None, false),
    row(Operation::IssueTicket, LISTENING, None, false),
    row(Operation::CreateNetwork, MANAGING, None, false),
    row(Operation::JoinNetwork, PERSON, None, false),
    row(Operation::ReadOwnAudit, PERSON, None, false),
    row(Operation::Administer, PERSON, Some(NOBODY), true),
    row(Operation::ReadNetwork, ANYBODY, Some(READERS), true),
    row(Operation::ReadMembers, LISTENING, Some(READERS), true),
    row(Operation::SendTask, WRITING, Some(WRITERS), false),
    row(Operation::CancelTask, WRITING, Some(WRITERS), false),
    row(Operation::CreateNodeToken, MANAGING, Some(WRITERS), false),
    row(Operation::CreateKey, PERSON, Some(WRITERS), false),
    row(Operation::CreateReadonlyKey, PERSON, Some(READERS), false),
    row(Operation::RenameNode, RENAMING, Some(WRITERS), false),
    row(Operation::DeleteNode, MANAGING, Some(WRITERS), false),
    row(Operation::Listen, KNOWN, Some(READERS), false),
    row(Operation::WorkAsNode, NODE, Some(WRITERS), false),
    row(Operation::ManageMembers, MANAGING, Some(MANAGERS), false),
    row(Operation::ReadNetworkAudit, MANAGING, Some(MANAGERS), true),
    row(Operation::ChangeRole, MANAGING, Some(OWNER), false),
    row(Operation::RenameNetwork, MANAGING, Some(OWNER), false),
    row(Operation::TransferNetwork, PERSON, Some(OWNER), false),
    row(Operation::DeleteNetwork, PERSON, Some(OWNER), false),
    row(Operation::LeaveNetwork, PERSON, Some(GUESTS), false),
];

/// Whose wish it is.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What was presented.
    pub credential: CredentialKind,
    /// The person's rank on the hub.
    pub system: SystemRole,
    /// The person's rank in the network concerned; `None` when not a member.
    pub network: Option<NetworkRole>,
}

/// Whether `standing` suffices for `operation`.
///
/// A node or API key never enjoys its owner's system rank: only a person's own token carries it, and
/// the legacy token, which can only read.
#[must_use]
pub fn permits(standing: Standing, operation: Operation) -> bool {
    RULES.iter().filter(|rule| rule.operation == operation).any(|rule| {
        let as_admin = rule.system_admin
            && standing.system == SystemRole::Admin
            && matches!(standing.credential, CredentialKind::User | CredentialKind::Legacy);
        let as_member = rule.roles.is_none_or(|roles| standing.network.is_some_and(|role| roles.contains(&role)));
        rule.credentials.contains(&standing.credential) && (as_admin || as_member)
    })
}

/// Whether a credential of this kind suffices for `operation` in the hands of somebody with every rank.
#[must_use]
pub fn kind_suffices(credential: CredentialKind, operation: Operation) -> bool {
    RULES.iter().any(|rule| rule.operation == operation && rule.credentials.contains(&credential))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `y` where a token of each kind suffices, for each role in turn.
    fn matrix(system: SystemRole, operation: Operation) -> String {
        let roles = [
            Some(NetworkRole::Owner),
            Some(NetworkRole::Admin),
            Some(NetworkRole::Member),
            Some(NetworkRole::Viewer),
            None,
        ];
        let cell = |credential, network| {
            let standing = Standing { credential, system, network };
            if permits(standing, operation) { 'y' } else { '-' }
        };
        let kinds = CredentialKind::ALL.map(|kind| roles.map(|role| cell(kind, role)).iter().collect::<String>());
        kinds.join(" ")
    }

    /// Columns: user, node, API key full, agent, readonly, legacy token. In each: owner, admin, member, viewer,
    /// not a member.
    const EXPECTED: &[(Operation, &str)] = &[
        (Operation::ReadOwnAccount, "yyyyy yyyyy yyyyy yyyyy yyyyy -----"),
        (Operation::EditProfile, "yyyyy ----- ----- ----- ----- -----"),
        (Operation::ManageCredentials, "yyyyy ----- ----- ----- ----- -----"),
        (Operation::LogOut, "yyyyy ----- ----- ----- ----- -----"),
        (Operation::IssueTicket, "yyyyy ----- yyyyy yyyyy yyyyy -----"),
        (Operation::CreateNetwork, "yyyyy ----- yyyyy ----- ----- -----"),
        (Operation::JoinNetwork, "yyyyy ----- ----- ----- ----- -----"),
        (Operation::ReadOwnAudit, "yyyyy ----- ----- ----- ----- -----"),
        (Operation::Administer, "----- ----- ----- ----- ----- -----"),
        (Operation::ReadNetwork, "yyyy- yyyy- yyyy- yyyy- yyyy- yyyy-"),
        (Operation::ReadMembers, "yyyy- ----- yyyy- yyyy- yyyy- -----"),
        (Operation::SendTask, "yyy-- yyy-- yyy-- yyy-- ----- -----"),
        (Operation::CancelTask, "yyy-- yyy-- yyy-- yyy-- ----- -----"),
        (Operation::CreateNodeToken, "yyy-- ----- yyy-- ----- ----- -----"),
        (Operation::CreateKey, "yyy-- ----- ----- ----- ----- -----"),
        (Operation::CreateReadonlyKey, "yyyy- ----- ----- ----- ----- -----"),
        (Operation::RenameNode, "yyy-- yyy-- yyy-- ----- ----- -----"),
        (Operation::DeleteNode, "yyy-- ----- yyy-- ----- ----- -----"),
        (Operation::Listen, "yyyy- yyyy- yyyy- yyyy- yyyy- -----"),
        (Operation::WorkAsNode, "----- yyy-- ----- ----- ----- -----"),
        (Operation::ManageMembers, "yy--- ----- yy--- ----- ----- -----"),
        (Operation::ReadNetworkAudit, "yy--- ----- yy--- ----- ----- -----"),
        (Operation::ChangeRole, "y---- ----- y---- ----- ----- -----"),
        (Operation::RenameNetwork, "y---- ----- y---- ----- ----- -----"),
        (Operation::TransferNetwork, "y---- ----- ----- ----- ----- -----"),
        (Operation::DeleteNetwork, "y---- ----- ----- ----- ----- -----"),
        (Operation::LeaveNetwork, "-yyy- ----- ----- ----- ----- -----"),
    ];

    #[test]
    fn the_permission_matrix_is_exactly_this() {
        assert_eq!(EXPECTED.len(), RULES.len());
        for (operation, row) in EXPECTED {
            assert_eq!(matrix(SystemRole::User, *operation), *row, "{operation:?}");
        }
    }

    #[test]
    fn a_system_admin_reads_every_network_and_looks_after_the_hub_and_may_nothing_else_more() {
        for (operation, row) in EXPECTED {
            let row = match operation {
                Operation::Administer => row.replacen("-----", "yyyyy", 1),
                Operation::ReadMembers | Operation::ReadNetworkAudit => format!("yyyyy{}", &row[5..]),
                Operation::ReadNetwork => format!("yyyyy{}yyyyy", &row[5..row.len() - 5]),
                _ => (*row).to_owned(),
            };
            assert_eq!(matrix(SystemRole::Admin, *operation), row, "{operation:?}");
        }
    }

    #[test]
    fn kinds_and_scopes_are_read_as_they_are_written() {
        for kind in CredentialKind::ALL {
            assert_eq!(CredentialKind::parse(kind.as_str(), kind.scope()), Some(kind));
        }
        assert_eq!(CredentialKind::parse("user", "readonly"), None);
    }
}
