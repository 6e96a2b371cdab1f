//! Password hashes: Argon2id, one after the other beside the server's own work, with a bounded queue.

use std::sync::Arc;

use anet_protocol::Entropy;
use anet_protocol::rest::ErrorCode;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{HubError, Refusal};

/// OWASP's choice for Argon2id; about 35 ms (hub-limits §2.8).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Of no password: verified for unknown users, so that they cost the same work as known ones.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const SHORTEST: usize = 8;
const LONGEST: usize = 128;

/// Hashes and verifies.
pub(crate) struct Passwords {
    /// Few at once: each takes a core and 19 MiB.
    running: Semaphore,
    /// Running and waiting together.
    places: Semaphore,
    entropy: Arc<dyn Entropy>,
}

impl Passwords {
    pub(crate) fn new(queue: usize, entropy: Arc<dyn Entropy>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let running = (cores / 2).max(1);
        Self { running: Semaphore::new(running), places: Semaphore::new(running + queue), entropy }
    }

    /// A place in the queue, or the advice to come back.
    fn place(&self) -> Result<SemaphorePermit<'_>, HubError> {
        self.places.try_acquire().map_err(|_| {
            Refusal::new(ErrorCode::RateLimited, "too many requests, try again later")
                .detail("retry_after_ms", 2000)
                .into()
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, HubError> {
        let _place = self.place()?;
        let fault = |message: String| HubError::Fault { doing: "hash a password", message };
        let _turn = self.running.acquire().await.map_err(|error| fault(error.to_string()))?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| fault(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let done = tokio::task::spawn_blocking(move || work(argon2)).await;
        done.map_err(|error| fault(error.to_string()))?.map_err(fault)
    }

    /// The PHC string to be stored.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, HubError> {
        let salt: [u8; 16] = self.entropy.bytes();
        self.run(move |argon2| {
            let hash: Result<PasswordHash, _> =
                argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
        })
        .await
    }

    /// Whether the password is the one of the hash. Without a hash the answer is no, after the same work.
    pub(crate) async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, HubError> {
        self.run(move |argon2| {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
            let fits = argon2.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
            Ok(fits && known)
        })
        .await
    }
}

/// Upstream's rules and texts (commhub-http §1.2, §3.4). The first user gets no easier ones: that is the admin.
pub(crate) fn check_strength(password: &str) -> Result<(), HubError> {
    let weak = |text: &str| Err(Refusal::new(ErrorCode::WeakPassword, text).into());
    let length = password.chars().count();
    if length < SHORTEST {
        return weak("password must be at least 8 characters");
    }
    if length > LONGEST {
        return weak("password too long (max 128)");
    }
    let lower = password.to_lowercase();
    if include_str!("passwords/common.txt").lines().any(|common| common == lower) {
        return weak("password is too common");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_upstreams_words() {
        let told = |password: &str| check_strength(password).unwrap_err().to_string();
        assert_eq!(told("1234567"), "password must be at least 8 characters");
        assert_eq!(told("PassWord"), "password is too common");
        assert_eq!(told(&"x".repeat(129)), "password too long (max 128)");
        assert!(check_strength(&"ж".repeat(8)).is_ok(), "characters count, not bytes");
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_costs() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
    }
}
