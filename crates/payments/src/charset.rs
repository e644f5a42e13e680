//! The SWIFT x character set, in which payment text travels unchanged through every bank.
//!
//! Source: SWIFT Standards MT General Information, character set x; replacements after the European Payments Council's
//! conversion table (EPC217-08): accents are dropped, `&` becomes `+`, other Latin punctuation a full stop.
//! What has no Latin reading is refused, because a bank would drop it or reject the payment.

use std::collections::BTreeMap;

/// A text holds a character that has no reading in the SWIFT x set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// No replacement is known. The character is named by its code point, the text is not shown.
    #[error("character {at} is U+{code_point:04X}, which has no reading in the SWIFT x character set")]
    NoReading {
        /// The Unicode code point.
        code_point: u32,
        /// Its place in the text, counted in characters from 1.
        at: usize,
    },
    /// Nothing but spaces.
    #[error("the text is empty")]
    Empty,
}

/// One kind of character that was replaced, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Replacement {
    /// The character as it was given.
    pub character: char,
    /// What stands in its place.
    pub became: &'static str,
    /// How many times.
    pub count: u32,
}

/// A text in the SWIFT x set, with what was replaced to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restricted {
    /// The text, trimmed.
    pub text: String,
    /// What was replaced, by character; empty when the text travels as given.
    pub replaced: Vec<Replacement>,
}

/// Whether `c` belongs to the SWIFT x set (line breaks aside, which no one-line field may carry).
#[must_use]
pub const fn is_swift_x(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '?' | ':' | '(' | ')' | '.' | ',' | '\'' | '+' | ' ')
}

/// Restricts `text` to the SWIFT x set.
///
/// # Errors
/// When a character has no Latin reading, or nothing is left.
pub fn restrict(text: &str) -> Result<Restricted, CharsetError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(CharsetError::Empty);
    }
    let mut out = String::with_capacity(text.len());
    let mut replaced = BTreeMap::<(char, &'static str), u32>::new();
    for (index, c) in text.chars().enumerate() {
        if is_swift_x(c) {
            out.push(c);
            continue;
        }
        let at = index.saturating_add(1);
        let Some(became) = replacement(c) else {
            return Err(CharsetError::NoReading { code_point: u32::from(c), at });
        };
        out.push_str(became);
        let count = replaced.entry((c, became)).or_default();
        *count = count.saturating_add(1);
    }
    let replaced = replaced
        .into_iter()
        .map(|((character, became), count)| Replacement { character, became, count })
        .collect();
    Ok(Restricted { text: out, replaced })
}

const fn replacement(c: char) -> Option<&'static str> {
    if let Some(letter) = letter(c) {
        return Some(letter);
    }
    Some(match c {
        '&' => "+",
        '\t' | '\n' | '\r' | '\u{a0}' | '\u{2009}' | '\u{202f}' => " ",
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '`' | '\u{b4}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '_' => "-",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '"' => ".",
        '[' | '{' => "(",
        ']' | '}' => ")",
        '\\' | '|' => "/",
        '!' | '#' | '$' | '%' | '*' | ';' | '<' | '=' | '>' | '@' | '^' | '~' | '\u{2022}' | '\u{b7}' => ".",
        '\u{2026}' => "...",
        '×' => "x",
        '÷' => "/",
        '£' => "GBP",
        '€' => "EUR",
        _ => return None,
    })
}

/// Letters of the Latin-1 and Latin Extended-A blocks, without their accents, and the comma-below letters of Romanian.
const fn letter(c: char) -> Option<&'static str> {
    Some(match c {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' | 'ĸ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' | 'Ŋ' => "N",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŋ' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŉ' => "'n",
        'Œ' => "OE",
        'œ' => "oe",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ſ' => "s",
        'ß' => "ss",
        'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => "T",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'Þ' => "Th",
        'þ' => "th",
        'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_travel_with_what_was_replaced() {
        let table = [
            ("Spire Healthcare Ltd", "Spire Healthcare Ltd", 0),
            ("Zoë O\u{2019}Brien-Müller", "Zoe O'Brien-Muller", 3),
            ("Smith & Sons [Reading]", "Smith + Sons (Reading)", 3),
            ("  Łódź — Straße  ", "Lodz - Strasse", 5),
            ("a_b@c.d", "a-b.c.d", 2),
        ];
        for (given, text, replaced) in table {
            let restricted = restrict(given).unwrap();
            assert_eq!(restricted.text, text);
            assert_eq!(restricted.replaced.len(), replaced, "{given}: {:?}", restricted.replaced);
        }
    }

    #[test]
    fn what_has_no_latin_reading_is_refused_by_code_point() {
        let table =
            [("Ann\u{4e2d}", 0x4e2d, 4), ("\u{1f600}", 0x1f600, 1), ("a\u{0}b", 0, 2), ("Юлия", 0x42e, 1)];
        for (given, code_point, at) in table {
            assert_eq!(restrict(given), Err(CharsetError::NoReading { code_point, at }));
        }
        for empty in ["", "  ", "\t\n"] {
            assert_eq!(restrict(empty), Err(CharsetError::Empty));
        }
    }

    proptest! {
        #[test]
        fn the_result_is_in_the_set_and_stays_as_it_is(text in ".{0,60}") {
            if let Ok(first) = restrict(&text) {
                prop_assert!(first.text.chars().all(is_swift_x));
                let again = restrict(&first.text).unwrap();
                prop_assert_eq!(again.text, first.text);
                prop_assert!(again.replaced.is_empty());
            }
        }
    }
}
