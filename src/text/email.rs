//! E-mail addresses: as typed, in their normal form, and verified.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use email_address::{EmailAddress as Syntax, Options};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, de};

use unicode_normalization::UnicodeNormalization as _;

use super::{Kind, MAX_MARKS, one_mark_too_many, shown};

/// An e-mail address: what was typed, and the one normal form by which it is stored, unique and
/// matched.
///
/// What was typed is kept for showing and for sending; [`key`](EmailAddress::key) is the normal
/// form. Two addresses are equal (`==`, `Ord`, `Hash`) if their keys are: an invitation to
/// `Ann@Example.com` is for `ann@example.com`.
///
/// # The normal form
///
/// - The part after `@` goes through IDNA (UTS 46) to lower-case ASCII: `Bücher.example`,
///   `BÜCHER.EXAMPLE` and `xn--bcher-kva.example` are one domain.
/// - The part before `@` is brought into Unicode's normal form C, in which `é` is one character however
///   it was typed, and has `A`–`Z` in lower case. Beyond that nothing is folded, for there the mail
///   provider alone knows what is one mailbox. A character that is not in normal form by itself, such as
///   the Kelvin sign, is refused: its owner would read the mail of `k`.
/// - Dots and `+tags` before `@` are kept, for the same reason.
///
/// # What is refused
///
/// Legal but dangerous forms, because two programs read them in two ways: quoted local parts such as
/// `"a b"@example.com`, comments, display names as in `Ann <ann@example.com>`, network addresses
/// for domains, domains of one label, and a dot at the end. So are control and invisible
/// characters, but for a joiner that IDNA allows where it stands. Domains that end in a number are
/// refused, decimal or hexadecimal, and `%` and `!` before the `@`. Beyond ASCII the part before `@` may
/// have letters, digits, and the marks that words are written with.
///
/// # Examples
///
/// ```
/// use tenancy::EmailAddress;
///
/// let typed = EmailAddress::new(" Ann.Lee@Example.COM ")?;
/// assert_eq!(typed.to_string(), "Ann.Lee@Example.COM");
/// assert_eq!(typed.key().as_str(), "ann.lee@example.com");
/// assert_eq!(typed, EmailAddress::new("ann.lee@example.com")?);
///
/// assert_eq!(
///     EmailAddress::new("ann@localhost").unwrap_err().to_string(),
///     "the part after `@` needs at least two labels, as in `example.com`",
/// );
/// # Ok::<(), tenancy::text::EmailError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmailAddress {
    typed: String,
    // INVARIANT: the normal form of `typed`.
    key: EmailKey,
}

impl EmailAddress {
    /// The most bytes that an address may have, as typed and in its normal form.
    pub const MAX_BYTES: usize = 254;

    /// The most bytes that may stand before the `@`.
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Trims and checks an address, and finds its normal form.
    ///
    /// # Errors
    ///
    /// - [`EmailError::Empty`]: there is nothing but white space.
    /// - [`EmailError::TooLong`]: it has more than 254 bytes, as typed or in its normal form.
    /// - [`EmailError::Brackets`]: it contains `<` or `>`, as around an address with a display
    ///   name.
    /// - [`EmailError::NoAt`]: it has no `@`.
    /// - [`EmailError::Character`]: a control or an invisible character is in it, or one before the
    ///   `@` that may not be there.
    /// - [`EmailError::LocalEmpty`], [`EmailError::LocalTooLong`]: the part before `@` is empty, or
    ///   has more than 64 bytes in its normal form.
    /// - [`EmailError::LocalQuoted`]: the part before `@` is in quotation marks.
    /// - [`EmailError::LocalRoute`]: the part before `@` contains `%` or `!`.
    /// - [`EmailError::Marks`]: a character before the `@` has more than 8 combining marks.
    /// - [`EmailError::LocalDots`]: the part before `@` starts or ends with a dot, or has two in a
    ///   row.
    /// - [`EmailError::DomainEmpty`]: nothing follows the `@`.
    /// - [`EmailError::DomainAddress`]: a network address follows the `@`.
    /// - [`EmailError::DomainSingle`]: only one label follows the `@`.
    /// - [`EmailError::DomainDot`]: it ends with a dot.
    /// - [`EmailError::Domain`]: what follows the `@` is not a domain name.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        let typed = text.trim();
        bounded(typed)?;
        let (local, domain) = split(typed)?;
        let local = normal_local(local)?;
        let ascii = ascii_domain(domain)?;
        let key = format!("{}@{ascii}", local.to_ascii_lowercase());
        bounded(&key)?;
        // The rules above are ours; that what they leave is an address is for the crate that knows
        // RFC 5321 to say.
        let options = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        // The part before the `@` was judged above; of marks, the crate knows nothing.
        if Syntax::parse_with_options(&format!("a@{ascii}"), options).is_err() {
            return Err(EmailError::Domain {
                domain: domain.to_owned(),
            });
        }
        Ok(Self {
            typed: typed.to_owned(),
            key: EmailKey(key),
        })
    }

    /// An address that was checked before, with the normal form that was found then.
    pub(super) const fn believed(typed: String, key: String) -> Self {
        Self {
            typed,
            key: EmailKey(key),
        }
    }

    /// Whether it is the same to the letter: equal addresses may be typed in two ways.
    pub(crate) fn is_typed_as(&self, other: &Self) -> bool {
        self.typed == other.typed && self.key == other.key
    }

    /// The address as it was typed, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The normal form.
    #[must_use]
    pub fn key(&self) -> &EmailKey {
        &self.key
    }
}

