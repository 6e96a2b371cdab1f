//! Why a supervisor cannot be asked, and whose it is (R61).

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anet_protocol::exit_code::CommandExit;
use nix::unistd::{Uid, geteuid};

use crate::environment::Environment;
use crate::failure::Failure;

/// A request without a success.
pub(super) enum RequestError {
    /// No answer.
    Unreachable(reqwest::Error),
    /// A refusal.
    Refused(Failure),
}

impl RequestError {
    pub(super) fn into_failure(self, socket: &Path) -> Failure {
        match self {
            Self::Refused(failure) => failure,
            Self::Unreachable(error) => Failure::no_supervisor(
                anyhow::Error::new(error).context(format!("the supervisor at {} does not answer", socket.display())),
            )
            .hint("`anet supervisor status` tells whether it runs"),
        }
    }
}

/// Refuses what is another user's before anything is asked: an empty list would hide whose supervisor it is.
pub(super) fn refuse_what_is_anothers(environment: &Environment, socket: &Path) -> Result<(), Failure> {
    match &environment.supervisor {
        Some(_) => refuse_closed_socket(socket),
        None => refuse_home_of_another(environment, socket),
    }
}

/// A socket that the kernel keeps from this user.
fn refuse_closed_socket(socket: &Path) -> Result<(), Failure> {
    match std::os::unix::net::UnixStream::connect(socket) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let owner =
                first_known(socket).map_or_else(String::new, |(_, owner)| format!(" of uid {owner}'s supervisor"));
            let text =
                format!("permission denied (EACCES): uid {} is no operator{owner} at {}", geteuid(), socket.display());
            Err(forbidden(text).hint("its owner names the group of operators in `supervisor.toml` (operator-group)"))
        }
        Err(error) => Err(Failure::no_supervisor(error)
            .context(format!("no supervisor answers at {}", socket.display()))
            .hint("its owner sees with `anet supervisor status` whether it serves operators, and where")),
        Ok(_) => Ok(()),
    }
}

fn refuse_home_of_another(environment: &Environment, socket: &Path) -> Result<(), Failure> {
    let (me, home) = (geteuid(), &environment.home);
    let Some((place, owner)) = first_known(home) else { return Ok(()) };
    if me.is_root() || owner == me {
        return Ok(());
    }
    let text = if place == *home {
        format!("{} is uid {owner}'s, and so is its supervisor at {}", home.display(), socket.display())
    } else if std::fs::metadata(home).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        let (home, place, socket) = (home.display(), place.display(), socket.display());
        format!(
            "{home} lies in {place}, which uid {owner} keeps closed to uid {me}, and so does its supervisor at {socket}"
        )
    } else {
        // Not there yet: it would be made as this user's own.
        return Ok(());
    };
    let failure = forbidden(text).hint("act as that user, or unset ANET_HOME for your own");
    let operators = anet_supervisor::operators_socket(owner.as_raw());
    Err(if operators.parent().is_some_and(Path::is_dir) {
        failure.hint(format!("its operators use `anet --supervisor {} …`", operators.display()))
    } else {
        failure
    })
}

fn forbidden(text: String) -> Failure {
    let code = Some("forbidden".to_owned());
    Failure { exit: CommandExit::PermissionDenied, code, ..Failure::message(text) }
}

/// The path, or the nearest directory above it that this user may look at, and whose that is.
fn first_known(path: &Path) -> Option<(&Path, Uid)> {
    path.ancestors().find_map(|place| Some((place, Uid::from_raw(std::fs::metadata(place).ok()?.uid()))))
}
