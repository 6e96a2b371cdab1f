//! Characters that deceive whoever reads a text.

/// Whether the character turns the direction of the text around it, so that it reads as something else.
#[must_use]
pub const fn is_direction_mark(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether the character is not seen (Unicode's `Default_Ignorable_Code_Point`, and what looks like nothing): with it
/// two names look alike.
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_direction_mark_is_invisible_and_letters_are_neither() {
        for character in '\0'..=char::MAX {
            assert!(!is_direction_mark(character) || is_invisible(character), "{character:?}");
            assert!(!is_invisible(character) || !character.is_ascii(), "{character:?}");
        }
        for letter in ['é', '前', 'ж', '💡', 'ا', 'א'] {
            assert!(!is_invisible(letter), "{letter}");
        }
    }
}
