//! Secrets that whoever starts the supervisor hands it as an open descriptor, so that they stand in no file, no argument
//! and no environment (R44).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::Path;

use anet_protocol::env_file;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::dot_env::{LARGEST_SIZE, refuse, too_large};
use crate::secret_error::SecretError;

/// The first number that is not one of the standard three.
const FIRST: RawFd = 3;

/// An open file with variables in the grammar of `.env`. It is read anew each time, so that an edit of it counts for the
/// next start (R38); what came through a pipe is kept in memory that nobody can change.
#[derive(Debug)]
pub struct SecretDescriptor {
    file: File,
}

impl SecretDescriptor {
    /// Takes over a descriptor that was open before this program began. Programs that this one starts do not get it.
    ///
    /// # Errors
    /// [`SecretError`] for a number that nobody passed, for what is neither a file nor a pipe, and for a text that is
    /// not in the grammar; a bad line is named by its number, never shown.
    pub fn take(number: RawFd) -> Result<Self, SecretError> {
        let descriptor = Self { file: inherit(number)? };
        let descriptor = match descriptor.file.metadata().map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_file() => descriptor,
            Ok(kind) if kind.is_fifo() || kind.is_socket() => descriptor.into_memory()?,
            Ok(_) => return Err(descriptor.refuse("is neither a file nor a pipe")),
            Err(error) => return Err(descriptor.refuse(error)),
        };
        descriptor.read()?;
        Ok(descriptor)
    }

    /// As it was given: `fd:5`.
    pub(crate) fn name(&self) -> String {
        format!("fd:{}", self.file.as_raw_fd())
    }

    /// The variables as they are now.
    ///
    /// # Errors
    /// [`SecretError`] when they cannot be read or are not in the grammar.
    pub(crate) fn read(&self) -> Result<Vec<(String, SecretString)>, SecretError> {
        let mut bytes = Zeroizing::new(Vec::new());
        // By place, so that a file which others have open too is read from its beginning.
        let mut from_start = Places { file: &self.file, offset: 0 }.take(LARGEST_SIZE + 1);
        from_start.read_to_end(&mut bytes).map_err(|error| self.refuse(error))?;
        let text = self.text(&bytes)?;
        let variables = env_file::parse(text).map_err(|error| refuse(format!("{}: {error}", self.name()), None))?;
        Ok(variables.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect())
    }

    fn text<'bytes>(&self, bytes: &'bytes [u8]) -> Result<&'bytes str, SecretError> {
        if bytes.len() as u64 > LARGEST_SIZE {
            return Err(too_large(Path::new(&self.name())));
        }
        str::from_utf8(bytes).map_err(|_| self.refuse("is no text in UTF-8"))
    }

    /// Reads a pipe to its end, and puts a file in memory in the place of its descriptor, which is there for the next
    /// program in this process too.
    #[cfg(target_os = "linux")]
    fn into_memory(self) -> Result<Self, SecretError> {
        use std::io::Write as _;

        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

        let mut bytes = Zeroizing::new(Vec::new());
        (&self.file).take(LARGEST_SIZE + 1).read_to_end(&mut bytes).map_err(|error| self.refuse(error))?;
        self.text(&bytes)?;
        let keep = || -> io::Result<OwnedFd> {
            let memory = memfd_create("anet-secrets", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
            let mut memory = File::from(memory);
            memory.write_all(&bytes)?;
            fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
            Ok(memory.into())
        };
        let memory = keep().map_err(|error| self.refuse(error))?;
        let name = self.name();
        let mut place = OwnedFd::from(self.file);
        rustix::io::dup3(&memory, &mut place, rustix::io::DupFlags::CLOEXEC)
            .map_err(|error| refuse(format!("{name}: {error}"), None))?;
        Ok(Self { file: place.into() })
    }

    #[cfg(not(target_os = "linux"))]
    fn into_memory(self) -> Result<Self, SecretError> {
        Err(self.refuse("is a pipe, and this system has no files in memory to keep it in; open a file instead"))
    }

    fn refuse(&self, why: impl std::fmt::Display) -> SecretError {
        refuse(format!("{}: {why}", self.name()), None)
    }
}

impl AsFd for SecretDescriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Reads a file without moving its own place.
struct Places<'file> {
    file: &'file File,
    offset: u64,
}

