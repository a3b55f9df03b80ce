//! The name of a domain: one lower-case DNS label.

use super::shown;

/// The name of a domain: one lower-case DNS label, because it becomes part of an address.
///
/// It has 1 to 63 characters of `a`–`z`, `0`–`9` and `-`, does not start or end with `-` (RFC 1035,
/// RFC 1123), and does not have `--` as its third and fourth characters: such labels are reserved
/// (RFC 5891), `xn--` ones most of all, since a browser shows them as other letters.
///
/// Upper case is refused rather than folded: the name that a customer writes into their
/// configuration is the one that they gave, to the letter. Two names are the same if their
/// characters are.
///
/// # Examples
///
/// ```
/// use tenancy::DomainName;
///
/// let name = DomainName::new("acme-staging")?;
/// assert_eq!(name.as_str(), "acme-staging");
///
/// assert_eq!(
///     DomainName::new("Acme").unwrap_err().to_string(),
///     "a domain name is written in lower case, unlike `A` (character 1)",
/// );
/// # Ok::<(), tenancy::text::DomainNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(
    // INVARIANT: an LDH label in lower case that is not a reserved one, see `new`.
    String,
);

impl DomainName {
    /// A name that was checked before.
    pub(crate) const fn believed(text: String) -> Self {
        Self(text)
    }

    /// A name as one was once let in, by whatever rules held then (A7): as [`new`](Self::new), but that anything else
    /// which is printable ASCII is believed too. No rules ever let in more.
    pub(crate) fn once_let_in(text: &str) -> Result<Self, DomainNameError> {
        Self::new(text).or_else(|refused| {
            let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
            let fits = (1..=Self::MAX_LENGTH).contains(&text.len());
            if printable && fits {
                Ok(Self::believed(text.to_owned()))
            } else {
                Err(refused)
            }
        })
    }

    /// What a store's column holds, as a name was once let in (A7); `None` if no rules ever let that in.
    #[must_use]
    pub fn from_column(text: &str) -> Option<Self> {
        Self::once_let_in(text).ok()
    }

    /// The most characters that a domain name may have.
    pub const MAX_LENGTH: usize = 63;

    /// Checks a domain name.
    ///
    /// # Errors
    ///
    /// - [`DomainNameError::Length`]: it is empty or has more than 63 characters.
    /// - [`DomainNameError::UpperCase`]: it contains one of `A`–`Z`.
    /// - [`DomainNameError::Character`]: it contains another character than `a`–`z`, `0`–`9` and
    ///   `-`; white space around it counts.
    /// - [`DomainNameError::Hyphen`]: it starts or ends with `-`.
    /// - [`DomainNameError::Reserved`]: its third and fourth characters are `--`.
    pub fn new(text: &str) -> Result<Self, DomainNameError> {
        let length = text.chars().count();
        if length == 0 || length > Self::MAX_LENGTH {
            return Err(DomainNameError::Length { length });
        }
        for (position, character) in (1..).zip(text.chars()) {
            match character {
                'a'..='z' | '0'..='9' | '-' => {}
                'A'..='Z' => {
                    return Err(DomainNameError::UpperCase {
                        character,
                        position,
                    });
                }
                _ => {
                    return Err(DomainNameError::Character {
                        character,
                        position,
                    });
                }
            }
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(DomainNameError::Hyphen);
        }
        if text.get(2..4) == Some("--") {
            return Err(DomainNameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

written_as_text!(DomainName);
read_from_text!(DomainName: DomainNameError);

/// Why a text is not a [`DomainName`]. Answer with 422: the person can correct it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainNameError {
    /// It is empty or too long.
    #[error("a domain name may have 1 to 63 characters, this one has {length}")]
    Length {
        /// How many characters it has.
        length: usize,
    },
    /// It is not in lower case.
    #[error("a domain name is written in lower case, unlike {} (character {position})", shown(*character))]
    UpperCase {
        /// The first letter in upper case.
        character: char,
        /// Where it is, counted from 1.
        position: usize,
    },
    /// It contains a character that no domain name has.
    #[error("a domain name may have only a-z, 0-9 and `-`, not {} (character {position})", shown(*character))]
    Character {
        /// The first such character.
        character: char,
        /// Where it is, counted from 1.
        position: usize,
    },
    /// It starts or ends with a hyphen.
    #[error("a domain name may not start or end with `-`")]
    Hyphen,
    /// Its third and fourth characters are hyphens, as in `xn--`.
    #[error(
        "a domain name may not have `--` as its third and fourth characters, such names are reserved"
    )]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        DomainName::new(text).unwrap_err().to_string()
    }

    #[test]
    fn labels_are_domain_names() {
        for label in [
            "a",
            "0",
            "acme",
            "acme-prod-2",
            "a--b",
            "abc--d",
            "3com",
            &"a".repeat(63),
        ] {
            assert_eq!(DomainName::new(label).unwrap().as_str(), label);
        }
    }

    #[test]
    fn the_length_is_1_to_63() {
        assert_eq!(
            refusal(""),
            "a domain name may have 1 to 63 characters, this one has 0"
        );
        assert_eq!(
            refusal(&"a".repeat(64)),
            "a domain name may have 1 to 63 characters, this one has 64"
        );
        assert_eq!(
            refusal(&"é".repeat(64)),
            "a domain name may have 1 to 63 characters, this one has 64"
        );
    }

    #[test]
    fn upper_case_is_refused_not_folded() {
        assert_eq!(
            refusal("acmE"),
            "a domain name is written in lower case, unlike `E` (character 4)"
        );
    }

    #[test]
    fn other_characters_are_refused() {
        let only = "a domain name may have only a-z, 0-9 and `-`, not";
        assert_eq!(refusal("a_b"), format!("{only} `_` (character 2)"));
        assert_eq!(refusal("a.b"), format!("{only} `.` (character 2)"));
        assert_eq!(refusal(" ab"), format!("{only} U+0020 (character 1)"));
        assert_eq!(refusal("ab\n"), format!("{only} U+000A (character 3)"));
        assert_eq!(
            refusal("b\u{fc}cher"),
            format!("{only} U+00FC (character 2)")
        );
        assert_eq!(refusal("\u{212A}"), format!("{only} U+212A (character 1)"));
        assert_eq!(refusal("\u{FF41}"), format!("{only} U+FF41 (character 1)"));
    }

    #[test]
    fn hyphens_at_either_end_are_refused() {
        for text in ["-", "-a", "a-", "--", "xn--"] {
            assert_eq!(refusal(text), "a domain name may not start or end with `-`");
        }
    }

    #[test]
    fn reserved_labels_are_refused() {
        for text in ["xn--bcher-kva", "ab--c", "a---b"] {
            assert_eq!(
                refusal(text),
                "a domain name may not have `--` as its third and fourth characters, such names are reserved"
            );
        }
    }

    #[test]
    fn a_domain_name_is_read_from_json_through_the_same_checks() {
        let name: DomainName = serde_json::from_str("\"acme\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"acme\"");
        assert!(serde_json::from_str::<DomainName>("\"Acme\"").is_err());
    }
}
