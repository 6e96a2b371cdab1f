//! Which programs understand each other.

/// The version of this protocol; the CLI refuses a supervisor that speaks another major one.
pub const CONTROL_VERSION: u32 = 2;

/// Whether two programs that speak these versions of the control API understand each other: the same, or
/// one apart, since a version only adds fields that the one before can do without (R57).
#[must_use]
pub const fn understand_each_other(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_one_version_apart_understand_each_other_both_ways() {
        for (one, other, expected) in [(1, 1, true), (1, 2, true), (2, 1, true), (1, 3, false), (3, 1, false)] {
            assert_eq!(understand_each_other(one, other), expected, "{one} and {other}");
        }
    }
}
