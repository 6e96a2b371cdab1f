//! Which token may travel to which hub.

use std::net::IpAddr;

use reqwest::Url;

/// Whether an address names this machine, so that nothing said to it leaves it.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback())
    })
}

/// Whether a token of the hub `known` may be sent to `other`: to the same origin, or from this machine to this machine.
#[must_use]
pub fn may_share_token(known: &Url, other: &Url) -> bool {
    known.origin() == other.origin() || (is_loopback(known) && is_loopback(other))
}
