use std::collections::VecDeque;
use std::sync::Arc;

use anet_protocol::id::TaskId;
use anet_protocol::redaction::{RedactingLines, Redactor};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How many lines explain a failure.
const LINES: usize = 20;

/// How much of a line, in bytes.
const LINE_BYTES: usize = 2_000;

/// An agent's standard error: its secrets masked, every line logged, the last ones kept.
pub(super) struct StderrTail {
    lines: RedactingLines,
    last: VecDeque<String>,
    task: TaskId,
}

impl StderrTail {
    pub(super) fn new(redactor: Arc<Redactor>, task: TaskId) -> Self {
        Self { lines: RedactingLines::new(redactor), last: VecDeque::new(), task }
    }

    /// Reads to the end.
    pub(super) async fn read(&mut self, stderr: Option<impl AsyncRead + Unpin>) {
        let Some(mut stderr) = stderr else { return };
        let mut piece = vec![0; 8 * 1024];
        loop {
            match stderr.read(&mut piece).await {
                Ok(0) => return,
                Ok(length) => {
                    for line in self.lines.push(&piece[..length]) {
                        self.keep(line);
                    }
                }
                Err(error) => return tracing::warn!(task = %self.task, %error, "the agent's stderr cannot be read"),
            }
        }
    }

    /// `what` happened, and the last lines.
    pub(super) fn explain(mut self, what: &str) -> String {
        if let Some(line) = self.lines.flush() {
            self.keep(line);
        }
        let mut text = what.to_owned();
        for line in &self.last {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    fn keep(&mut self, mut line: String) {
        tracing::info!(task = %self.task, "stderr: {line}");
        line.truncate(line.floor_char_boundary(LINE_BYTES));
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept_without_secrets() {
        let redactor = Arc::new(Redactor::new([SecretString::from("correct horse")]));
        let lines: Vec<String> = (0..50).map(|line| format!("line {line}\n")).collect();
        let text = lines.concat() + "key correct horse, not closed";
        let mut tail = StderrTail::new(redactor, TaskId::from("t"));
        tail.read(Some(text.as_bytes())).await;
        let explained = tail.explain("failed");
        let lines: Vec<&str> = explained.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[1]), (1 + LINES, "failed", "line 31"));
        assert_eq!(lines[LINES], "key ***, not closed");
    }
}
