use anet_protocol::Entropy;
use secrecy::SecretString;

/// A password to be handed over: `anet-` and 24 characters of 32 choices each, 120 bits, without letters that look alike.
pub(crate) fn password(entropy: &dyn Entropy) -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let characters = entropy.bytes::<24>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    SecretString::from(format!("anet-{}", characters.iter().collect::<String>()))
}
