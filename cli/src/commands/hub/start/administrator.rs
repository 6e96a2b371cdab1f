//! The hub's administrator and this machine's two logins as it: `admin-utok.json` and `config.json`. Whatever of them was
//! lost is made good; a login that works is never touched.

use std::path::Path;

use anet_protocol::Entropy as _;
use anet_protocol::rest::{AuthStatus, ErrorCode, RegisterRequest, Registered};
use anet_protocol::role::SystemRole;
use anet_protocol::token;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::admin_file::{self, AdminFile};
use crate::commands::hub::console::{explain, open};
use crate::commands::login;
use crate::context::{Context, DEFAULT_HUB};
use crate::failure::Failure;
use crate::files;
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::hub_url;
use crate::system::SystemEntropy;

/// A freshly created administrator.
#[derive(Debug, Serialize)]
pub(crate) struct NewAdmin {
    username: String,
    /// The random password, shown this once; absent when it was given.
    password: Option<String>,
}

impl NewAdmin {
    /// What a person is shown.
    pub(super) fn text(&self) -> String {
        let password =
            self.password.as_ref().map(|password| format!("\nPassword:      {password}   (shown this once)"));
        format!("Administrator: {}{}", self.username, password.unwrap_or_default())
    }

    pub(super) fn is_random(&self) -> bool {
        self.password.is_some()
    }
}

