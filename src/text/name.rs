//! Names, the keys by which they are unique, and lines of free text.

use serde::{Deserialize, Deserializer, de};
use unicode_normalization::UnicodeNormalization as _;

use super::{Kind, MAX_BYTES, MAX_MARKS, one_mark_too_many, shown};

/// The name of an organization or a workspace, as people write it.
///
/// It has 1 to 100 characters after white space around it is dropped and the rest is brought into
/// Unicode's normal form C, in which `é` is one character however it was typed. At least one
/// character is visible; none is a control, a bidirectional control or otherwise invisible.
/// Zero-width joiners and non-joiners, which emoji and Persian need, may stand between two visible
/// characters, and variation selectors after one.
///
/// Two names are equal (`==`) if their characters are. Where names must be *unique* they are
/// compared by their [`key`](Name::key) instead, so that `Acme` and `ACME` are not two workspaces.
///
/// # Examples
///
/// ```
/// use tenancy::Name;
///
/// let name: Name = " Straßenbau Süd ".parse()?;
/// assert_eq!(name.as_str(), "Straßenbau Süd");
/// assert_eq!(name.key(), Name::new("STRASSENBAU  SÜD")?.key());
///
/// let refusal = Name::new(&"long ".repeat(40)).unwrap_err();
/// assert_eq!(refusal.to_string(), "a name may have 1 to 100 characters, this one has 199");
/// # Ok::<(), tenancy::text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(
    // INVARIANT: `checked` with at most 100 characters.
    String,
);

impl Name {
    /// A name that was checked before.
    pub(super) const fn believed(text: String) -> Self {
        Self(text)
    }

    /// The most characters that a name may have.
    pub const MAX_LENGTH: usize = 100;

    /// Trims, normalizes and checks a name.
    ///
    /// # Errors
    ///
    /// - [`TextError::Length`]: nothing is left of it, or more than 100 characters are.
    /// - [`TextError::Character`]: it contains a control or an invisible character.
    /// - [`TextError::Misplaced`]: a joiner or a variation selector has nothing to join or to vary.
    /// - [`TextError::Invisible`]: none of its characters can be seen.
    /// - [`TextError::Marks`]: a character has more than 8 combining marks.
    pub fn new(text: &str) -> Result<Self, TextError> {
        checked(text, "a name", Self::MAX_LENGTH).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which the name is unique: names that differ only in case have the same.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

/// What must differ for two [`Name`]s to be two names.
///
/// The key leaves out what people do not hear when a name is read to them: the case of letters (`ß`
/// is `ss`, `ſ` is `s`, the Kelvin sign is `k`, `ς` is `σ`, and the Turkish `ı` is `i`), how many
/// and which white space stands between words, and invisible joiners and variation selectors.
/// Width, accents and scripts are kept: `Ａ`, `Ä` and `А` are not `A`.
///
/// The key of a key is itself, so a store may keep it, index it and read it back. Reading one back
/// computes it again: text that is not a key becomes the key of that text. There is no other
/// constructor than [`Name::key`], because a key is only worth something if every one was made in
/// the same way.
///
/// # Examples
///
/// ```
/// use tenancy::Name;
///
/// assert_eq!(Name::new("Zoë's  ΒΆΣΗΣ")?.key().as_str(), "zoë's βάσησ");
/// assert_eq!(Name::new("ﬁne")?.key(), Name::new("FINE")?.key());
/// assert_ne!(Name::new("Zoë")?.key(), Name::new("Zoe")?.key());
/// # Ok::<(), tenancy::text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(
    // INVARIANT: `NameKey::of` gives it back unchanged.
    String,
);

impl NameKey {
    /// A key that was made before, whatever today's tables would make of the name.
    pub(crate) const fn believed(key: String) -> Self {
        Self(key)
    }

    /// What a store's column holds, as it was once filed: whatever today's tables would make of it (A7).
    #[must_use]
    pub fn from_column(text: &str) -> Self {
        Self::believed(text.to_owned())
    }

