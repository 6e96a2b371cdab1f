use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::HubError;

/// The exclusive right to open a database, held through a lock on `<database>.lock` that the kernel takes back
/// when the process dies.
pub(super) struct DatabaseLock {
    _file: File,
}

impl DatabaseLock {
    pub(super) fn acquire(database: &Path) -> Result<Self, HubError> {
        let path = lock_path(database);
        let failed = |doing| {
            let path = path.clone();
            move |source: io::Error| HubError::File { doing, path, source }
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(HubError::DatabaseInUse { path: database.to_owned(), holder: holder(&path) });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        // The pid is for people; the lock itself is what counts.
        file.set_len(0).map_err(failed("write"))?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(failed("write"))?;
        Ok(Self { _file: file })
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// `pid 4711 (/usr/bin/anet)`: the process that the lock file names.
fn holder(path: &Path) -> String {
    let Some(pid) = fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u32>().ok()) else {
        return "another process".to_owned();
    };
    match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(program) => format!("pid {pid} ({})", program.display()),
        Err(_) => format!("pid {pid}"),
    }
}
