//! Password hashes: numbered schemes, one computation after the other beside the server's own work, with a bounded
//! queue.

use std::sync::Arc;

use anet_protocol::Entropy;
use anet_protocol::rest::ErrorCode;
use anet_protocol::token::digest;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{HubError, Refusal};
use crate::store::StoredPassword;

/// OWASP's choice for Argon2id; about 35 ms (hub-limits §2.8).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Of no password: verified for unknown users, so that they cost the same work as known ones.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Upstream's hashes: hex of SHA-256 of `anet:` and the password. Verified, and replaced at the next login.
const UPSTREAM: i64 = 1;

/// PHC strings of Argon2id. A new scheme gets the next number.
const ARGON2ID: i64 = 2;

/// The lengths of a password that somebody chooses (OWASP ASVS 6.2.1, 6.2.9).
const SHORTEST: usize = 8;
/// See [`SHORTEST`].
pub(crate) const LONGEST: usize = 128;

/// The length of a password that is to be changed (commhub-http §3.4).
const SHORTEST_WEAK: usize = 4;

/// What `zxcvbn` must say at least, of 0 to 4: more than 10^8 guesses.
const SCORE: u8 = 3;

/// Hashes and verifies.
pub(crate) struct Passwords {
    /// Few at once: each takes a core and 19 MiB.
    running: Arc<Semaphore>,
    /// Running and waiting together.
    places: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
}

/// A place in the queue.
pub(crate) struct Turn<'a> {
    passwords: &'a Passwords,
    _place: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) fn new(queue: usize, entropy: Arc<dyn Entropy>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let running = (cores / 2).max(1);
        Self { running: Arc::new(Semaphore::new(running)), places: Arc::new(Semaphore::new(running + queue)), entropy }
    }

    /// A place in the queue, or the advice to come back.
    pub(crate) fn queue(&self) -> Result<Turn<'_>, HubError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Refusal::new(ErrorCode::RateLimited, "too many requests, try again later").detail("retry_after_ms", 2000)
        })?;
        Ok(Turn { passwords: self, _place: place })
    }
}

impl Turn<'_> {
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, HubError> {
        let fault = |message: String| HubError::Fault { doing: "hash a password", message };
        let turn =
            Arc::clone(&self.passwords.running).acquire_owned().await.map_err(|error| fault(error.to_string()))?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| fault(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // The permit goes along: whoever hangs up does not make room for more work than there is a core for.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(argon2)
        });
        done.await.map_err(|error| fault(error.to_string()))?.map_err(fault)
    }

    /// What is to be stored, in the newest scheme.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<StoredPassword, HubError> {
        let salt: [u8; 16] = self.passwords.entropy.bytes();
        self.run(move |argon2| {
            let hash: Result<PasswordHash, _> =
                argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
            hash.map(|hash| StoredPassword { scheme: ARGON2ID, hash: hash.to_string() })
                .map_err(|error| error.to_string())
        })
        .await
    }

    /// Whether the password is the stored one. Nobody's, and one of an older scheme, cost the same work.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<StoredPassword>,
    ) -> Result<bool, HubError> {
        self.run(move |argon2| {
            let password = password.expose_secret();
            let (is_upstream, hash) = match &stored {
                Some(StoredPassword { scheme: ARGON2ID, hash }) => (None, hash.as_str()),
                Some(StoredPassword { scheme: UPSTREAM, hash }) => {
                    (Some(digest(&format!("anet:{password}")) == *hash), NOBODY)
                }
                Some(StoredPassword { scheme, .. }) => return Err(format!("no scheme has the number {scheme}")),
                None => (Some(false), NOBODY),
            };
            let hash = PasswordHash::new(hash).map_err(|error| error.to_string())?;
            let fits = argon2.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(is_upstream.unwrap_or(fits))
        })
        .await
    }

    /// Whether nothing is gained by hashing it again.
    pub(crate) fn is_newest(&self, stored: &StoredPassword) -> bool {
        let params = |hash: &PasswordHash| {
            Params::try_from(hash)
                .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES))
        };
        stored.scheme == ARGON2ID && PasswordHash::new(&stored.hash).is_ok_and(|hash| params(&hash))
    }

    /// Refuses a password that is easily guessed, with advice; `known` are words that others connect with the person.
    pub(crate) async fn check(&self, password: &SecretString, known: Vec<String>) -> Result<(), HubError> {
        check_length(password.expose_secret(), SHORTEST)?;
        let weak = |text: &str| {
            Refusal::new(ErrorCode::WeakPassword, text)
                .hint("take three or more words that do not go together, or let a password manager make one")
        };
        let lower = password.expose_secret().to_lowercase();
        if include_str!("passwords/common.txt").lines().any(|common| common == lower) {
            return Err(weak("password is too common")
                .message("the password is among the first that are tried")
                .into());
        }
        if known.iter().any(|word| !word.is_empty() && word.to_lowercase() == lower) {
            return Err(weak("password is too common").message("the password is a name of yours").into());
        }
        let password = password.clone();
        let advice = self.run(move |_| Ok(advice(password.expose_secret(), &known))).await?;
        match advice {
            None => Ok(()),
            Some(advice) => {
                Err(weak("password is too common").message(format!("the password is easily guessed. {advice}")).into())
            }
        }
    }
}

