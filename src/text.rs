//! Checked text: names, lines, domain names and e-mail addresses.
//!
//! What a person types is parsed once, where it comes in, and from then on its type says what it
//! is. A [`Name`] that exists is a good name; nothing behind the constructor checks it again, and
//! nobody can forget to.
//!
//! | Type | Holds | Is the same as another when |
//! |---|---|---|
//! | [`Name`] | the name of an organization or a workspace | their [`NameKey`]s are equal, where names must be unique |
//! | [`TextLine`] | one line of free text: an address line, a contract reference | character for character |
//! | [`DomainName`] | one lower-case DNS label | character for character |
//! | [`EmailAddress`] | an address as it was typed | their [`EmailKey`]s are equal |
//! | [`VerifiedEmail`] | an address that its user is known to control | their [`EmailKey`]s are equal |
//!
//! They have in common:
//!
//! - One constructor, `new`; [`FromStr`](std::str::FromStr), `TryFrom` and `Deserialize` go through
//!   it, so a request body is checked while it is read. ([`VerifiedEmail`] is the exception: it
//!   can't be read from anywhere.) Records and events that come back from a store are believed:
//!   what was once let in stays readable, whatever later rules or tables say of it (A7).
//! - They print, serialize and read back as plain text, and reading back gives an equal value.
//! - White space around a name, a line or an e-mail address is dropped; control, bidirectional and
//!   other invisible characters are refused, because they make one text look like another or
//!   rearrange the page it is shown on. Look-alike *letters* (Cyrillic `а` for Latin `a`) are not:
//!   they are how other people write.
//! - The work is bounded: whatever is longer than 4 KiB is refused before it is normalized.
//! - Errors say what is wrong, at which character, and what is allowed. They are safe to print: a
//!   character that could disturb a terminal is shown as its code point, `U+202E`.
//!
//! ```
//! use tenancy::{EmailAddress, Name};
//!
//! let name = Name::new("  Acme GmbH ")?;
//! assert_eq!(name.as_str(), "Acme GmbH");
//! assert_eq!(name.key(), Name::new("ACME gmbh")?.key());
//!
//! let typed = EmailAddress::new("Ann@Bücher.example")?;
//! assert_eq!(typed.as_str(), "Ann@Bücher.example");
//! assert_eq!(typed.key().as_str(), "ann@xn--bcher-kva.example");
//!
//! let refusal = Name::new("Acme\u{202E}").unwrap_err();
//! assert_eq!(
//!     refusal.to_string(),
//!     "a name may not contain U+202E (character 5): control and invisible characters are refused",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// Writes each of the types as its text: `Display`, `AsRef<str>` and `Serialize`.
macro_rules! written_as_text {
    ($($type:ident),*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

/// Reads each of the types through its `new`: `FromStr`, `TryFrom` and `Deserialize`.
macro_rules! read_from_text {
    ($($type:ident: $error:ident),*) => {$(
        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

mod domain_name;
mod email;
mod name;
mod postal;
pub(crate) mod stored;

pub use domain_name::{DomainName, DomainNameError};
pub(crate) use email::attested;
pub use email::{EmailAddress, EmailError, EmailKey, VerifiedEmail};
pub use name::{Name, NameKey, TextError, TextLine};
pub use postal::{PostalAddress, TooManyLines};

/// Text longer than this, in bytes and after trimming, is refused before any work that grows with
/// it.
///
/// It refuses nothing that would pass: 200 characters of normalized text were never typed in more
/// than 12 bytes each.
const MAX_BYTES: usize = 4096;

/// How many combining marks may stand on one character. The languages of the world need four or five
/// (Hebrew with vowels and accents, Tibetan stacks); dozens only serve to draw over the lines above and
/// below. Unicode's stream-safe format allows 30, which is a bound for buffers and not for pages.
const MAX_MARKS: usize = 8;

/// The position, from 1, of the first combining mark that is one too many.
fn one_mark_too_many(text: &str) -> Option<usize> {
    let mut marks = 0_usize;
    (1..).zip(text.chars()).find_map(|(position, character)| {
        match Kind::of(character) {
            Kind::Mark => marks = marks.saturating_add(1),
            Kind::Visible | Kind::Space => marks = 0,
            Kind::Joiner | Kind::Selector | Kind::Forbidden => {}
        }
        (marks > MAX_MARKS).then_some(position)
    })
}

/// What a character does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Something to see by itself.
    Visible,
    /// A combining mark: seen on the character before it.
    Mark,
    /// White space, and the blank Braille pattern, which looks like it.
    Space,
    /// Joins or separates its two neighbours, as emoji, Persian and Indic scripts need it.
    Joiner,
    /// Selects a variant of the character before it: an emoji in colour, a kanji in somebody's name,
    /// a Mongolian letter.
    Selector,
    /// Control, bidirectional control, other invisible characters, and code points that are not
    /// characters.
    Forbidden,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            '\u{200C}' | '\u{200D}' => Self::Joiner,
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' | '\u{180B}'..='\u{180F}' => {
                Self::Selector
            }
            _ if is_forbidden(character) => Self::Forbidden,
            '\u{2800}' => Self::Space,
            _ if character.is_whitespace() => Self::Space,
            _ if unicode_normalization::char::is_combining_mark(character) => Self::Mark,
            _ => Self::Visible,
        }
    }

    /// Whether the character is there to see, alone or on another.
    fn shows(self) -> bool {
        matches!(self, Self::Visible | Self::Mark)
    }

    /// Whether the character changes how its neighbours look without being there itself.
    fn is_ignorable(self) -> bool {
        matches!(self, Self::Joiner | Self::Selector | Self::Forbidden)
    }
}

/// Unicode's `Default_Ignorable_Code_Point` (but for joiners and selectors), controls, line and
/// paragraph separators, annotation and object anchors, and noncharacters.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{200B}'
                | '\u{200E}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFC}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E00FF}'
                | '\u{E01F0}'..='\u{E0FFF}'
        )
        || u32::from(character) & 0xFFFE == 0xFFFE
}

