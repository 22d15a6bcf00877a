// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Text of an input as it may be printed.

/// `text` with control characters written out, so that an input cannot steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let steers = c.is_control() || is_invisible(c);
            let plain = (!steers).then_some(c);
            let escaped = steers.then(|| c.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Characters that have no width, or change the direction of what follows.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_safe() {
        assert_eq!(printable("a\x1b[2Jé\n"), "a\\u{1b}[2Jé\\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
    }
}
