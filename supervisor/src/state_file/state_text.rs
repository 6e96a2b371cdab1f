//! The state as it is written: JSON, with a line for each node.

use std::sync::Arc;

use super::format::State;

/// The parts of the text, which are put together where nobody waits.
#[derive(Debug)]
pub(super) struct StateText {
    pub(super) sequence: Option<u64>,
    head: String,
    nodes: Vec<Arc<str>>,
}

impl StateText {
    /// # Errors
    /// When a path in the state is not UTF-8.
    pub(super) fn of(state: &mut State) -> serde_json::Result<Self> {
        let head = format!(
            "{{\"version\":{},\"sequence\":{},\"executable\":{},\n\"hub\":{},\n\"nodes\":[",
            state.version,
            serde_json::to_string(&state.sequence)?,
            serde_json::to_string(&state.executable)?,
            serde_json::to_string(&state.hub)?,
        );
        let nodes = state.nodes.iter_mut().map(super::KeptNode::text).collect::<serde_json::Result<_>>()?;
        Ok(Self { sequence: state.sequence, head, nodes })
    }

    /// The whole document.
    pub(super) fn join(&self) -> String {
        let length: usize = self.nodes.iter().map(|node| node.len() + 2).sum();
        let mut text = String::with_capacity(self.head.len() + length + 4);
        text.push_str(&self.head);
        for (number, node) in self.nodes.iter().enumerate() {
            text.push_str(if number == 0 { "\n" } else { ",\n" });
            text.push_str(node);
        }
        text.push_str("\n]}");
        text
    }
}

#[cfg(test)]
mod tests {
    use anet_protocol::control::Desired;

    use super::*;
    use crate::state_file::{History, NodeRecord};

    #[test]
    fn what_is_written_is_what_was_changed_last() {
        let node = |name: &str| NodeRecord {
            name: name.to_owned(),
            project: "/p \"q\"".into(),
            desired: Desired::Stopped,
            process: None,
            history: History::default(),
        };
        let mut state = State::new("/x".into());
        for count in 0..3 {
            let read: State = serde_json::from_str(&StateText::of(&mut state).unwrap().join()).unwrap();
            assert_eq!((&read, read.nodes.len()), (&state, count));
            state.nodes.push(node(&format!("n{count}")).into());
        }
        let project = state.nodes[0].project.clone();
        for desired in [Desired::Running, Desired::Stopped] {
            state.node_mut("n1", &project).unwrap().desired = desired;
            let read: State = serde_json::from_str(&StateText::of(&mut state).unwrap().join()).unwrap();
            assert_eq!((read.nodes[1].desired, &read), (desired, &state));
        }
    }
}
