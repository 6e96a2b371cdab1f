//! Sizes as people write them: `512M`, `10G`, or a plain number of bytes.

/// Reads a number of bytes with an optional `K`, `M`, `G` or `T`, each 1024 times the one before,
/// as systemd's `MemoryMax=` has them.
///
/// # Errors
/// A sentence that says what would be understood.
pub fn parse(text: &str) -> Result<u64, String> {
    let unknown = || format!("{text:?} is not a size; write a number of bytes such as 4096, 512K, 64M or 2G");
    let text_trimmed = text.trim();
    let (number, unit) = match text_trimmed.char_indices().last() {
        Some((at, letter)) if letter.is_ascii_alphabetic() => (&text_trimmed[..at], letter.to_ascii_uppercase()),
        _ => (text_trimmed, 'B'),
    };
    let (_, shift) = [('B', 0), ('K', 10), ('M', 20), ('G', 30), ('T', 40)]
        .into_iter()
        .find(|(known, _)| *known == unit)
        .ok_or_else(unknown)?;
    let number: u64 = number.trim_end().parse().map_err(|_| unknown())?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text:?} is more than any machine has"))
}

/// Writes a size so that [`parse`] reads the same number: with the largest unit that loses nothing.
#[must_use]
pub fn format(bytes: u64) -> String {
    [('T', 40), ('G', 30), ('M', 20), ('K', 10)]
        .into_iter()
        .find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_powers_of_1024_in_either_case() {
        let known =
            [("4096", 4096), ("4096B", 4096), ("1K", 1024), ("512m", 512 << 20), (" 2 G ", 2 << 30), ("1T", 1 << 40)];
        for (text, bytes) in known {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_an_example() {
        for text in ["", "M", "-1", "1.5G", "10 apples", "10MB", "1P", "99999999999T", "18446744073709551616"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: u64) {
            prop_assert_eq!(parse(&format(bytes)), Ok(bytes));
        }
    }
}