/// A character as an error shows it: itself if it is plain ASCII, else its code point.
fn shown(character: char) -> String {
    if character.is_ascii_graphic() && character != '`' {
        format!("`{character}`")
    } else {
        format!("U+{:04X}", u32::from(character))
    }
}

/// What the tests of all types share.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_shown_as_itself_or_as_its_code_point() {
        assert_eq!(shown('_'), "`_`");
        assert_eq!(shown('`'), "U+0060");
        assert_eq!(shown(' '), "U+0020");
        assert_eq!(shown('é'), "U+00E9");
        assert_eq!(shown('\u{E0001}'), "U+E0001");
    }

    #[test]
    fn all_of_unicode_is_sorted_into_kinds() {
        let of_kind = |kind| {
            ('\0'..=char::MAX)
                .filter(move |&c| Kind::of(c) == kind)
                .count()
        };
        assert_eq!(of_kind(Kind::Joiner), 2);
        assert_eq!(of_kind(Kind::Selector), 16 + 240 + 5);
        assert!(
            ('\0'..=char::MAX)
                .filter(|c| c.is_control())
                .all(|c| Kind::of(c) == Kind::Forbidden)
        );
        assert!(
            "\u{FFFE}\u{FFFF}\u{10FFFF}\u{FDD0}"
                .chars()
                .all(|c| Kind::of(c) == Kind::Forbidden)
        );
        assert!(
            "aé1-é한אᾴ❤💡\u{FFFD}\u{E000}"
                .chars()
                .all(|c| Kind::of(c) == Kind::Visible)
        );
        assert!(
            " \u{A0}\u{3000}\u{2000}\u{2800}"
                .chars()
                .all(|c| Kind::of(c) == Kind::Space)
        );
    }
}