impl io::Read for Places<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Makes a descriptor one of this program's own.
#[expect(unsafe_code, reason = "the kernel passes descriptors over exec as bare numbers")]
fn inherit(number: RawFd) -> Result<File, SecretError> {
    let hint = || Some(format!("open it for the supervisor: anet supervisor run --secrets fd:{number} {number}<FILE"));
    if number < FIRST {
        return Err(refuse(format!("fd:{number} is one of the standard three; take one from fd:{FIRST} on"), None));
    }
    if !Path::new(&format!("/dev/fd/{number}")).try_exists().unwrap_or(false) {
        return Err(refuse(format!("fd:{number} is not open"), hint()));
    }
    // SAFETY: it is open, and given back below unless it was passed to this program: what the program opened by itself
    // is closed at an exec.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    match fcntl_getfd(&descriptor) {
        Ok(flags) if !flags.contains(FdFlags::CLOEXEC) => {
            fcntl_setfd(&descriptor, FdFlags::CLOEXEC)
                .map_err(|error| refuse(format!("fd:{number}: {error}"), None))?;
            Ok(descriptor.into())
        }
        _ => {
            let _belongs_to_others = descriptor.into_raw_fd();
            Err(refuse(format!("fd:{number} was not passed to this program"), hint()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use secrecy::ExposeSecret as _;

    use super::*;

    /// As whoever starts the program leaves it open.
    fn pass(descriptor: impl Into<OwnedFd>) -> RawFd {
        let descriptor = descriptor.into();
        fcntl_setfd(&descriptor, FdFlags::empty()).unwrap();
        descriptor.into_raw_fd()
    }

    fn pipe_with(text: &str) -> RawFd {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        pass(reader)
    }

    fn pairs(descriptor: &SecretDescriptor) -> Vec<(String, String)> {
        let variables = descriptor.read().unwrap();
        variables.into_iter().map(|(name, value)| (name, value.expose_secret().to_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_file_is_read_anew_each_time_from_its_beginning() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"A=1\n").unwrap();
        let descriptor = SecretDescriptor::take(pass(file.try_clone().unwrap())).unwrap();
        assert_eq!(pairs(&descriptor), [pair("A", "1")]);
        file.write_all(b"B='2 3'\n").unwrap();
        assert_eq!(pairs(&descriptor), [pair("A", "1"), pair("B", "2 3")]);
        assert_eq!(file.stream_position().unwrap(), 12, "whoever shares it is not disturbed");
    }

    #[test]
    fn what_came_through_a_pipe_stays_under_the_same_number_and_cannot_be_changed() {
        let number = pipe_with("A=canary\n");
        let descriptor = SecretDescriptor::take(number).unwrap();
        for _ in 0..2 {
            assert_eq!(pairs(&descriptor), [pair("A", "canary")]);
        }
        assert_eq!(descriptor.name(), format!("fd:{number}"));
        assert!(fcntl_getfd(&descriptor).unwrap().contains(FdFlags::CLOEXEC), "a child would get it");
        assert!((&descriptor.file).write_all(b"A=other").is_err() && descriptor.file.set_len(0).is_err());
    }

    #[test]
    fn faults_are_told_without_a_value() {
        let error = |number| SecretDescriptor::take(number).unwrap_err().error;
        let number = pipe_with("A=1\nno canary\n");
        let told = error(number);
        assert!(told.starts_with(&format!("fd:{number}: line 2")) && !told.contains("canary"), "{told}");
        let error_of = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            error(pass(file))
        };
        assert!(error_of("x".repeat(66_000).as_bytes()).contains("larger than 64 KiB"));
        assert!(error_of(b"A=\xff").contains("no text"));
        assert!(error(pass(File::open("/dev/null").unwrap())).contains("neither a file nor a pipe"));
        assert!(error(99_999).contains("is not open") && error(1).contains("standard three"));
    }

    #[test]
    fn what_the_program_opened_by_itself_is_neither_taken_nor_closed() {
        let file = tempfile::tempfile().unwrap();
        let error = SecretDescriptor::take(file.as_raw_fd()).unwrap_err().error;
        assert!(error.contains("was not passed"), "{error}");
        file.metadata().unwrap();
    }
}