/// Refuses an address that is empty or too long for SMTP.
fn bounded(address: &str) -> Result<(), EmailError> {
    match address.len() {
        0 => Err(EmailError::Empty),
        length if length > EmailAddress::MAX_BYTES => Err(EmailError::TooLong { length }),
        _ => Ok(()),
    }
}

/// The parts before and after the last `@`, of an address in which nothing hides.
fn split(typed: &str) -> Result<(&str, &str), EmailError> {
    for (position, character) in (1..).zip(typed.chars()) {
        // IDNA would drop a selector in silence, and what is shown would not be what mail is sent to.
        if matches!(Kind::of(character), Kind::Forbidden | Kind::Selector) {
            return Err(EmailError::Character {
                character,
                position,
            });
        }
    }
    if typed.contains(['<', '>']) {
        return Err(EmailError::Brackets);
    }
    typed.rsplit_once('@').ok_or(EmailError::NoAt)
}

/// The part before `@` in normal form C, in which it is judged, however it was typed.
fn normal_local(typed: &str) -> Result<String, EmailError> {
    for (position, character) in (1..).zip(typed.chars()) {
        if is_another(character) {
            return Err(EmailError::Character {
                character,
                position,
            });
        }
    }
    let local: String = typed.nfc().collect();
    match check_local(&local) {
        Ok(()) => Ok(local),
        Err(EmailError::Character {
            character,
            position,
        }) => Err(EmailError::Character {
            character,
            position: position_as_typed(typed, &local, position),
        }),
        Err(EmailError::Marks { position }) => Err(EmailError::Marks {
            position: position_as_typed(typed, &local, position),
        }),
        Err(other) => Err(other),
    }
}

/// The position, from 1, of what was typed at a position of its normal form.
fn position_as_typed(typed: &str, normal: &str, position: usize) -> usize {
    let parts = |text: &str| text.nfd().count();
    let before: String = normal.chars().take(position.saturating_sub(1)).collect();
    let before = parts(&before);
    let mut seen = 0_usize;
    let mut characters = (1..).zip(typed.chars());
    let found = characters.find(|(_, character)| {
        seen = seen.saturating_add(parts(character.encode_utf8(&mut [0; 4])));
        seen > before
    });
    found.map_or(position, |(position, _)| position)
}

/// Checks the part before `@`, in normal form C.
fn check_local(local: &str) -> Result<(), EmailError> {
    if local.is_empty() {
        return Err(EmailError::LocalEmpty);
    }
    if local.len() > EmailAddress::MAX_LOCAL_BYTES {
        return Err(EmailError::LocalTooLong {
            length: local.len(),
        });
    }
    if local.starts_with('"') && local.ends_with('"') {
        return Err(EmailError::LocalQuoted);
    }
    let mut before = '.';
    for (position, character) in (1..).zip(local.chars()) {
        if matches!(character, '%' | '!') {
            return Err(EmailError::LocalRoute { character });
        }
        let is_good = match Kind::of(character) {
            // On a letter, a digit or another mark, as words are written with.
            Kind::Mark => before.is_alphanumeric() || Kind::of(before) == Kind::Mark,
            // The crate judges a part at a time, so a character that is no part by itself is the one
            // that it minds.
            _ => {
                character == '.' || Syntax::is_valid_local_part(character.encode_utf8(&mut [0; 4]))
            }
        };
        if !is_good {
            return Err(EmailError::Character {
                character,
                position,
            });
        }
        before = character;
    }
    if let Some(position) = one_mark_too_many(local) {
        return Err(EmailError::Marks { position });
    }
    if local.split('.').any(str::is_empty) {
        return Err(EmailError::LocalDots);
    }
    Ok(())
}

