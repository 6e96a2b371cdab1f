//! For the tests of checks.

use crate::doctor::check::{Check, Findings};
use crate::doctor::finding::Finding;

/// What a part of a check says.
pub(super) fn findings_of(check: Check, say: impl FnOnce(&mut Findings)) -> Vec<Finding> {
    let mut findings = Findings::new(check);
    say(&mut findings);
    findings.into_vec()
}
