//! The process table, read once for all who ask at the same time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::system::process_entry::{KnownMarks, ProcessEntry, read_all};

/// Reads `/proc` no oftener than needed: a hundred nodes stopped at once share a few readings.
#[derive(Debug, Default)]
pub(crate) struct ProcessTable {
    begun: AtomicU64,
    latest: Mutex<Reading>,
}

#[derive(Debug, Default)]
struct Reading {
    number: u64,
    entries: Arc<Vec<ProcessEntry>>,
    /// Empty while a reading is under way, and after one that failed.
    known: KnownMarks,
}

impl ProcessTable {
    /// The processes, by a reading that began after this call.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn read(&self) -> io::Result<Arc<Vec<ProcessEntry>>> {
        let too_old = self.begun.load(Ordering::SeqCst);
        let mut latest = self.latest.lock().await;
        if latest.number <= too_old {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let mut known = std::mem::take(&mut latest.known);
            let reading = tokio::task::spawn_blocking(move || read_all(&mut known).map(|entries| (entries, known)));
            let (entries, known) = reading.await.map_err(io::Error::other)??;
            *latest = Reading { number, entries: Arc::new(entries), known };
        }
        Ok(Arc::clone(&latest.entries))
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
        let begun = table.begun.load(Ordering::SeqCst);
        assert!(begun <= 2, "{begun} readings for 50 at once");
        table.read().await.unwrap();
        assert_eq!(table.begun.load(Ordering::SeqCst), begun + 1);
    }
}