/// Whether normal form C makes one other character of this one. Such a one, as the Kelvin sign, is the other to some
/// programs and not to others, so that one mailbox would have two owners. What it takes apart (`क़`, a letter and a point) or
/// puts together is the same to whoever reads it.
fn is_another(character: char) -> bool {
    let mut normal = core::iter::once(character).nfc();
    normal.next() != Some(character) && normal.next().is_none()
}

/// Whether a label is a number, decimal or hexadecimal, as in a network address (`127.0.0.0x1`): browsers
/// and resolvers take a domain that ends in one for an address.
fn is_number(label: &str) -> bool {
    let digits = label.strip_prefix("0x");
    digits.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

/// The domain in lower-case ASCII, as the DNS knows it.
fn ascii_domain(domain: &str) -> Result<Cow<'_, str>, EmailError> {
    if domain.is_empty() {
        return Err(EmailError::DomainEmpty);
    }
    if domain.starts_with('[') {
        return Err(EmailError::DomainAddress);
    }
    // Lengths are left to the checks of the whole, which say what is too long. Hyphens are checked
    // at the ends of labels only: real mail domains do have `--` in third place, and another
    // registry's leniency makes no two addresses one.
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Ignore,
        )
        .map_err(|_| EmailError::Domain {
            domain: domain.to_owned(),
        })?;
    if ascii.ends_with('.') {
        return Err(EmailError::DomainDot);
    }
    match ascii.rsplit_once('.') {
        None => Err(EmailError::DomainSingle),
        // No top-level domain is a number, but `127.0.0.1` would pass for a name.
        Some((_, top)) if is_number(top) => Err(EmailError::DomainAddress),
        Some(_) => Ok(ascii),
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// The normal form of an [`EmailAddress`], in which addresses are stored, unique and matched.
///
/// Its domain is in lower-case ASCII and the letters `A`–`Z` before the `@` are in lower case. It
/// is itself an address, with itself as its normal form. It is made by [`EmailAddress::key`], and
/// read back by a store through the same checks; there is no other constructor.
///
/// # Examples
///
/// ```
/// use tenancy::EmailAddress;
///
/// let key = EmailAddress::new("ANN@BÜCHER.example")?.key().clone();
/// assert_eq!(key.to_string(), "ann@xn--bcher-kva.example");
/// assert_eq!(EmailAddress::new(key.as_str())?.key(), &key);
/// # Ok::<(), tenancy::text::EmailError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailKey(
    // INVARIANT: an address that is its own normal form.
    String,
);

impl EmailKey {
    /// A normal form that was found before.
    pub(super) const fn believed(key: String) -> Self {
        Self(key)
    }

    /// The normal form as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EmailKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        EmailAddress::new(&text)
            .map(|address| address.key)
            .map_err(de::Error::custom)
    }
}

/// An e-mail address that the host attests its user controls.
///
/// An invitation is accepted only by someone with the invited address, verified. This type is how a
/// host says so: it made the user follow a link sent to that address, or an identity provider that
/// it trusts for that domain said `email_verified`.
///
/// [`attest`](VerifiedEmail::attest) is the only way to one. There is no `FromStr`, no `From`, no
/// `Deserialize`, and no `Serialize` that would ask for one: a request body must not be able to
/// attest, and no line of a host's code should by accident.
///
/// # Examples
///
/// ```
/// use tenancy::{EmailAddress, VerifiedEmail};
///
/// # struct Session { email: EmailAddress, email_verified: bool }
/// # let session = Session { email: EmailAddress::new("ann@example.com")?, email_verified: true };
/// let verified = session.email_verified.then(|| VerifiedEmail::attest(session.email));
/// assert_eq!(verified.unwrap().key().as_str(), "ann@example.com");
/// # Ok::<(), tenancy::text::EmailError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEmail(EmailAddress);

