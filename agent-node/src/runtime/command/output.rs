use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use anet_protocol::rest::{Artifact, limit};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use crate::durable_file::sync_dir;

/// How much is read at a time.
const PIECE: usize = 64 * 1024;

/// An agent's standard output: in memory up to the limit of a result, beyond it in a file. Memory
/// stays bounded whatever the agent writes.
pub(super) struct Output {
    head: Vec<u8>,
    dir: PathBuf,
    file_name: String,
    overflow: io::Result<Option<Overflow>>,
}

/// The file that the whole output goes to once it is too long.
struct Overflow {
    file: tokio::fs::File,
    digest: Sha256,
    bytes: u64,
}

impl Output {
    /// What does not fit goes to `<dir>/<attempt>.out`.
    pub(super) fn new(dir: PathBuf, attempt: u32) -> Self {
        Self { head: Vec::new(), dir, file_name: format!("{attempt}.out"), overflow: Ok(None) }
    }

    /// Reads to the end. After a fault of the disk it reads on and keeps nothing, so that the
    /// agent is not stopped by a full pipe; [`Output::finish`] tells the fault.
    pub(super) async fn read(&mut self, stdout: Option<impl AsyncRead + Unpin>) {
        let Some(mut stdout) = stdout else { return };
        let mut piece = vec![0; PIECE];
        loop {
            match stdout.read(&mut piece).await {
                Ok(0) => return,
                Ok(length) => self.take(&piece[..length]).await,
                Err(error) => {
                    self.overflow = Err(error);
                    return;
                }
            }
        }
    }

    async fn take(&mut self, bytes: &[u8]) {
        match &mut self.overflow {
            Ok(None) if self.head.len() + bytes.len() <= limit::RESULT_BYTES => self.head.extend_from_slice(bytes),
            Ok(None) => {
                let room = limit::RESULT_BYTES - self.head.len();
                let (fitting, rest) = bytes.split_at(room);
                self.head.extend_from_slice(fitting);
                self.overflow = self.overflowed(rest).await.map(Some);
            }
            Ok(Some(overflow)) => {
                if let Err(error) = overflow.write(bytes).await {
                    self.overflow = Err(error);
                }
            }
            Err(_) => {}
        }
    }

    /// Begins the file with what is in memory and `rest`.
    async fn overflowed(&self, rest: &[u8]) -> io::Result<Overflow> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(self.dir.join(&self.file_name)).await?;
        let mut overflow = Overflow { file, digest: Sha256::new(), bytes: 0 };
        overflow.write(&self.head).await?;
        overflow.write(rest).await?;
        Ok(overflow)
    }

    /// The result: the output, or its head and where the whole of it is.
    pub(super) async fn finish(mut self) -> io::Result<(String, Vec<Artifact>)> {
        let text = String::from_utf8_lossy(&self.head);
        let overflow = match std::mem::replace(&mut self.overflow, Ok(None)) {
            // A replaced byte takes three, so a text can be too long although the output was not.
            Ok(None) if text.len() > limit::RESULT_BYTES => self.overflowed(&[]).await,
            Ok(None) => return Ok((text.into_owned(), Vec::new())),
            Ok(Some(overflow)) => Ok(overflow),
            Err(error) => Err(error),
        };
        let stored = match overflow {
            Ok(overflow) => overflow.store().await,
            Err(error) => Err(error),
        };
        match stored.and_then(|stored| sync_dir(&self.dir).map(|()| stored)) {
            Ok((bytes, sha256)) => {
                let path = self.dir.join(&self.file_name).display().to_string();
                let note = format!("\n[cut here; all {bytes} bytes of the output are in {path}]\n");
                let head = &text[..text.floor_char_boundary(limit::RESULT_BYTES - note.len())];
                Ok((format!("{head}{note}"), vec![Artifact { path, bytes, sha256 }]))
            }
            Err(error) => {
                drop(text);
                self.discard().await;
                Err(error)
            }
        }
    }

    /// Nobody wants the output: its file goes away.
    pub(super) async fn discard(self) {
        drop(self.overflow);
        match tokio::fs::remove_file(self.dir.join(&self.file_name)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %self.dir.join(&self.file_name).display(), %error, "an output stays on the disk");
            }
            _ => {}
        }
    }
}

impl Overflow {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    /// Makes the file durable. The answer is its size and its SHA-256.
    async fn store(mut self) -> io::Result<(u64, String)> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok((self.bytes, crate::task_socket::lower_hex(&self.digest.finalize())))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    async fn output_of(bytes: &[u8], dir: &std::path::Path) -> (String, Vec<Artifact>) {
        let mut output = Output::new(dir.join("t1"), 1);
        output.read(Some(bytes)).await;
        output.finish().await.unwrap()
    }

    #[tokio::test]
    async fn a_result_at_the_limit_is_kept_whole_and_one_byte_more_is_an_artifact() {
        let dir = tempfile::tempdir().unwrap();
        let fitting = vec![b'x'; limit::RESULT_BYTES];
        let (text, artifacts) = output_of(&fitting, dir.path()).await;
        assert_eq!((text.len(), artifacts.len()), (limit::RESULT_BYTES, 0));
        assert!(!dir.path().join("t1").exists());

        let too_long = vec![b'x'; limit::RESULT_BYTES + 1];
        let (text, artifacts) = output_of(&too_long, dir.path()).await;
        assert!(text.len() <= limit::RESULT_BYTES);
        assert!(text.ends_with(&format!("are in {}]\n", artifacts[0].path)), "{}", &text[text.len() - 200..]);
        assert_eq!(artifacts[0].bytes, too_long.len() as u64);
        assert_eq!(artifacts[0].sha256, crate::task_socket::lower_hex(&Sha256::digest(&too_long)));
        assert_eq!(fs::read(&artifacts[0].path).unwrap(), too_long);
        assert_eq!(fs::metadata(&artifacts[0].path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_replaced_and_the_text_still_fits() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(output_of(b"a\xffb", dir.path()).await.0, "a\u{fffd}b");
        let (text, artifacts) = output_of(&vec![0xff; limit::RESULT_BYTES], dir.path()).await;
        assert!(text.len() <= limit::RESULT_BYTES);
        assert_eq!(artifacts[0].bytes, limit::RESULT_BYTES as u64, "the file has the bytes as they came");
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_is_an_error_and_not_a_shorter_result() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("t1"), b"a file where the directory should be").unwrap();
        let mut output = Output::new(dir.path().join("t1"), 1);
        output.read(Some(&vec![b'x'; limit::RESULT_BYTES + 1][..])).await;
        output.finish().await.unwrap_err();
    }
}
