//! Ids as newtypes: a network id cannot be passed where a node id is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Entropy;
use crate::token::lower_hex;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A person's account: `u_` and 12 lower-case hex digits.
    UserId
);
id!(
    /// A network of agents: `net_` and 12 lower-case hex digits.
    NetworkId
);
id!(
    /// The row of a token, which may be shown: `tok_` and 12 lower-case hex digits.
    TokenId
);
id!(
    /// The row of an invite, which may be shown: `ivt_` and 12 lower-case hex digits.
    InviteId
);
id!(
    /// A rename of a node in two phases: `rtxn_` and 32 lower-case hex digits.
    RenameId
);
id!(
    /// A node's durable identity: `n_` and 8 lower-case hex digits.
    NodeId
);
id!(
    /// One run of one node's process: `i_` and 16 lower-case hex digits.
    ///
    /// Two copies of a node share the [`NodeId`] and differ in this.
    InstanceId
);
id!(
    /// A task, and equally the message that carries it: a UUID of version 4.
    TaskId
);
id!(
    /// A message: a UUID of version 4.
    MessageId
);
id!(
    /// The name by which agents of one network address each other.
    Alias
);

fn hex(prefix: &str, bytes: &[u8]) -> String {
    format!("{prefix}{}", lower_hex(bytes))
}

/// A UUID of version 4 (RFC 9562 §5.4).
fn uuid(entropy: &dyn Entropy) -> String {
    let mut bytes: [u8; 16] = entropy.bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex("", &bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

impl UserId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("u_", &entropy.bytes::<6>()))
    }
}

impl NetworkId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("net_", &entropy.bytes::<6>()))
    }
}

impl InviteId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("ivt_", &entropy.bytes::<6>()))
    }
}

impl RenameId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("rtxn_", &entropy.bytes::<16>()))
    }
}

impl TokenId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("tok_", &entropy.bytes::<6>()))
    }
}

impl NodeId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("n_", &entropy.bytes::<4>()))
    }
}

impl InstanceId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(hex("i_", &entropy.bytes::<8>()))
    }
}

impl TaskId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(uuid(entropy))
    }
}

impl MessageId {
    /// Draws a new id.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(uuid(entropy))
    }

    /// The message that carries `task`: upstream gives both the same id.
    #[must_use]
    pub fn of_task(task: &TaskId) -> Self {
        Self(task.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeroes;

    impl Entropy for Zeroes {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn ids_have_the_shapes_that_upstream_clients_know() {
        assert_eq!(UserId::random(&Zeroes).as_str(), "u_000000000000");
        assert_eq!(NodeId::random(&Zeroes).as_str(), "n_00000000");
        assert_eq!(TaskId::random(&Zeroes).as_str(), "00000000-0000-4000-8000-000000000000");
    }
}
