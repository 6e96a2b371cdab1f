//! The shape of tokens and of the other secrets that a hub hands out: minting, the offline check for mistyped ones, and
//! the digest that is stored in place of them.
//!
//! A token of ours is `<prefix><30 base62 characters><6 base62 characters of CRC32>`.
//! Tokens of the older TypeScript hub, `<prefix><32 lower-case hex characters>`, stay valid.

use std::fmt::Write as _;

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::Entropy;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const UPSTREAM_LENGTH: usize = 32;

/// What a token is good for; written as its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `utok_`: a person, with all the rights of the account.
    User,
    /// `ntok_`: one node in one network, and nothing else.
    Node,
    /// `atok_`: an API key with a scope.
    Api,
    /// `rtok_`: renews a browser session, once.
    Refresh,
    /// `inv_`: an invite to a network or to the hub.
    Invite,
    /// `rkey_`: a recovery key, in place of a forgotten password.
    Recovery,
    /// `tick_`: opens one event stream within half a minute.
    Ticket,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::User, Self::Node, Self::Api, Self::Refresh, Self::Invite, Self::Recovery, Self::Ticket];

    /// Whether it is an access token: one that says who calls.
    #[must_use]
    pub const fn is_access(self) -> bool {
        matches!(self, Self::User | Self::Node | Self::Api)
    }

    /// The characters a token of this kind begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::User => "utok_",
            Self::Node => "ntok_",
            Self::Api => "atok_",
            Self::Refresh => "rtok_",
            Self::Invite => "inv_",
            Self::Recovery => "rkey_",
            Self::Ticket => "tick_",
        }
    }
}

/// Why a text cannot be a token. No variant carries any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It begins with none of the three prefixes.
    #[error("not a token: it must begin with utok_, ntok_ or atok_")]
    UnknownPrefix,
    /// The part after the prefix has a length that neither form has.
    #[error(
        "wrong token length: {length} characters after the prefix, expected 36 \
         (or 32 for a token of an older hub); was it cut while copying?"
    )]
    WrongLength {
        /// Characters after the prefix.
        length: usize,
    },
    /// A character stands in it that no token contains.
    #[error("character {position} of the token is one that no token contains; was it copied with quotes or blanks?")]
    ForeignCharacter {
        /// Position in the whole text, counted in characters from 1.
        position: usize,
    },
    /// The last six characters do not fit the rest.
    #[error("the token's checksum does not match; was it mistyped?")]
    ChecksumMismatch,
}

/// Makes a new token of `kind`, with about 178 random bits.
#[must_use]
pub fn mint(kind: TokenKind, entropy: &dyn Entropy) -> SecretString {
    // Sized up front: growing would leave copies of a half-built token in freed memory.
    let mut token = String::with_capacity(kind.prefix().len() + RANDOM_LENGTH + CHECKSUM_LENGTH);
    token.push_str(kind.prefix());
    let mut missing = RANDOM_LENGTH;
    while missing > 0 {
        for byte in entropy.bytes::<RANDOM_LENGTH>() {
            // 248 is the largest multiple of 62 in a byte: taking more would favour the first characters.
            if missing > 0 && byte < 248 {
                token.push(char::from(BASE62[usize::from(byte % 62)]));
                missing -= 1;
            }
        }
    }
    let checksum = checksum(&token);
    token.extend(checksum.map(char::from));
    SecretString::from(token)
}

/// Checks the shape of `text` without asking any hub, and tells whose token it is.
///
/// # Errors
/// [`TokenError`] says what is wrong with the shape. A well-shaped token may still be unknown or revoked.
pub fn parse(text: &str) -> Result<TokenKind, TokenError> {
    let kind =
        TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix())).ok_or(TokenError::UnknownPrefix)?;
    let body = &text[kind.prefix().len()..];
    let length = body.chars().count();
    let is_member: fn(char) -> bool = match length {
        UPSTREAM_LENGTH => |c| matches!(c, '0'..='9' | 'a'..='f'),
        36 => |c| c.is_ascii_alphanumeric(),
        _ => return Err(TokenError::WrongLength { length }),
    };
    if let Some(index) = body.chars().position(|c| !is_member(c)) {
        return Err(TokenError::ForeignCharacter { position: kind.prefix().len() + index + 1 });
    }
    if length == UPSTREAM_LENGTH {
        return Ok(kind);
    }
    let (covered, given) = text.split_at(text.len() - CHECKSUM_LENGTH);
    if given.as_bytes() == checksum(covered) { Ok(kind) } else { Err(TokenError::ChecksumMismatch) }
}

/// As [`parse`], for a text that must say who calls.
///
/// # Errors
/// As [`parse`]; a secret of another kind is of no known prefix here.
pub fn parse_access(text: &str) -> Result<TokenKind, TokenError> {
    parse(text).and_then(|kind| if kind.is_access() { Ok(kind) } else { Err(TokenError::UnknownPrefix) })
}

/// The SHA-256 of the whole token as 64 lower-case hex characters: what a hub stores in its place.
#[must_use]
pub fn digest(token: &str) -> String {
    lower_hex(&Sha256::digest(token.as_bytes()))
}

