//! How far somebody has read: `node.log:<file>:<offset>,output.log:<file>:<offset>`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use super::entry::Place;
use crate::rotation::LogId;

/// A place in each log. Neither a rotation nor a compression moves any of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor(pub(super) BTreeMap<Arc<str>, Position>);

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) id: LogId,
    pub(super) offset: u64,
}

/// A text that is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no place in a log")]
pub(crate) struct CursorError(String);

impl Cursor {
    /// Behind this line.
    pub(super) fn pass(&mut self, place: &Place) {
        let position = Position { id: place.id, offset: place.to };
        match self.0.get_mut(&place.log) {
            Some(known) => *known = position,
            None => drop(self.0.insert(Arc::clone(&place.log), position)),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (log, position)) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_char(',')?;
            }
            write!(formatter, "{log}:{}:{}", position.id, position.offset)?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let place = |part: &str| {
            let (rest, offset) = part.rsplit_once(':')?;
            let (log, id) = rest.rsplit_once(':')?;
            Some((log.into(), Position { id: id.parse().ok()?, offset: offset.parse().ok()? }))
        };
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(place).collect::<Option<_>>().map(Self).ok_or_else(|| CursorError(text.to_owned()))
    }
}