    /// Whether it is the key of this name, or was one by older tables: keys are what they are once they are filed, and
    /// what is left of a difference in case goes when one is made of it anew.
    ///
    /// ```
    /// use tenancy::Name;
    ///
    /// let name = Name::new("Acme")?;
    /// assert!(name.key().is_of(&name) && !name.key().is_of(&Name::new("Acne")?));
    /// # Ok::<(), tenancy::text::TextError>(())
    /// ```
    #[must_use]
    pub fn is_of(&self, name: &Name) -> bool {
        Self::of(&self.0) == name.key()
    }

    /// The text behind all that begin with this key, byte for byte: what begins with it is from it on, and before this.
    ///
    /// ```
    /// let key = tenancy::Name::new("Acme")?.key();
    /// assert_eq!(key.end_of_prefix(), "acmf");
    /// # Ok::<(), tenancy::text::TextError>(())
    /// ```
    #[must_use]
    pub fn end_of_prefix(&self) -> String {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            let mut behind = (last..=char::MAX).skip(1);
            if let Some(next) = behind.next() {
                end.push(next);
                return end;
            }
        }
        // Of nothing but the last of all characters, which no name has.
        format!("{}{}", self.0, char::MAX)
    }

    /// The most characters that a key has: `ﬃ` is one character of a name and three of its key.
    const MAX_LENGTH: usize = Name::MAX_LENGTH * 3;

    /// Folds text that was [`checked`].
    fn of(text: &str) -> Self {
        let folded: String = text
            .nfd()
            .filter(|&character| !Kind::of(character).is_ignorable())
            .flat_map(folded)
            .nfc()
            .collect();
        Self(folded.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A character without its case.
///
/// Down, up, down: lower case alone keeps `ß`, `ſ` and `ς`, and upper case leaves `ẞ`, which is not
/// `SS` in Unicode.
fn folded(character: char) -> impl Iterator<Item = char> {
    character
        .to_lowercase()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

impl<'de> Deserialize<'de> for NameKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text =
            checked(&text, "the key of a name", Self::MAX_LENGTH).map_err(de::Error::custom)?;
        Ok(Self::of(&text))
    }
}

/// One line of free text: company and invoicing information, a contract reference, an operator's
/// label.
///
/// The same characters are allowed as in a [`Name`], up to 200 of them. There is no key: lines are
/// shown and printed, never looked up.
///
/// # Examples
///
/// ```
/// use tenancy::text::TextLine;
///
/// let street = TextLine::new("Hauptstraße 1 ")?;
/// assert_eq!(street.as_str(), "Hauptstraße 1");
///
/// assert_eq!(
///     TextLine::new("Hauptstraße 1\n12345 Ort").unwrap_err().to_string(),
///     "a line of text may not contain U+000A (character 14): control and invisible characters are refused",
/// );
/// # Ok::<(), tenancy::text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextLine(
    // INVARIANT: `checked` with at most 200 characters.
    String,
);

impl TextLine {
    /// A line that was checked before.
    pub(super) const fn believed(text: String) -> Self {
        Self(text)
    }

    /// The most characters that a line may have.
    pub const MAX_LENGTH: usize = 200;

    /// Trims, normalizes and checks a line of text.
    ///
    /// # Errors
    ///
    /// - [`TextError::Length`]: nothing is left of it, or more than 200 characters are.
    /// - [`TextError::Character`]: it contains a control, such as a line break, or an invisible
    ///   character.
    /// - [`TextError::Misplaced`]: a joiner or a variation selector has nothing to join or to vary.
    /// - [`TextError::Invisible`]: none of its characters can be seen.
    /// - [`TextError::Marks`]: a character has more than 8 combining marks.
    pub fn new(text: &str) -> Result<Self, TextError> {
        checked(text, "a line of text", Self::MAX_LENGTH).map(Self)
    }

