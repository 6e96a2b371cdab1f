//! The process table, read once for all who ask at the same time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::system::process_entry::{KnownMarks, ProcessEntry, read_all, read_others};

/// Reads `/proc` no oftener than needed: a hundred nodes stopped at once share a few readings.
#[derive(Debug, Default)]
pub(crate) struct ProcessTable {
    all: Turns,
    born: Turns,
    /// Empty while a reading is under way, and after one that failed.
    known: Mutex<KnownMarks>,
}

/// Who reads, while the others wait for what comes of it.
#[derive(Debug, Default)]
struct Turns {
    begun: AtomicU64,
    latest: Mutex<Reading>,
}

/// The processes at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    number: u64,
    /// In a reading of those that were born meanwhile, the number of the reading that it follows.
    since: u64,
    /// In the order of their ids.
    pub(crate) entries: Arc<Vec<ProcessEntry>>,
}

impl ProcessTable {
    /// The processes, by a reading that began after this call.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn read(&self) -> io::Result<Reading> {
        let read = async |number| {
            let mut known = std::mem::take(&mut *self.known.lock().await);
            let reading = tokio::task::spawn_blocking(move || read_all(&mut known).map(|entries| (entries, known)));
            let (entries, known) = reading.await.map_err(io::Error::other)??;
            *self.known.lock().await = known;
            Ok(Reading { number, since: number, entries: Arc::new(entries) })
        };
        self.all.take(|_| true, read).await
    }

    /// The processes whose ids nobody had in `earlier`, by a reading that began after this call: what was born since,
    /// because the kernel gives a number again only after all others (`pid_max`).
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn read_born_since(&self, earlier: &Reading) -> io::Result<Reading> {
        let (since, known) = (earlier.number, Arc::clone(&earlier.entries));
        let read = async |number| {
            let entries =
                tokio::task::spawn_blocking(move || read_others(&known)).await.map_err(io::Error::other)??;
            Ok(Reading { number, since, entries: Arc::new(entries) })
        };
        // What was born since an older reading holds what was born since this one.
        self.born.take(|latest| latest.since <= since, read).await
    }
}

impl Turns {
    /// The latest reading if it began after this call and will do, else a new one.
    async fn take(
        &self,
        will_do: impl Fn(&Reading) -> bool,
        read: impl AsyncFnOnce(u64) -> io::Result<Reading>,
    ) -> io::Result<Reading> {
        let too_old = self.begun.load(Ordering::SeqCst);
        let mut latest = self.latest.lock().await;
        if latest.number <= too_old || !will_do(&latest) {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            *latest = read(number).await?;
        }
        Ok(latest.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_who_ask_at_once_share_readings_and_a_later_one_gets_a_new_one() {
        let table = Arc::new(ProcessTable::default());
        let readings = futures_util::future::join_all((0..50).map(|_| table.read())).await;
        assert!(readings.iter().all(Result::is_ok));
        let begun = table.all.begun.load(Ordering::SeqCst);
        assert!(begun <= 2, "{begun} readings for 50 at once");
        table.read().await.unwrap();
        assert_eq!(table.all.begun.load(Ordering::SeqCst), begun + 1);
    }

    #[tokio::test]
    async fn a_reading_of_what_was_born_since_has_every_newborn_and_no_older_process() {
        let table = ProcessTable::default();
        let earlier = table.read().await.unwrap();
        let mut child = tokio::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let middle = table.read().await.unwrap();
        let born = |reading: Reading| reading.entries.iter().map(|entry| entry.pid).collect::<Vec<_>>();
        // One after the other, and at once: whoever asks from later on may see more, and never less.
        for _ in 0..2 {
            let (since_earlier, since_middle) =
                tokio::join!(table.read_born_since(&earlier), table.read_born_since(&middle));
            assert!(born(since_earlier.unwrap()).contains(&child.id().unwrap()));
            assert!(!born(since_middle.unwrap()).contains(&std::process::id()));
        }
        assert!(!born(table.read_born_since(&middle).await.unwrap()).contains(&child.id().unwrap()));
        child.kill().await.unwrap();
    }
}