/// The last six characters, enough for a person to tell two tokens apart;
/// `***` for a text too short to give six away.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    let characters: Vec<char> = token.chars().collect();
    if characters.len() < UPSTREAM_LENGTH {
        return "***".to_owned();
    }
    characters[characters.len() - 6..].iter().collect()
}

/// Writes bytes as lower-case hex.
pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

/// CRC32 of `covered` in base62, most significant first, padded with zeros.
fn checksum(covered: &str) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(covered.as_bytes());
    let mut characters = [b'0'; CHECKSUM_LENGTH];
    for character in characters.iter_mut().rev() {
        *character = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    characters
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    /// Gives the bytes 0, 1, 2, … so that rejected ones occur and the result is known.
    struct Counting(Mutex<u8>);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            for byte in buffer {
                *byte = *next;
                *next = next.wrapping_add(1);
            }
        }
    }

    fn minted(kind: TokenKind, first: u8) -> String {
        mint(kind, &Counting(Mutex::new(first))).expose_secret().to_owned()
    }

    #[test]
    fn a_minted_token_is_accepted_and_keeps_its_kind() {
        for kind in TokenKind::ALL {
            for first in 0..=255 {
                let token = minted(kind, first);
                assert_eq!(token.len(), kind.prefix().len() + 36);
                assert_eq!(parse(&token), Ok(kind), "{token}");
            }
        }
    }

    #[test]
    fn the_form_is_fixed() {
        assert_eq!(minted(TokenKind::User, 0), "utok_0123456789ABCDEFGHIJKLMNOPQRST21ULNJ");
    }

    #[test]
    fn every_character_is_equally_likely() {
        let mut counts = [0_u32; 256];
        // 31 rounds of all 248 accepted byte values fill 7688 characters, 124 of each.
        for byte in (0..248_u16).cycle().take(7688) {
            counts[usize::from(BASE62[usize::from(byte % 62)])] += 1;
        }
        assert!(BASE62.iter().all(|character| counts[usize::from(*character)] == 124));
        let rejecting = minted(TokenKind::Api, 248);
        assert!(rejecting.starts_with("atok_0123"), "bytes from 248 on are thrown away: {rejecting}");
    }

    #[test]
    fn every_single_character_mistake_is_refused() {
        let token = minted(TokenKind::Node, 7);
        for position in 5..token.len() {
            for wrong in BASE62.iter().copied().filter(|wrong| *wrong != token.as_bytes()[position]) {
                let mut mistyped = token.clone().into_bytes();
                mistyped[position] = wrong;
                let mistyped = String::from_utf8(mistyped).unwrap();
                assert_eq!(parse(&mistyped), Err(TokenError::ChecksumMismatch));
            }
        }
    }

    #[test]
    fn a_token_of_one_kind_does_not_pass_as_another() {
        let token = minted(TokenKind::Node, 9);
        assert_eq!(parse(&token.replacen("ntok_", "utok_", 1)), Err(TokenError::ChecksumMismatch));
    }

    #[test]
    fn what_is_no_access_token_does_not_pass_as_one() {
        for kind in TokenKind::ALL {
            assert_eq!(parse_access(&minted(kind, 9)).is_ok(), kind.is_access(), "{kind:?}");
        }
    }

    #[test]
    fn tokens_of_the_older_hub_are_accepted() {
        assert_eq!(parse("utok_0123456789abcdef0123456789abcdef"), Ok(TokenKind::User));
        assert_eq!(parse("utok_0123456789ABCDEF0123456789abcdef"), Err(TokenError::ForeignCharacter { position: 16 }));
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(parse(""), Err(TokenError::UnknownPrefix));
        assert_eq!(parse("tok_0123456789abcdef0123456789abcdef"), Err(TokenError::UnknownPrefix));
        assert_eq!(parse("UTOK_0123456789abcdef0123456789abcdef"), Err(TokenError::UnknownPrefix));
        assert_eq!(parse("utok_"), Err(TokenError::WrongLength { length: 0 }));
        let token = minted(TokenKind::User, 3);
        assert_eq!(parse(&token[..40]), Err(TokenError::WrongLength { length: 35 }));
        assert_eq!(parse(&format!("{token}\n")), Err(TokenError::WrongLength { length: 37 }));
        assert_eq!(parse(&format!("{}é", &token[..40])), Err(TokenError::ForeignCharacter { position: 41 }));
    }

    #[test]
    fn no_error_repeats_the_token() {
        let token = minted(TokenKind::User, 3);
        for wrong in [&token[5..], &token[..30], &format!("{}x", &token[..40]), &format!("{} ", &token[..40])] {
            let error = parse(wrong).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains(&token[5..11]) && !told.contains(&token[20..26]), "{told}");
        }
    }

    #[test]
    fn the_digest_is_sha_256_in_lower_hex() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_fingerprint_never_gives_away_a_short_secret() {
        let token = minted(TokenKind::User, 0);
        assert_eq!(fingerprint(&token), "21ULNJ");
        assert_eq!(fingerprint("hunter2"), "***");
        assert_eq!(fingerprint(""), "***");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in "([una]tok_)?\\PC{0,40}") {
            let _ = parse(&text);
            let _ = fingerprint(&text);
        }
    }
}
