//! Texts into lines of a width, whatever the width is counted in.

/// What cannot stand on paper becomes a space or the mark for the unreadable: control characters, and those that turn the
/// direction of what is around them.
pub fn clean(text: &str) -> String {
    let plain = |c: char| match c {
        '\n' => '\n',
        c if c.is_control() && c.is_whitespace() => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{2028}'
        | '\u{2029}' => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.replace("\r\n", "\n").chars().map(plain).collect()
}

/// Breaks a text at its spaces so that no line is wider than `width`; a word that is wider by itself is cut.
pub fn lines(text: &str, width: f32, measure: &dyn Fn(char) -> f32) -> Vec<String> {
    let clean = clean(text);
    let mut out = Vec::new();
    for paragraph in clean.trim_end().split('\n') {
        wrap(paragraph, width, measure, &mut out);
    }
    out
}

fn wrap(paragraph: &str, width: f32, measure: &dyn Fn(char) -> f32, out: &mut Vec<String>) {
    let space = measure(' ');
    let (mut line, mut used) = (String::new(), 0.0_f32);
    for word in paragraph.split_whitespace() {
        let wide: f32 = word.chars().map(measure).sum();
        if !line.is_empty() && used + space + wide > width {
            out.push(std::mem::take(&mut line));
            used = 0.0;
        }
        if !line.is_empty() {
            line.push(' ');
            used += space;
        }
        if used + wide <= width {
            line.push_str(word);
            used += wide;
            continue;
        }
        for c in word.chars() {
            let w = measure(c);
            if used + w > width && !line.is_empty() {
                out.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += w;
        }
    }
    out.push(line);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(text: &str, width: f32) -> Vec<String> {
        lines(text, width, &|_| 1.0)
    }

    #[test]
    fn words_stay_whole_and_long_ones_are_cut() {
        assert_eq!(columns("one two three", 7.0), ["one two", "three"]);
        assert_eq!(columns("a abcdefghij b", 4.0), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(columns("x\n\ny\n", 9.0), ["x", "", "y"]);
        assert_eq!(columns("", 9.0), [""]);
        assert_eq!(columns("a\tb\u{1b}c\u{202e}d", 9.0), ["a b\u{fffd}c\u{fffd}d"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in any::<String>(), width in 1_u8..40) {
            let got = columns(&text, f32::from(width));
            prop_assert!(got.iter().all(|l| l.chars().count() <= usize::from(width)), "{got:?}");
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&got.concat()), letters(&clean(&text)));
        }
    }
}