/// Creates the first administrator unless there is one, and sees to this machine's logins.
pub(crate) async fn ensure(
    context: &Context,
    hub: &HubClient,
    username: &str,
    password: Option<SecretString>,
) -> Result<Option<NewAdmin>, Failure> {
    let status = hub.auth_status().await?;
    if status.auth != "login" {
        // Whoever is on this machine is the hub's one user already.
        if password.is_some() {
            context.printer.warning("the password that was given is of no use: nobody is asked for one")?;
        }
        return Ok(None);
    }
    let mut file = AdminFile::load(&context.environment)?;
    if status.setup_needed {
        match create(context, hub, &status, &mut file, username, password.clone()).await {
            Ok(admin) => return Ok(Some(admin)),
            // Another start was faster.
            Err(failure) if failure.is_refusal(ErrorCode::UsernameTaken) => {
                file = AdminFile::load(&context.environment)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    let known = file.username().unwrap_or(username).to_owned();
    let is_working = match file.token() {
        Some(token) => is_administrators(hub, token).await?,
        None => false,
    };
    let known = if is_working { known } else { renew(context, &mut file, &known).await? };
    context.printer.note(&format!("the administrator {known} already exists"))?;
    if password.is_some() {
        context.printer.warning("the password that was given is of no use: it is for the first start")?;
    }
    if matches!(login_state(context, hub).await?, LoginState::Nobody | LoginState::Dead) {
        context.printer.hint(&format!("log in with `anet login --username {known}`"))?;
        let forgotten = format!("`anet hub admin reset-user {known}`");
        context.printer.hint(&format!("if nobody knows its password, {forgotten} gives it another"))?;
    }
    Ok(None)
}

/// Whether a token works, and is an administrator's.
async fn is_administrators(hub: &HubClient, token: SecretString) -> Result<bool, Failure> {
    if token::parse_access(token.expose_secret()).is_err() {
        return Ok(false);
    }
    match hub.with_token(token).me().await {
        Ok(me) => Ok(me.user.role == SystemRole::Admin),
        Err(failure) if failure.is_dead_token() => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Gives `admin-utok.json` a login made on the database itself; tells whose it is.
async fn renew(context: &Context, file: &mut AdminFile, username: &str) -> Result<String, Failure> {
    let what = if file.token().is_some() { "held a login that has ended" } else { "was missing" };
    let username = renew_on(&context.environment.database, file, username).await?;
    context.printer.note(&format!("admin-utok.json {what}; it has a new one for {username}"))?;
    Ok(username)
}

/// The same for a given database, without a word about it.
pub(crate) async fn renew_on(database: &Path, file: &mut AdminFile, username: &str) -> Result<String, Failure> {
    let console = open(database.to_owned()).await?;
    let login = console.admin_login(Some(username)).await;
    console.close().await;
    let login = login.map_err(|error| explain(error, database))?;
    let login = login.ok_or_else(|| {
        Failure::message("this hub has accounts, and none of them is an administrator's")
            .hint(format!("was {} made by another program?", database.display()))
    })?;
    file.save(&login.user_id, &login.username, &login.token)?;
    Ok(login.username)
}

/// Makes the first account of the hub, and logs it in on this machine.
async fn create(
    context: &Context,
    hub: &HubClient,
    status: &AuthStatus,
    file: &mut AdminFile,
    username: &str,
    password: Option<SecretString>,
) -> Result<NewAdmin, Failure> {
    let is_random = password.is_none();
    let password = password.unwrap_or_else(random_password);
    let request = RegisterRequest {
        username: username.to_owned(),
        password: password.expose_secret().to_owned(),
        email: None,
        display_name: None,
        invite_code: None,
        setup_code: if status.setup_code_needed { setup_code(context)? } else { None },
        // The hub hears it on loopback alone.
        allow_weak: !is_random,
        must_change: is_random,
    };
    let registered =
        hub.register(&request).await.map_err(|failure| failure.context("cannot create the administrator"))?;
    if !is_random && registered.user.must_change_password {
        context.printer.warning("the password is weak; the hub does not start beyond this machine with it")?;
        context.printer.hint("choose another with `anet passwd`")?;
    }
    // The account is there and its password is not shown again, so what fails from here on is told and no more.
    if let Err(failure) = log_in(context, hub, file, &registered, &password).await {
        let text = format!("the administrator is created, but not logged in on this machine: {:#}", failure.error);
        context.printer.warning(&text)?;
        context.printer.hint(&format!("log in with `anet login --username {username}`"))?;
    }
    let shown = is_random.then(|| password.expose_secret().to_owned());
    Ok(NewAdmin { username: username.to_owned(), password: shown })
}

async fn log_in(
    context: &Context,
    hub: &HubClient,
    file: &mut AdminFile,
    registered: &Registered,
    password: &SecretString,
) -> Result<(), Failure> {
    let user = &registered.user;
    if user.role == SystemRole::Admin {
        let token = admin_file::log_in(hub, &user.username, password).await?;
        file.save(user.user_id.as_str(), &user.username, &token)?;
    } else {
        let text = format!("{} is not the first account of this hub, so it is no administrator", user.username);
        context.printer.warning(&text)?;
    }
    if matches!(login_state(context, hub).await?, LoginState::Nobody | LoginState::Dead) {
        login::remember(context, hub, &registered.token.as_str().into()).await?;
    }
    Ok(())
}

/// What the hub has written for whoever can read its files.
fn setup_code(context: &Context) -> Result<Option<String>, Failure> {
    let path = context.environment.database.with_file_name("setup-code");
    let code = files::read_own(&path)?;
    Ok(code.map(|code| code.trim().to_owned()))
}

/// The login in `config.json`.
enum LoginState {
    /// There is none.
    Nobody,
    /// It works, or is another hub's.
    Alive,
    /// This hub does not know it.
    Dead,
}

async fn login_state(context: &Context, hub: &HubClient) -> Result<LoginState, Failure> {
    let config = GlobalConfig::load(&context.environment)?;
    let Some(token) = config.token() else { return Ok(LoginState::Nobody) };
    let known = hub_url::parse(config.hub().unwrap_or(DEFAULT_HUB))?;
    if !hub_url::may_share_token(&known, &hub_url::parse(hub.url())?) {
        return Ok(LoginState::Alive);
    }
    if token::parse_access(token.expose_secret()).is_err() {
        return Ok(LoginState::Dead);
    }
    match hub.with_token(token).me().await {
        Ok(_) => Ok(LoginState::Alive),
        Err(failure) if failure.is_dead_token() => Ok(LoginState::Dead),
        Err(failure) => Err(failure),
    }
}

/// `anet-` and 24 characters of 32 choices each: 120 bits, without letters that look alike.
fn random_password() -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 24];
    SystemEntropy.fill(&mut bytes);
    let characters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    SecretString::from(format!("anet-{}", characters.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_passwords_are_alike() {
        let (one, other) = (random_password(), random_password());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 29);
    }
}
