//! The process table, read once for all who ask at the same time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::notify_socket::Routes;
use crate::system::process_entry::{KnownMarks, ProcessEntry, last_given, read_all, read_others};

/// Reads `/proc` no oftener than needed: a hundred nodes stopped at once share a few readings.
#[derive(Debug, Default)]
pub(crate) struct ProcessTable {
    /// Whose leaders are left out.
    spared: Option<Routes>,
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
    /// The last process id that was given when it began.
    last_given: Option<u32>,
    /// Who was left out, in the order of their ids.
    spared: Arc<Vec<u32>>,
    /// In the order of their ids.
    pub(crate) entries: Arc<Vec<ProcessEntry>>,
}

impl ProcessTable {
    /// Readings without the living leaders, which are half of the table where much is supervised: each is of its own
    /// start and of no other, whatever it does.
    pub(crate) fn without_leaders(routes: Routes) -> Self {
        Self { spared: Some(routes), ..Self::default() }
    }

    fn spared(&self) -> Vec<u32> {
        let mut pids: Vec<u32> =
            self.spared.iter().flat_map(|routes| routes.lock().keys().copied().collect::<Vec<_>>()).collect();
        pids.sort_unstable();
        pids
    }

    /// The processes, by a reading that began after this call.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn read(&self) -> io::Result<Reading> {
        let read = async |number| {
            let mut known = std::mem::take(&mut *self.known.lock().await);
            let spared = Arc::new(self.spared());
            let left_out = Arc::clone(&spared);
            let reading = tokio::task::spawn_blocking(move || {
                let last_given = last_given();
                read_all(&mut known, &left_out).map(|entries| (last_given, entries, known))
            });
            let (last_given, entries, known) = reading.await.map_err(io::Error::other)??;
            *self.known.lock().await = known;
            Ok(Reading { number, since: number, last_given, spared, entries: Arc::new(entries) })
        };
        self.all.take(|_| true, read).await
    }

    /// The processes whose ids nobody had in `earlier`, by a reading that began after this call: what was born since,
    /// because the kernel gives a number again only after all others (`pid_max`).
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn read_born_since(&self, earlier: &Reading) -> io::Result<Reading> {
        if earlier.last_given.is_some() && earlier.last_given == last_given() {
            return Ok(Reading::default());
        }
        let (since, known, spared) = (earlier.number, Arc::clone(&earlier.entries), Arc::clone(&earlier.spared));
        let read = async |number| {
            let read = move || read_others(&known, &spared);
            let entries = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            Ok(Reading { number, since, entries: Arc::new(entries), ..Reading::default() })
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

    #[tokio::test]
    async fn readings_without_leaders_have_everybody_else_and_their_newborn() {
        let mut child = tokio::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id().unwrap();
        let routes = Routes::default();
        let table = ProcessTable::without_leaders(routes.clone());
        let has = |reading: &Reading, pid: u32| reading.entries.iter().any(|entry| entry.pid == pid);
        assert!(has(&table.read().await.unwrap(), pid));
        routes.lock().insert(pid, tokio::sync::mpsc::channel(1).0);
        let reading = table.read().await.unwrap();
        assert!(!has(&reading, pid) && has(&reading, std::process::id()));
        let mut other = tokio::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let born = table.read_born_since(&reading).await.unwrap();
        assert!(has(&born, other.id().unwrap()) && !has(&born, pid));
        child.kill().await.unwrap();
        other.kill().await.unwrap();
    }
}
