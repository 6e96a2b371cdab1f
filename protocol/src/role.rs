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

/// What a caller presented: the kind of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// `utok_`: a person.
    User,
    /// `ntok_`: one node in one network.
    Node,
    /// `atok_`: an API key.
    Api,
}

/// Everything somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// See who am I, and my networks.
    ReadOwnAccount,
    /// Read status, nodes, tasks, messages and events of a network.
    ReadNetwork,
    /// Send a task or a message into a network.
    SendTask,
    /// Call off a task.
    CancelTask,
    /// Mint a node's token.
    CreateNodeToken,
    /// Remove a node from a network.
    DeleteNode,
    /// Listen to a channel of a network.
    Listen,
    /// A node's own calls: report, claim, renew, ack, reply, fail.
    WorkAsNode,
}

/// One row: the kinds of token and the network roles that suffice.
struct Rule {
    operation: Operation,
    credentials: &'static [CredentialKind],
    /// Empty: no network is involved.
    roles: &'static [NetworkRole],
    /// Whether a system admin may without being a member.
    system_admin: bool,
}

const ANYBODY: &[CredentialKind] = &[CredentialKind::User, CredentialKind::Node, CredentialKind::Api];
const PERSON: &[CredentialKind] = &[CredentialKind::User];
const NODE: &[CredentialKind] = &[CredentialKind::Node];
const READERS: &[NetworkRole] = &[NetworkRole::Owner, NetworkRole::Admin, NetworkRole::Member, NetworkRole::Viewer];
const WRITERS: &[NetworkRole] = &[NetworkRole::Owner, NetworkRole::Admin, NetworkRole::Member];

const RULES: &[Rule] = &[
    Rule { operation: Operation::ReadOwnAccount, credentials: ANYBODY, roles: &[], system_admin: true },
    Rule { operation: Operation::ReadNetwork, credentials: ANYBODY, roles: READERS, system_admin: true },
    Rule { operation: Operation::SendTask, credentials: ANYBODY, roles: WRITERS, system_admin: false },
    Rule { operation: Operation::CancelTask, credentials: ANYBODY, roles: WRITERS, system_admin: false },
    Rule { operation: Operation::CreateNodeToken, credentials: PERSON, roles: WRITERS, system_admin: false },
    Rule { operation: Operation::DeleteNode, credentials: PERSON, roles: WRITERS, system_admin: false },
    Rule { operation: Operation::Listen, credentials: ANYBODY, roles: READERS, system_admin: false },
    Rule { operation: Operation::WorkAsNode, credentials: NODE, roles: WRITERS, system_admin: false },
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
/// A node never enjoys its owner's system rank: only a person's own token carries it.
#[must_use]
pub fn permits(standing: Standing, operation: Operation) -> bool {
    RULES.iter().filter(|rule| rule.operation == operation).any(|rule| {
        let as_admin =
            rule.system_admin && standing.system == SystemRole::Admin && standing.credential == CredentialKind::User;
        let as_member = rule.roles.is_empty() || standing.network.is_some_and(|role| rule.roles.contains(&role));
        rule.credentials.contains(&standing.credential) && (as_admin || as_member)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATIONS: [Operation; 8] = [
        Operation::ReadOwnAccount,
        Operation::ReadNetwork,
        Operation::SendTask,
        Operation::CancelTask,
        Operation::CreateNodeToken,
        Operation::DeleteNode,
        Operation::Listen,
        Operation::WorkAsNode,
    ];

    /// `y` where a user's, a node's and an API key's token suffice, for each role in turn.
    fn matrix(operation: Operation) -> String {
        let roles = [
            Some(NetworkRole::Owner),
            Some(NetworkRole::Admin),
            Some(NetworkRole::Member),
            Some(NetworkRole::Viewer),
            None,
        ];
        let mut row = String::new();
        for system in [SystemRole::User, SystemRole::Admin] {
            for credential in [CredentialKind::User, CredentialKind::Node, CredentialKind::Api] {
                row.push(' ');
                for network in roles {
                    let standing = Standing { credential, system, network };
                    row.push(if permits(standing, operation) { 'y' } else { '-' });
                }
            }
        }
        row
    }

    #[test]
    fn the_permission_matrix_is_exactly_this() {
        // Columns: user, node, api of an ordinary user; then the same of a system admin.
        // In each: owner, admin, member, viewer, not a member.
        let expected = [
            " yyyyy yyyyy yyyyy yyyyy yyyyy yyyyy",
            " yyyy- yyyy- yyyy- yyyyy yyyy- yyyy-",
            " yyy-- yyy-- yyy-- yyy-- yyy-- yyy--",
            " yyy-- yyy-- yyy-- yyy-- yyy-- yyy--",
            " yyy-- ----- ----- yyy-- ----- -----",
            " yyy-- ----- ----- yyy-- ----- -----",
            " yyyy- yyyy- yyyy- yyyy- yyyy- yyyy-",
            " ----- yyy-- ----- ----- yyy-- -----",
        ];
        for (operation, row) in OPERATIONS.into_iter().zip(expected) {
            assert_eq!(matrix(operation), row, "{operation:?}");
        }
    }

    #[test]
    fn a_node_of_a_system_admin_reads_no_foreign_network() {
        let standing = Standing { credential: CredentialKind::Node, system: SystemRole::Admin, network: None };
        assert!(!permits(standing, Operation::ReadNetwork));
    }
}