    /// The line as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

written_as_text!(Name, NameKey, TextLine);
read_from_text!(Name: TextError, TextLine: TextError);

/// Why a text is not a [`Name`] or a [`TextLine`]. Answer with 422: the person can correct it.
///
/// Positions count the characters from 1, without the white space in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is empty or too long.
    #[error("{noun} may have 1 to {max} characters, this one has {length}")]
    Length {
        /// What was to be made of the text, as in `a name`.
        noun: &'static str,
        /// The most characters it may have.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// It contains a control character, or an invisible one that serves to deceive.
    #[error(
        "{noun} may not contain {} (character {position}): control and invisible characters are refused",
        shown(*character)
    )]
    Character {
        /// What was to be made of the text, as in `a name`.
        noun: &'static str,
        /// The first such character.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// A joiner is not between two visible characters, or a variation selector is not after one.
    #[error("{noun} may have the invisible {} only beside what it joins or varies (character {position})", shown(*character))]
    Misplaced {
        /// What was to be made of the text, as in `a name`.
        noun: &'static str,
        /// The first such character.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// More than 8 combining marks stand on one character: they draw over what is around them.
    #[error(
        "{noun} may have {MAX_MARKS} combining marks on a character, this one has more (character {position})"
    )]
    Marks {
        /// What was to be made of the text, as in `a name`.
        noun: &'static str,
        /// The position of the first that is too many.
        position: usize,
    },
    /// All its characters are blanks or marks that need another character to stand on.
    #[error("{noun} needs at least one visible character")]
    Invisible {
        /// What was to be made of the text, as in `a name`.
        noun: &'static str,
    },
}