/// A verified address in a request's digest: as it was typed.
pub(crate) fn attested<S: serde::Serializer>(
    email: &VerifiedEmail,
    to: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(email.address(), to)
}

impl VerifiedEmail {
    /// States that the user who is signed in controls the address.
    #[must_use]
    pub fn attest(address: EmailAddress) -> Self {
        Self(address)
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &EmailAddress {
        &self.0
    }

    /// The normal form of the address.
    #[must_use]
    pub fn key(&self) -> &EmailKey {
        self.0.key()
    }
}

written_as_text!(EmailAddress, EmailKey);
read_from_text!(EmailAddress: EmailError);

/// Why a text is not an [`EmailAddress`]. Answer with 422: the person can correct it.
///
/// Positions count the characters from 1, without the white space in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// There is nothing but white space.
    #[error("an e-mail address is needed, this one is empty")]
    Empty,
    /// It is too long, as typed or in its normal form.
    #[error("an e-mail address may have at most 254 bytes, this one has {length}")]
    TooLong {
        /// How many bytes it has.
        length: usize,
    },
    /// It contains an angle bracket, as around an address with a display name.
    #[error("an e-mail address is written without a display name and without `<` and `>`")]
    Brackets,
    /// It has no `@`.
    #[error("an e-mail address needs an `@`")]
    NoAt,
    /// It contains a character that may not be there.
    #[error("an e-mail address may not contain {} there (character {position})", shown(*character))]
    Character {
        /// The first such character.
        character: char,
        /// Where it is.
        position: usize,
    },
    /// Nothing stands before the `@`.
    #[error("the part before `@` is empty")]
    LocalEmpty,
    /// Too much stands before the `@`.
    #[error("the part before `@` may have at most 64 bytes, this one has {length}")]
    LocalTooLong {
        /// How many bytes it has.
        length: usize,
    },
    /// The part before the `@` is in quotation marks.
    #[error(
        "the part before `@` may not be in quotation marks, mail programs disagree on what they mean"
    )]
    LocalQuoted,
    /// The part before `@` contains `%` or `!`, by which mail was once routed through other hosts.
    #[error(
        "the part before `@` may not contain `{character}`: some mail servers take what follows for another address"
    )]
    LocalRoute {
        /// Which of the two.
        character: char,
    },
    /// More than 8 combining marks stand on one character before the `@`.
    #[error("a character may have {MAX_MARKS} combining marks (character {position})")]
    Marks {
        /// The position of the first that is too many, from 1.
        position: usize,
    },
    /// The part before the `@` has a dot too many.
    #[error("the part before `@` may not start or end with a dot, nor have two in a row")]
    LocalDots,
    /// Nothing stands after the `@`.
    #[error("the part after `@` is empty")]
    DomainEmpty,
    /// A network address stands after the `@`.
    #[error("the part after `@` must be a domain name, not a network address")]
    DomainAddress,
    /// Only one label stands after the `@`.
    #[error("the part after `@` needs at least two labels, as in `example.com`")]
    DomainSingle,
    /// The domain ends with a dot.
    #[error("the part after `@` may not end with a dot")]
    DomainDot,
    /// What stands after the `@` is not a domain name, by the rules of DNS or of IDNA.
    #[error("`{}` is not a domain name", domain.escape_debug())]
    Domain {
        /// What stands after the `@`, as it was typed.
        domain: String,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::new(text).unwrap()
    }

    fn key(text: &str) -> String {
        address(text).key().to_string()
    }

    fn refusal(text: &str) -> String {
        EmailAddress::new(text).unwrap_err().to_string()
    }

    #[test]
    fn what_was_typed_is_kept_and_the_key_is_in_lower_case() {
        let typed = address("\tAnn.Lee+Acme@Example.COM\n");
        assert_eq!(typed.as_str(), "Ann.Lee+Acme@Example.COM");
        assert_eq!(typed.to_string(), "Ann.Lee+Acme@Example.COM");
        assert_eq!(typed.key().as_str(), "ann.lee+acme@example.com");
        assert_eq!(typed, address("ann.lee+acme@example.com"));
        assert_ne!(typed, address("annlee@example.com"));
    }

    #[test]
    fn every_form_of_one_domain_has_one_key() {
        for domain in [
            "Bücher.example",
            "BÜCHER.EXAMPLE",
            "bu\u{308}cher.example",
            "xn--bcher-kva.example",
            "XN--BCHER-KVA.example",
            "bücher。example",
            "ｂücher.example",
        ] {
            assert_eq!(
                key(&format!("a@{domain}")),
                "a@xn--bcher-kva.example",
                "{domain}"
            );
        }
        assert_eq!(key("a@straße.de"), "a@xn--strae-oqa.de");
        assert_eq!(key("a@STRASSE.de"), "a@strasse.de");
        assert_eq!(key("a@\u{212A}iel.de"), "a@kiel.de"); // KELVIN SIGN: a domain has no such letter
        assert_eq!(key("a@ab--cd.com"), "a@ab--cd.com");
    }

    #[test]
    fn beyond_ascii_the_local_part_is_compared_byte_for_byte() {
        for (one, other) in [
            ("ſ", "s"),
            ("ı", "i"),
            ("İ", "i"),
            ("ß", "ss"),
            ("ﬁ", "fi"),
            ("Ａ", "a"),
            ("Ａ", "ａ"),
            ("É", "é"),
        ] {
            assert_ne!(
                address(&format!("{one}@x.io")),
                address(&format!("{other}@x.io")),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn emptiness_is_refused() {
        assert_eq!(
            refusal(" \n"),
            "an e-mail address is needed, this one is empty"
        );
        assert_eq!(refusal("@x.io"), "the part before `@` is empty");
        assert_eq!(refusal("ann@"), "the part after `@` is empty");
        assert_eq!(refusal("@"), "the part before `@` is empty");
        assert_eq!(refusal("ann.x.io"), "an e-mail address needs an `@`");
        assert_eq!(refusal("ann＠x.io"), "an e-mail address needs an `@`");
    }

    #[test]
    fn the_lengths_are_those_of_smtp() {
        let local = "a".repeat(64);
        let domain = |length| format!("{0}.{0}.{1}.io", "d".repeat(63), "d".repeat(length));
        assert_eq!(key(&format!("{local}@{}", domain(58))).len(), 254);
        assert_eq!(
            refusal(&format!("{local}@{}", domain(59))),
            "an e-mail address may have at most 254 bytes, this one has 255"
        );
        assert_eq!(
            refusal(&format!("{local}a@x.io")),
            "the part before `@` may have at most 64 bytes, this one has 65"
        );
        assert_eq!(
            refusal(&format!("{}@x.io", "é".repeat(33))),
            "the part before `@` may have at most 64 bytes, this one has 66"
        );
        assert_eq!(
            refusal(&"a".repeat(5000)),
            "an e-mail address may have at most 254 bytes, this one has 5000"
        );
    }

    #[test]
    fn the_normal_form_is_measured_too() {
        let typed = format!("a@{}com", "ü.".repeat(40));
        assert_eq!(typed.len(), 125);
        assert_eq!(
            refusal(&typed),
            "an e-mail address may have at most 254 bytes, this one has 325"
        );
        let label = "öäüß".repeat(7);
        assert_eq!(label.len(), 56);
        assert_eq!(
            refusal(&format!("a@{label}{label}.io")),
            format!("`{label}{label}.io` is not a domain name")
        );
    }

    #[test]
    fn a_display_name_is_refused() {
        for text in ["Ann <ann@x.io>", "<ann@x.io>", "ann@x.io>"] {
            assert_eq!(
                refusal(text),
                "an e-mail address is written without a display name and without `<` and `>`"
            );
        }
    }

    #[test]
    fn a_quoted_local_part_is_refused() {
        for text in ["\"a b\"@x.io", "\"a\"@x.io", "\"a@b\"@x.io", "\"@x.io"] {
            assert_eq!(
                refusal(text),
                "the part before `@` may not be in quotation marks, mail programs disagree on what they mean"
            );
        }
    }

    #[test]
    fn other_characters_are_refused_where_they_stand() {
        for (text, character, position) in [
            ("a b@x.io", "U+0020", 2),
            ("a\"b@x.io", "`\"`", 2),
            ("(ann)a@x.io", "`(`", 1),
            ("a@b@x.io", "`@`", 2),
            ("a,b@x.io", "`,`", 2),
            ("a\0b@x.io", "U+0000", 2),
            ("a\r\nBcc: b@x.io", "U+000D", 2),
            ("a\u{202E}b@x.io", "U+202E", 2),
            ("a\u{200B}b@x.io", "U+200B", 2),
            ("a\u{200D}b@x.io", "U+200D", 2),
            ("a\u{FE0F}b@x.io", "U+FE0F", 2),
            ("a\u{3164}@x.io", "U+3164", 2),
            ("\u{301}e@x.io", "U+0301", 1),
            ("a.\u{301}@x.io", "U+0301", 3),
            ("\u{212A}@x.io", "U+212A", 1), // KELVIN SIGN, which is `K` to some programs
            ("\u{212B}@x.io", "U+212B", 1), // ANGSTROM SIGN
            // Where it was typed, and not where it stands in normal form.
            ("e\u{301}e\u{301}❤@x.io", "U+2764", 5),
            ("\u{958}a b@x.io", "U+0020", 3),
            ("\u{2126}@x.io", "U+2126", 1), // OHM SIGN
            ("❤@x.io", "U+2764", 1),
            ("ann@x\u{AD}y.io", "U+00AD", 6),
            ("ann@x.\u{202E}io", "U+202E", 7),
            ("ann@❤\u{FE0F}.io", "U+FE0F", 6),
            ("ann@x\n.io", "U+000A", 6),
        ] {
            assert_eq!(
                refusal(text),
                format!(
                    "an e-mail address may not contain {character} there (character {position})"
                )
            );
        }
    }

    /// Normal form first, then the rules: whatever it makes of a character is judged as that is, but for one that is
    /// another character by itself.
    #[test]
    fn every_character_is_judged_as_its_normal_form_is() {
        use unicode_normalization::UnicodeNormalization as _;

        let (mut another, mut apart) = (0, 0);
        for character in ('\0'..=char::MAX).filter(|character| !character.is_ascii()) {
            let normal: String = core::iter::once(character).nfc().collect();
            if normal.chars().eq([character]) {
                continue;
            }
            let [typed, formed] = [character.to_string(), normal.clone()]
                .map(|part| EmailAddress::new(&format!("a{part}@example.com")));
            let is_another = normal.chars().count() == 1;
            if is_another {
                assert!(typed.is_err(), "{character:?}");
            } else {
                assert_eq!(typed.is_ok(), formed.is_ok(), "{character:?}");
            }
            another += usize::from(is_another);
            if let (Ok(typed), Ok(formed)) = (typed, formed) {
                assert_eq!(typed.key(), formed.key(), "{character:?}");
                apart += 1;
            }
            // Names take the other one for what it is.
            let [typed, formed] = [character.to_string(), normal]
                .map(|part| crate::text::Name::new(&format!("a{part}")));
            assert_eq!(typed.ok(), formed.ok(), "{character:?}");
        }
        assert!(another > 1_000 && apart > 20, "{another}, {apart}");
    }

    #[test]
    fn the_part_before_the_at_is_as_long_as_its_normal_form() {
        let typed = "e\u{301}".repeat(32); // 96 bytes typed, 64 in normal form
        assert!(EmailAddress::new(&format!("{typed}@x.io")).is_ok());
        let refused = EmailAddress::new(&format!("{typed}e@x.io")).unwrap_err();
        assert_eq!(refused, EmailError::LocalTooLong { length: 65 });
        let longer = "\u{958}".repeat(21); // 63 bytes typed, 126 in normal form
        let refused = EmailAddress::new(&format!("{longer}@x.io")).unwrap_err();
        assert_eq!(refused, EmailError::LocalTooLong { length: 126 });
    }

    #[test]
    fn words_are_written_with_marks_and_have_one_key_however_typed() {
        assert_eq!(key("संपर्क@example.com"), "संपर्क@example.com");
        assert_eq!(key("mu\u{308}ller@x.io"), key("müller@x.io"));
        assert_eq!(address("mu\u{308}ller@x.io").as_str(), "mu\u{308}ller@x.io");
        assert_eq!(
            refusal(&format!("a{}@x.io", "\u{316}".repeat(9))),
            "a character may have 8 combining marks (character 10)"
        );
    }

    #[test]
    fn routes_through_other_hosts_are_refused() {
        for (text, character) in [
            ("mallory%evil.example@acme.example", '%'),
            ("a!b@x.io", '!'),
        ] {
            assert_eq!(
                refusal(text),
                format!(
                    "the part before `@` may not contain `{character}`: some mail servers take what follows for another address"
                )
            );
        }
    }

    #[test]
    fn dots_too_many_are_refused() {
        for text in [".a@x.io", "a.@x.io", "a..b@x.io", ".@x.io"] {
            assert_eq!(
                refusal(text),
                "the part before `@` may not start or end with a dot, nor have two in a row"
            );
        }
        for text in ["ann@x.io.", "ann@x.io。", "ann@localhost."] {
            assert_eq!(refusal(text), "the part after `@` may not end with a dot");
        }
    }

    #[test]
    fn a_network_address_is_refused() {
        for text in [
            "ann@[127.0.0.1]",
            "ann@127.0.0.0x1",
            "ann@127.0.0.0X1",
            "ann@1.0x",
            "ann@example.0x7f",
            "ann@[IPv6:::1]",
            "ann@127.0.0.1",
            "ann@１２７.1",
        ] {
            assert_eq!(
                refusal(text),
                "the part after `@` must be a domain name, not a network address"
            );
        }
    }

    #[test]
    fn a_single_label_is_refused() {
        assert_eq!(
            refusal("ann@localhost"),
            "the part after `@` needs at least two labels, as in `example.com`"
        );
    }

    #[test]
    fn what_is_no_domain_name_is_refused() {
        for domain in [
            "x..io",
            ".x.io",
            "-x.io",
            "x-.io",
            "x_y.io",
            "x y.io",
            "x!.io",
            "xn--a.io",
            "xn--x-.io",
            "xn--zzzzzz99999.io",
            "אa.io",
            "\u{200D}x.io",
        ] {
            assert_eq!(
                refusal(&format!("ann@{domain}")),
                format!("`{}` is not a domain name", domain.escape_debug())
            );
        }
        assert_eq!(
            refusal(&format!("a@{}.io", "x".repeat(64))),
            format!("`{}.io` is not a domain name", "x".repeat(64))
        );
    }

    #[test]
    fn addresses_and_keys_read_back_from_json() {
        let typed: EmailAddress = serde_json::from_str("\" Ann@BÜCHER.example\"").unwrap();
        assert_eq!(
            serde_json::to_string(&typed).unwrap(),
            "\"Ann@BÜCHER.example\""
        );
        assert_eq!(
            serde_json::to_string(typed.key()).unwrap(),
            "\"ann@xn--bcher-kva.example\""
        );
        assert_eq!(
            &serde_json::from_str::<EmailKey>("\"Ann@BÜCHER.example\"").unwrap(),
            typed.key()
        );
        assert_eq!(
            serde_json::from_str::<EmailKey>("\"ann\"")
                .unwrap_err()
                .to_string(),
            "an e-mail address needs an `@`"
        );
        assert!(serde_json::from_str::<EmailAddress>("\"ann\"").is_err());
    }

    #[test]
    fn a_verified_address_is_the_one_attested() {
        let verified = VerifiedEmail::attest(address("Ann@X.io"));
        assert_eq!(verified.address().as_str(), "Ann@X.io");
        assert_eq!(verified.key().as_str(), "ann@x.io");
        assert_eq!(verified, VerifiedEmail::attest(address("ann@x.io")));
    }

    #[test]
    fn characters_share_a_mailbox_only_as_ascii_letters() {
        let mut owners: HashMap<EmailKey, char> = HashMap::new();
        for character in '\0'..=char::MAX {
            match EmailAddress::new(&format!("{character}@x.io")) {
                Ok(address) => {
                    assert!(!Kind::of(character).is_ignorable(), "{character:?}");
                    if let Some(owner) = owners.insert(address.key().clone(), character) {
                        assert!(
                            owner.eq_ignore_ascii_case(&character),
                            "{owner:?} {character:?}"
                        );
                    }
                }
                Err(error) => assert!(
                    !error.to_string().contains(char::is_control),
                    "{character:?}"
                ),
            }
        }
        assert!(owners.len() > 100_000);
    }

    #[test]
    fn every_character_of_unicode_is_in_a_good_domain_or_refused() {
        for character in '\0'..=char::MAX {
            if let Ok(address) = EmailAddress::new(&format!("a@x{character}y.io")) {
                assert!(!Kind::of(character).is_ignorable(), "{character:?}");
                let key = address.key();
                assert!(
                    key.as_str()
                        .bytes()
                        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'@'))
                );
                assert_eq!(
                    EmailAddress::new(key.as_str()).unwrap().key(),
                    key,
                    "{character:?}"
                );
            }
        }
    }
}
