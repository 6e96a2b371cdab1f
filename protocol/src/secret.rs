//! Which entries of a node's environment are secrets, and under which name they
//! move from `config.json` to the node's `.env`.

pub use secrecy::{ExposeSecret, SecretString};

/// The first four are upstream's; the others name passwords.
const KEY_ENDINGS: [&str; 11] = [
    "_TOKEN",
    "_KEY",
    "_SECRET",
    "AUTH",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "_PWD",
    "_CREDENTIAL",
    "_CREDENTIALS",
];
const VALUE_BEGINNINGS: [&str; 7] = ["sk-", "utok_", "ntok_", "atok_", "ak-", "gsk_", "key-"];
const REFERENCE_ID_LENGTH: usize = 16;

/// Whether the entry `key = value` holds a secret, by its name or by its look.
///
/// An empty value is none: people set such variables to nothing to switch a vendor's
/// default off, and a reference to an empty value would keep the node from starting.
#[must_use]
pub fn is_secret(key: &str, value: &str) -> bool {
    !value.is_empty() && (key_names_a_secret(key) || value_looks_secret(value))
}

/// Whether the name alone says that the value is a secret: it ends in `_TOKEN`,
/// `_KEY`, `_SECRET`, `AUTH` or a word for a password, in any case.
#[must_use]
pub fn key_names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_uppercase();
    KEY_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// Whether the value looks like a token or a vendor's key, or is an address with a password
/// in it (`postgres://user:password@host/`), whatever its name.
#[must_use]
pub fn value_looks_secret(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    VALUE_BEGINNINGS.iter().any(|beginning| value.starts_with(beginning))
        || value.strip_prefix("bearer").is_some_and(|rest| rest.starts_with(char::is_whitespace))
        || holds_password(&value)
}

/// Whether a URL has a user information with a password (RFC 3986, 3.2.1).
fn holds_password(value: &str) -> bool {
    let authority = value.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

/// The name under which the secret `key` of node `node_id` stands in the node's `.env`.
///
/// It is `<KEY>_<id>` in capitals, of the id the first 16 characters. Whatever an
/// environment name cannot hold becomes `_`, in the key as well, because the `.env`
/// grammar would refuse the name otherwise.
#[must_use]
pub fn reference_name(key: &str, node_id: &str) -> String {
    let name_character = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let mut name: String = key.chars().map(name_character).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name.push('_');
    name.extend(node_id.chars().take(REFERENCE_ID_LENGTH).map(name_character));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name() {
        for key in ["ANTHROPIC_AUTH_TOKEN", "openai_api_key", "X_Secret", "AUTH", "myauth", "_KEY"] {
            assert!(is_secret(key, "plain"), "{key}");
        }
        for key in ["TOKEN", "KEYS", "MONKEY", "SECRET", "TOKEN_LIMIT", "AUTHOR", "ANTHROPIC_BASE_URL", ""] {
            assert!(!is_secret(key, "plain"), "{key}");
        }
    }

    #[test]
    fn a_secret_is_known_by_its_look() {
        for value in
            ["sk-ant-1", "SK-ANT-1", "utok_1", "ntok_1", "atok_1", "ak-1", "gsk_1", "key-1", "Bearer x", "bearer\tx"]
        {
            assert!(is_secret("HEADER", value), "{value}");
        }
        for value in ["", "Bearer", "bearerx", "task-1", "https://sk-1.example", " sk-1", "claude-opus"] {
            assert!(!is_secret("HEADER", value), "{value}");
        }
    }

    #[test]
    fn a_variable_set_to_nothing_is_no_secret() {
        assert!(!is_secret("ANTHROPIC_API_KEY", ""));
    }

    #[test]
    fn the_reference_name_of_the_contract_holds() {
        assert_eq!(reference_name("ANTHROPIC_AUTH_TOKEN", "n_a1b2c3d4"), "ANTHROPIC_AUTH_TOKEN_N_A1B2C3D4");
    }

    #[test]
    fn the_node_id_is_cleaned_and_cut_to_sixteen_characters() {
        assert_eq!(reference_name("A_KEY", "n-1.2/3é45678901234567"), "A_KEY_N_1_2_3_45678901");
    }

    #[test]
    fn a_reference_name_is_always_a_name_that_the_env_grammar_takes() {
        for key in ["my-key", "1_TOKEN", "é_KEY", "a b=c\nd_KEY", ""] {
            let name = reference_name(key, "n_1\n=x");
            let text = crate::env_file::set("", &name, "value").expect("the name is valid");
            assert_eq!(crate::env_file::parse(&text).expect("the file is valid")[0].0, name);
        }
    }

    #[test]
    fn passwords_are_known_by_name_and_in_addresses() {
        for key in ["DB_PASSWORD", "PGPASSWORD", "ADMIN_PASS", "mysql_pwd", "SSH_PASSPHRASE", "AWS_CREDENTIALS"] {
            assert!(is_secret(key, "x"), "{key}");
        }
        assert!(is_secret("DATABASE_URL", "postgres://u:pass99@h/db"));
        for plain in ["postgres://u@h/db", "postgres://h:5432/db", "https://h/a:b@c", "mailto:a@b", "redis://:@h"] {
            assert!(!is_secret("DATABASE_URL", plain), "{plain}");
        }
        assert!(!is_secret("COMPASS", "x") && !is_secret("PWD", "/srv"));
    }
}