/// Text that is good to show: trimmed, in normal form C, of 1 to `max` characters, with nothing in
/// it that hides.
fn checked(text: &str, noun: &'static str, max: usize) -> Result<String, TextError> {
    let text = text.trim();
    let length_error = |length| TextError::Length { noun, max, length };
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(length_error(text.chars().count()));
    }
    let mut before = Kind::Space;
    let mut rest = text.chars();
    for position in 1.. {
        let Some(character) = rest.next() else { break };
        let kind = Kind::of(character);
        let after = rest.clone().next().map_or(Kind::Space, Kind::of);
        let in_place = match kind {
            Kind::Forbidden => {
                return Err(TextError::Character {
                    noun,
                    character,
                    position,
                });
            }
            Kind::Joiner => (before.shows() || before == Kind::Selector) && after.shows(),
            Kind::Selector => before.shows(),
            Kind::Visible | Kind::Mark | Kind::Space => true,
        };
        if !in_place {
            return Err(TextError::Misplaced {
                noun,
                character,
                position,
            });
        }
        before = kind;
    }
    if !text
        .chars()
        .any(|character| Kind::of(character) == Kind::Visible)
    {
        return Err(TextError::Invisible { noun });
    }
    let normalized: String = text.nfc().collect();
    if let Some(position) = one_mark_too_many(&normalized) {
        return Err(TextError::Marks { noun, position });
    }
    match normalized.chars().count() {
        length if length > max => Err(length_error(length)),
        _ => Ok(normalized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        Name::new(text).unwrap_err().to_string()
    }

    fn same(one: &str, other: &str) -> bool {
        name(one).key() == name(other).key()
    }

    #[test]
    fn a_character_bears_a_few_marks_and_not_dozens() {
        for good in ["हिन्दी", "שָׁלוֹם", "ผู้", "བསྐྱོད", "Việt"]
        {
            assert_eq!(
                Name::new(good).unwrap().as_str(),
                good.nfc().collect::<String>()
            );
        }
        let marks = |count| format!("a{}", "\u{316}".repeat(count));
        assert!(Name::new(&marks(8)).is_ok());
        assert_eq!(
            refusal(&marks(9)),
            "a name may have 8 combining marks on a character, this one has more (character 10)"
        );
        assert!(Name::new(&marks(99)).is_err());
        assert!(Name::new(&format!("a{}", "\u{316}\u{FE0F}".repeat(9))).is_err());
    }

    #[test]
    fn white_space_around_a_name_is_dropped() {
        assert_eq!(
            name("\u{3000}\t Acme  Inc\u{A0}\u{2028}\n").as_str(),
            "Acme  Inc"
        );
    }

    #[test]
    fn what_begins_with_a_key_is_before_its_end_and_nothing_else_is() {
        let end = |text: &str| NameKey::from_column(text).end_of_prefix();
        assert_eq!(end("acme"), "acmf");
        assert_eq!(end("acm\u{D7FF}"), "acm\u{E000}");
        assert_eq!(end("acm\u{10FFFF}"), "acn");
        assert_eq!(end("\u{FFFF}"), "\u{10000}");
        for (prefix, next) in [("a", "b"), ("é", "ê"), ("\u{FFFC}", "\u{1F600}")] {
            let end = end(prefix);
            for longer in ["", "a", "\u{10FFFF}"] {
                assert!(format!("{prefix}{longer}") < end);
            }
            assert!(*next >= *end);
        }
    }

    #[test]
    fn a_key_of_other_tables_is_one_of_the_name_still() {
        for filed in ["straße  a", "STRASSE a", "strasse a"] {
            assert!(
                NameKey::from_column(filed).is_of(&name("Straße A")),
                "{filed}"
            );
        }
        assert!(!NameKey::from_column("strasse b").is_of(&name("Straße A")));
    }

    #[test]
    fn a_name_is_in_normal_form_c() {
        assert_eq!(name("Zoe\u{308}"), name("Zo\u{EB}"));
        assert_eq!(name("\u{212B}").as_str(), "\u{C5}");
    }

    #[test]
    fn the_length_is_1_to_100_characters_after_normalization() {
        assert_eq!(
            refusal(""),
            "a name may have 1 to 100 characters, this one has 0"
        );
        assert_eq!(
            refusal(" \n\u{3000}"),
            "a name may have 1 to 100 characters, this one has 0"
        );
        assert_eq!(
            refusal(&"a".repeat(132)),
            "a name may have 1 to 100 characters, this one has 132"
        );
        assert_eq!(name(&"e\u{301}".repeat(100)).as_str(), "é".repeat(100));
        assert_eq!(name(&"💡".repeat(100)).as_str().len(), 400);
        assert_eq!(
            refusal(&"e\u{301}".repeat(101)),
            "a name may have 1 to 100 characters, this one has 101"
        );
        assert_eq!(
            TextLine::new(&"a".repeat(201)).unwrap_err().to_string(),
            "a line of text may have 1 to 200 characters, this one has 201"
        );
        assert!(TextLine::new(&"a".repeat(200)).is_ok());
    }

    #[test]
    fn huge_text_is_refused_before_it_is_normalized() {
        assert_eq!(
            refusal(&"\u{FDFA}".repeat(1_000_000)),
            "a name may have 1 to 100 characters, this one has 1000000"
        );
        assert_eq!(
            name(&format!("{}Acme", " ".repeat(10_000))).as_str(),
            "Acme"
        );
    }

    #[test]
    fn the_bound_on_bytes_refuses_no_name_that_is_short_enough() {
        let longest_typed = ('\0'..=char::MAX)
            .map(|character| {
                let composed: String = std::iter::once(character).nfc().collect();
                let typed: String = std::iter::once(character).nfd().collect();
                typed
                    .len()
                    .max(character.len_utf8())
                    .div_ceil(composed.chars().count())
            })
            .max();
        assert!(
            longest_typed.unwrap() * TextLine::MAX_LENGTH <= MAX_BYTES,
            "{longest_typed:?}"
        );
    }

    #[test]
    fn control_and_invisible_characters_are_refused() {
        let refused = "\0\u{7}\n\u{1B}\u{7F}\u{9B}\u{AD}\u{61C}\u{115F}\u{200B}\u{200E}\u{200F}\
                       \u{2028}\u{2029}\u{202A}\u{202E}\u{2060}\u{2066}\u{2069}\u{3164}\u{FEFF}\
                       \u{FFF9}\u{FFFF}\u{E0001}\u{E007F}";
        for character in refused.chars() {
            let error = refusal(&format!("Ac{character}me"));
            let code_point = format!("U+{:04X}", u32::from(character));
            assert_eq!(
                error,
                format!(
                    "a name may not contain {code_point} (character 3): control and invisible characters are refused"
                )
            );
        }
    }

    #[test]
    fn joiners_stand_between_visible_characters() {
        for good in [
            "👩\u{200D}👩\u{200D}👧",
            "👁\u{FE0F}\u{200D}🗨\u{FE0F}",
            "می\u{200C}خواهم",
            "র\u{200D}\u{9CD}য",
            "❤\u{FE0F}",
        ] {
            assert_eq!(name(good).as_str(), good);
        }
        for (bad, joiner, position) in [
            ("\u{200D}a", "U+200D", 1),
            ("a\u{200C}", "U+200C", 2),
            ("a\u{200D}\u{200D}b", "U+200D", 2),
            ("a \u{200C}b", "U+200C", 3),
            ("a\u{200C} b", "U+200C", 2),
            ("\u{FE0F}", "U+FE0F", 1),
            ("a\u{FE0F}\u{FE0F}", "U+FE0F", 3),
        ] {
            assert_eq!(
                refusal(bad),
                format!(
                    "a name may have the invisible {joiner} only beside what it joins or varies (character {position})"
                )
            );
        }
    }

    #[test]
    fn a_name_can_be_seen() {
        for blank in ["\u{301}", "\u{2800}", "\u{2800} \u{300}\u{301}"] {
            assert_eq!(
                refusal(blank),
                "a name needs at least one visible character"
            );
        }
    }

    #[test]
    fn names_are_unique_without_case() {
        assert!(same("Acme", "aCME"));
        assert!(same("\u{212A}iel", "kiel")); // KELVIN SIGN
        assert!(same("Strasse", "straße"));
        assert!(same("Straße", "STRA\u{1E9E}E"));
        assert!(same("Coſt", "cost"));
        assert!(same("ΣΊΣΥΦΟΣ", "σίσυφος"));
        assert!(same("ﬃ", "FFI"));
        assert!(same("\u{1FB4}", "ΆΙ"));
        assert!(same("თბილისი", "ᲗᲑᲘᲚᲘᲡᲘ"));
        assert!(same("e\u{301}", "É"));
        assert!(same("a\u{345}\u{301}", "a\u{301}\u{345}"));
    }

    #[test]
    fn turkish_letters_have_the_case_of_every_locale() {
        assert!(same("ırmak", "IRMAK"));
        assert!(same("İzmir", "i\u{307}zmir"));
        assert!(!same("İzmir", "izmir"));
    }

    #[test]
    fn names_are_unique_without_what_is_not_seen() {
        assert!(same("Acme  \u{3000}Inc", "acme inc"));
        assert!(same("Ac\u{200D}me", "acme"));
        assert!(same("Ac\u{200C}me", "acme"));
        assert!(same("❤\u{FE0F}", "❤"));
    }

    #[test]
    fn accents_width_and_scripts_make_other_names() {
        assert!(!same("Zoë", "Zoe"));
        assert!(!same("Ａcme", "Acme"));
        assert!(!same("\u{410}cme", "Acme")); // CYRILLIC A
    }

    #[test]
    fn names_and_keys_read_back_from_json() {
        let name: Name = serde_json::from_str("\" Straße \"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Straße\"");
        assert_eq!(serde_json::to_string(&name.key()).unwrap(), "\"strasse\"");
        assert_eq!(
            serde_json::from_str::<NameKey>("\"STRAßE\"").unwrap(),
            name.key()
        );
        assert_eq!(
            serde_json::from_str::<Name>("\"\"")
                .unwrap_err()
                .to_string(),
            "a name may have 1 to 100 characters, this one has 0"
        );
        assert!(serde_json::from_str::<NameKey>("\"\"").is_err());
    }

    #[test]
    fn the_longest_key_reads_back() {
        let key = name(&"ﬃ".repeat(100)).key();
        assert_eq!(key.as_str().len(), 300);
        assert_eq!(
            serde_json::from_str::<NameKey>(&serde_json::to_string(&key).unwrap()).unwrap(),
            key
        );
    }

    #[test]
    fn every_character_of_unicode_is_a_good_name_or_refused() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            match Name::new(&text) {
                Ok(name) => {
                    assert_eq!(Kind::of(character), Kind::Visible, "{character:?}");
                    let key = name.key();
                    let forms = [text.to_uppercase(), text.to_lowercase(), key.to_string()];
                    for form in forms.iter().filter(|&form| *form != text) {
                        assert_eq!(NameKey::of(form), key, "{character:?} {form:?}");
                    }
                    let length = key.as_str().chars().count();
                    assert!((1..=3).contains(&length), "{character:?}");
                }
                Err(error) => assert!(
                    !error.to_string().contains(char::is_control),
                    "{character:?}"
                ),
            }
        }
    }
}