/// For a password that is to be changed: only that it is one.
pub(crate) fn check_weak(password: &str) -> Result<(), HubError> {
    check_length(password, SHORTEST_WEAK)
}

fn check_length(password: &str, shortest: usize) -> Result<(), HubError> {
    let weak = |text: String| Err(Refusal::new(ErrorCode::WeakPassword, text).into());
    match password.chars().count() {
        // Upstream's texts (commhub-http §1.2).
        length if length < shortest => weak(format!("password must be at least {shortest} characters")),
        length if length > LONGEST => weak(format!("password too long (max {LONGEST})")),
        _ => Ok(()),
    }
}

/// What is wrong with a password that is easily guessed.
fn advice(password: &str, known: &[String]) -> Option<String> {
    let known: Vec<&str> = known.iter().map(String::as_str).chain(["anet", "commhub", "agent"]).collect();
    let estimate = zxcvbn::zxcvbn(password, &known);
    if u8::from(estimate.score()) >= SCORE {
        return None;
    }
    let feedback = estimate.feedback();
    let warning = feedback.and_then(zxcvbn::feedback::Feedback::warning).map(|warning| warning.to_string());
    let suggestions = feedback.map(zxcvbn::feedback::Feedback::suggestions).unwrap_or_default();
    let suggestions = suggestions.iter().map(ToString::to_string);
    let words: Vec<String> = warning.into_iter().chain(suggestions).collect();
    Some(if words.is_empty() { "Add another word or two.".to_owned() } else { words.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::kit::SeededEntropy;

    async fn told(password: &str) -> String {
        let passwords = Passwords::new(1, SeededEntropy::new(7));
        let turn = passwords.queue().ok().unwrap();
        let known = vec!["alice".to_owned(), "alice@example.org".to_owned()];
        match turn.check(&password.to_owned().into(), known).await {
            Ok(()) => "taken".to_owned(),
            Err(HubError::Refused(refusal)) => refusal.error,
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn weak_passwords_are_refused_with_upstreams_words() {
        assert_eq!(told("1234567").await, "password must be at least 8 characters");
        assert_eq!(told("PassWord").await, "password is too common");
        assert_eq!(told(&"x".repeat(129)).await, "password too long (max 128)");
        for guessed in ["alice@example.org", "alice2024", "aaaaaaaaaaaa", "qwertyuiop123", "anet1234"] {
            assert_eq!(told(guessed).await, "password is too common", "{guessed}");
        }
    }

    #[tokio::test]
    async fn long_and_foreign_passwords_are_taken_whole() {
        assert_eq!(told("жёлтый слон под дождём").await, "taken", "characters count, not bytes");
        assert_eq!(told(&format!("correct horse battery staple {}", "x7!".repeat(30))).await, "taken");
    }

    #[tokio::test]
    async fn a_hash_of_upstream_is_verified_and_a_new_one_is_of_the_newest_scheme() {
        let passwords = Passwords::new(1, SeededEntropy::new(7));
        let turn = passwords.queue().ok().unwrap();
        let old = StoredPassword { scheme: UPSTREAM, hash: digest("anet:open sesame") };
        assert!(turn.verify("open sesame".to_owned().into(), Some(old.clone())).await.unwrap());
        assert!(!turn.verify("open Sesame".to_owned().into(), Some(old)).await.unwrap());
        let new = turn.hash("open sesame".to_owned().into()).await.unwrap();
        assert_eq!(new.scheme, ARGON2ID);
        assert!(turn.verify("open sesame".to_owned().into(), Some(new)).await.unwrap());
        assert!(!turn.verify("open sesame".to_owned().into(), None).await.unwrap());
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_costs() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
    }
}
