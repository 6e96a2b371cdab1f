//! Where a running node has its token from: its `config.json`, read again when somebody says that it has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::token::fingerprint;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::node_files;
use crate::notify::Notifier;

/// How often the file is looked at while the hub refuses the token. Nothing looks at it otherwise.
const LOOK: Duration = Duration::from_millis(500);

/// The source of a node's token.
pub(super) struct TokenSource {
    directory: PathBuf,
    hangup: Signal,
    notifier: Arc<Notifier>,
    refused: Arc<watch::Sender<bool>>,
    token: watch::Sender<SecretString>,
}

impl TokenSource {
    /// Begins with the token that was read at the start.
    ///
    /// # Errors
    /// When the kernel refuses the handler of SIGHUP.
    pub(super) fn new(
        directory: &Path,
        token: SecretString,
        notifier: Arc<Notifier>,
    ) -> std::io::Result<(Self, watch::Receiver<SecretString>)> {
        let (token, tokens) = watch::channel(token);
        let hangup = signal(SignalKind::hangup())?;
        let refused = Arc::new(watch::Sender::new(false));
        Ok((Self { directory: directory.to_owned(), hangup, notifier, refused, token }, tokens))
    }

    /// To be told whether the hub refuses the token.
    pub(super) fn refused(&self) -> Arc<watch::Sender<bool>> {
        Arc::clone(&self.refused)
    }

    /// Passes every replacement on, for ever: at each SIGHUP, and by looking while the token is refused.
    pub(super) async fn follow(mut self) {
        let mut refused = self.refused.subscribe();
        loop {
            let is_refused = *refused.borrow_and_update();
            tokio::select! {
                heard = self.hangup.recv() => match heard {
                    // A supervisor that took the node over has not heard what the one before it was told.
                    Some(()) => self.notifier.repeat(),
                    None => return,
                },
                () = tokio::time::sleep(LOOK), if is_refused => {}
                _ = refused.changed() => {}
            }
            self.read_again();
        }
    }

    fn read_again(&self) {
        let token = match node_files::read_config(&self.directory) {
            Ok(config) => config.token(),
            Err(failure) => {
                tracing::warn!(reason = format!("{:#}", failure.error), "the configuration cannot be read again");
                return;
            }
        };
        let Some(token) = token else { return };
        let is_new = self.token.borrow().expose_secret() != token.expose_secret();
        if is_new {
            tracing::info!(ends_in = fingerprint(token.expose_secret()), "another token is used from now on");
            self.token.send_replace(token);
        }
    }
}
