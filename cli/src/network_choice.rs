//! Which network a person means by a name or an id.

use anet_protocol::rest::Network;

use crate::failure::Failure;

/// Whether a text has the shape of an id, so that nobody needs to be asked which network it names.
pub(crate) fn is_id(text: &str) -> bool {
    text.strip_prefix("net_").is_some_and(|digits| {
        digits.len() == 12 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The network of this id or name.
///
/// # Errors
/// When there is none, or several people have one of that name.
pub(crate) fn find<'a>(networks: &'a [Network], reference: &str) -> Result<&'a Network, Failure> {
    if let Some(network) = networks.iter().find(|network| network.network_id.as_str() == reference) {
        return Ok(network);
    }
    let named: Vec<_> = networks.iter().filter(|network| network.network_name == reference).collect();
    match named.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::message(format!("you are in no network {reference}"))
            .hint("`anet network ls` lists your networks")),
        several => {
            let ids: Vec<_> = several.iter().map(|network| network.network_id.as_str()).collect();
            Err(Failure::message(format!("several networks are named {reference}: {}", ids.join(", ")))
                .hint("name the one that is meant by its id"))
        }
    }
}

/// The network that a person picked from a numbered list, by number, name or id; nothing typed means the first.
///
/// # Errors
/// When there is no such number, name or id.
pub(crate) fn pick<'a>(networks: &'a [Network], answer: &str) -> Result<&'a Network, Failure> {
    if answer.is_empty() {
        return networks.first().ok_or_else(|| Failure::message("you are in no network"));
    }
    if let Ok(number) = answer.parse::<usize>()
        && let Some(network) = number.checked_sub(1).and_then(|index| networks.get(index))
    {
        return Ok(network);
    }
    find(networks, answer)
}

#[cfg(test)]
mod tests {
    use anet_protocol::id::{NetworkId, UserId};
    use anet_protocol::time::Timestamp;

    use super::*;

    fn network(id: &str, name: &str) -> Network {
        Network {
            network_id: NetworkId::from(id),
            network_name: name.to_owned(),
            owner_id: UserId::from("u_000000000000"),
            description: None,
            created_at: Timestamp::from_millis(0),
            member_role: None,
        }
    }

    fn networks() -> [Network; 4] {
        [
            network("net_00000000000a", "home"),
            network("net_00000000000b", "work"),
            network("net_00000000000c", "work"),
            network("net_00000000000d", "7"),
        ]
    }

    #[test]
    fn a_network_is_named_by_id_or_by_name() {
        let networks = networks();
        assert_eq!(find(&networks, "home").unwrap().network_id.as_str(), "net_00000000000a");
        assert_eq!(find(&networks, "net_00000000000c").unwrap().network_id.as_str(), "net_00000000000c");
        assert!(find(&networks, "Home").is_err());
    }

    #[test]
    fn a_name_of_two_networks_is_answered_with_both_ids() {
        let text = find(&networks(), "work").unwrap_err().error.to_string();
        assert!(text.contains("net_00000000000b") && text.contains("net_00000000000c"), "{text}");
    }

    #[test]
    fn an_id_is_known_by_its_shape() {
        assert!(is_id("net_0123456789ab"));
        for text in ["net_", "net_0123456789AB", "net_0123456789abc", "home", ""] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn a_pick_is_a_number_of_the_list_or_a_name() {
        let networks = networks();
        let picked = |answer: &str| pick(&networks, answer).map(|network| network.network_id.to_string()).ok();
        assert_eq!(picked("").as_deref(), Some("net_00000000000a"));
        assert_eq!(picked("2").as_deref(), Some("net_00000000000b"));
        assert_eq!(picked("home").as_deref(), Some("net_00000000000a"));
        assert_eq!(picked("7").as_deref(), Some("net_00000000000d"), "a name may be a number");
        for answer in ["0", "5", "-1", "work", "nothing"] {
            assert_eq!(picked(answer), None, "{answer}");
        }
    }
}
