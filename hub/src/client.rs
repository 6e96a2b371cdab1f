//! Where a request comes from, and over what.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// The longest name of a program that is kept.
const USER_AGENT: usize = 200;

/// The other end of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The address that limits and the audit log know: the socket's, or what a trusted proxy has seen.
    pub address: Option<IpAddr>,
    /// The socket's other end is this machine, and no proxy has passed the request on.
    pub is_local: bool,
    /// It came over TLS, as a trusted proxy says.
    pub is_secure: bool,
    /// A page asked for it.
    pub has_origin: bool,
    pub user_agent: Option<String>,
}

impl Client {
    /// Reads the headers of a request that came over `peer`. Only trusted proxies are believed.
    pub(crate) fn of(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.map(|peer| peer.ip().to_canonical());
        let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
        let behind_proxy = peer.as_ref().is_some_and(is_trusted);
        let address = if behind_proxy { forwarded(headers, is_trusted).or(peer) } else { peer };
        let forwards = ["x-forwarded-for", "forwarded", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            address,
            // A proxy on this machine makes everybody look local (D-15), whether it is a trusted one or not.
            is_local: peer.is_none_or(|peer| peer.is_loopback()) && !forwards,
            is_secure: behind_proxy
                && text("x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
            has_origin: headers.contains_key(header::ORIGIN),
            user_agent: text("user-agent")
                .map(|agent| agent.chars().filter(|c| !c.is_control()).take(USER_AGENT).collect()),
        }
    }
}

/// The right-most hop that is no proxy of ours: what stands further left, the client may have written itself.
fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.into_iter().rev() {
        // A hop that is no address was not written by a proxy of ours; nothing left of it is worth more.
        let address = hop.parse::<IpAddr>().ok()?.to_canonical();
        if !is_trusted(&address) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Client::of(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &map, &trusted)
    }

    fn address(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> String {
        client(peer, headers, trusted).address.unwrap().to_string()
    }

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_alone() {
        let forged = [("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];
        assert_eq!(address("203.0.113.9", &forged, &[]), "203.0.113.9");
        assert_eq!(address("203.0.113.9", &forged, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(address("10.1.2.3", &[("x-forwarded-for", "198.51.100.7")], &["10.0.0.0/8"]), "198.51.100.7");
    }

    #[test]
    fn of_several_hops_the_right_most_untrusted_one_counts() {
        let hops = [("x-forwarded-for", "127.0.0.1, 198.51.100.7"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(address("10.0.0.1", &hops, &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "x, 10.0.0.2")], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn whoever_comes_through_a_proxy_of_this_machine_is_not_local() {
        assert!(client("127.0.0.1", &[], &[]).is_local);
        assert!(!client("127.0.0.1", &[("x-forwarded-for", "198.51.100.7")], &["127.0.0.1/32"]).is_local);
        assert!(!client("127.0.0.1", &[("x-real-ip", "198.51.100.7")], &[]).is_local);
        assert!(!client("203.0.113.9", &[], &[]).is_local);
    }

    #[test]
    fn only_a_trusted_proxy_tells_of_tls() {
        let proto = [("x-forwarded-proto", "https")];
        assert!(client("10.0.0.1", &proto, &["10.0.0.1/32"]).is_secure);
        assert!(!client("203.0.113.9", &proto, &["10.0.0.1/32"]).is_secure);
    }
}
