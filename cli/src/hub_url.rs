//! The address of a hub: what is taken for one, and which token may travel there.

pub(crate) use anet_supervisor::hub_address::{is_loopback, may_share_token};
use reqwest::Url;

use crate::failure::Failure;

/// Reads the address of a hub.
///
/// # Errors
/// When it is none, or carries more than an address.
pub(crate) fn parse(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        return Err(Failure::usage(format!("`{text}` is not the address of a hub"))
            .hint("an address looks like http://127.0.0.1:9200"));
    };
    // Neither text is repeated from here on: it may hold a password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage("the address of a hub must not carry a user name or password")
            .hint("give the address alone, then log in with `anet login`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Failure::usage("the address of a hub must not carry `?` or `#`")
            .hint("an address looks like http://127.0.0.1:9200"));
    }
    Ok(url)
}

/// Whether everybody on the way reads what is said to it.
pub(crate) fn is_clear_text(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        parse(text).unwrap()
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_is_not_repeated() {
        for text in ["", "hub", "10.0.0.5:9200", "ftp://hub", "http://hub?x=1", "http://hub#x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let failure = parse("http://ann:hunter2@hub").unwrap_err();
        assert!(!format!("{:#}{:?}", failure.error, failure.hints).contains("hunter2"));
    }

    #[test]
    fn clear_text_is_what_leaves_the_machine_without_tls() {
        for text in ["http://127.0.0.1:9200", "http://[::1]:9200", "http://localhost", "https://hub.example"] {
            assert!(!is_clear_text(&url(text)), "{text}");
        }
        for text in ["http://10.0.0.5:9200", "http://hub.example", "http://localhost.example"] {
            assert!(is_clear_text(&url(text)), "{text}");
        }
    }

    #[test]
    fn a_token_stays_with_the_origin_that_gave_it() {
        let known = url("https://hub.example");
        assert!(may_share_token(&known, &url("https://hub.example:443/")));
        for other in ["http://hub.example", "https://hub.example:8443", "https://hub.example.org", "http://127.0.0.1"] {
            assert!(!may_share_token(&known, &url(other)), "{other}");
        }
        assert!(may_share_token(&url("http://127.0.0.1:9200"), &url("http://localhost:9300")));
        assert!(!may_share_token(&url("http://127.0.0.1:9200"), &url("http://10.0.0.5:9200")));
    }
}
