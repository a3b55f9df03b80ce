//! The secret in an invitation's link.
//!
//! An [`InvitationSecret`] is drawn once, when an invitation is sent or renewed. The
//! [`InvitationToken`] made of it is what the link carries; only its [`TokenHash`] is stored. Who
//! reads the database therefore can't accept an invitation, and who holds a link proves it by a
//! token whose hash [`matches`](TokenHash::matches).
//!
//! | Type | Where it lives | What it can do |
//! |---|---|---|
//! | [`InvitationSecret`] | in memory, while an invitation is sent | nothing but become a token |
//! | [`InvitationToken`] | in the link, in the request that opens it | be exposed as text, be hashed |
//! | [`TokenHash`] | in the store | be compared with a token |
//!
//! Secret and token are wiped from memory when they are dropped, print as `..` in logs, and can't
//! be serialized. Wiping is best effort: a compiler may have copied what it moved, and a host's
//! request buffer is the host's.
//!
//! ```
//! use tenancy::{InvitationId, InvitationToken, OrganizationId};
//! use tenancy::token::InvitationSecret;
//! # use uuid::Uuid;
//! # let organization = OrganizationId::from_uuid(Uuid::nil());
//! # let invitation = InvitationId::from_uuid(Uuid::max());
//!
//! let secret = InvitationSecret::generate()?;
//! let token = InvitationToken::new(organization, invitation, &secret);
//! let stored = token.hash();
//! let link = format!("https://example.com/join?token={}", token.expose().as_str());
//!
//! let (_, text) = link.split_once('=').unwrap();
//! let received: InvitationToken = text.parse()?;
//! assert_eq!(received.invitation(), invitation);
//! assert!(stored.matches(&received));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::id::{InvitationId, OrganizationId};
use crate::random::fill;

pub use crate::random::EntropyError;
pub use link_key::LinkKey;

mod link_key;

/// What every token starts with, so that secret scanners and people recognize one.
const PREFIX: &str = "tinv_";

/// Two ids of 16 bytes and the secret of 32.
const TOKEN_BYTES: usize = 64;

/// How long [`TOKEN_BYTES`] are in base64 without padding.
const ENCODED_BYTES: usize = 86;

/// Hashed before everything else: a hash made for an invitation is never one made for something
/// else.
const HASH_LABEL: &[u8] = b"tenancy invitation v1\0";

/// 256 random bits that make an invitation's link unguessable.
///
/// They come from the operating system, or from a [`LinkKey`]: there is no constructor from bytes,
/// since a secret that somebody could choose is none. There is no `Clone`, `Display` or `Serialize`
/// either; the one thing to do with a secret is to make an [`InvitationToken`] of it. Its `Debug`
/// is `InvitationSecret(..)`, and its bytes are wiped when it is dropped.
///
/// # Examples
///
/// ```
/// use tenancy::token::InvitationSecret;
///
/// let secret = InvitationSecret::generate()?;
/// assert_eq!(format!("{secret:?}"), "InvitationSecret(..)");
/// # Ok::<(), tenancy::token::EntropyError>(())
/// ```
pub struct InvitationSecret {
    bytes: Zeroizing<[u8; 32]>,
    /// Whether it is of a commit, by a [`LinkKey`], and each invitation's is made of it.
    of_commit: bool,
}

impl InvitationSecret {
    /// Draws a secret from the operating system's random numbers.
    ///
    /// # Errors
    ///
    /// - [`EntropyError`]: the operating system has none to give. Answer with 503; nothing was
    ///   changed.
    pub fn generate() -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(bytes.as_mut_slice())?;
        Ok(Self {
            bytes,
            of_commit: false,
        })
    }
}

impl fmt::Debug for InvitationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationSecret(..)")
    }
}

/// What an invitation's link carries: which invitation it is, and the secret that proves the link.
///
/// A host [`expose`](InvitationToken::expose)s it once, to write the e-mail, and parses it from the
/// request of whoever opens the link. It reads from text (`FromStr`, `Deserialize`) but has no
/// `Display`, `Serialize` or `AsRef<str>`, so it gets into no log, event or database by a derive or
/// a format string. It has no `==`; ask [`TokenHash::matches`]. `Clone` it to hand it to a mail
/// job. It is wiped when it is dropped, each clone by itself.
///
/// # Examples
///
/// ```
/// use tenancy::{InvitationId, InvitationToken, OrganizationId};
/// use tenancy::token::InvitationSecret;
/// # use uuid::Uuid;
/// # let organization = OrganizationId::from_uuid(Uuid::nil());
/// # let invitation = InvitationId::from_uuid(Uuid::max());
///
/// let token = InvitationToken::new(organization, invitation, &InvitationSecret::generate()?);
/// assert!(token.expose().starts_with("tinv_"));
/// assert!(format!("{token:?}").ends_with("secret: .. }"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct InvitationToken {
    organization: OrganizationId,
    invitation: InvitationId,
    secret: Zeroizing<[u8; 32]>,
}

impl InvitationToken {
    /// The token of an invitation.
    #[must_use]
    pub fn new(
        organization: OrganizationId,
        invitation: InvitationId,
        secret: &InvitationSecret,
    ) -> Self {
        Self {
            organization,
            invitation,
            secret: secret.of_invitation(organization, invitation),
        }
    }

    /// Reads the text of a link, exactly as it was exposed.
    ///
    /// # Errors
    ///
    /// - [`TokenError`]: the text is not a token. That it is one does not mean that the invitation
    ///   exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use tenancy::InvitationToken;
    ///
    /// let refusal = InvitationToken::parse("let me in").unwrap_err();
    /// assert_eq!(refusal.to_string(), "this is not an invitation token");
    /// ```
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(TokenError)?;
        if encoded.len() != ENCODED_BYTES {
            return Err(TokenError);
        }
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        Base64UrlUnpadded::decode(encoded, bytes.as_mut_slice()).map_err(|_| TokenError)?;
        let (organization, rest) = bytes.split_first_chunk().ok_or(TokenError)?;
        let (invitation, rest) = rest.split_first_chunk().ok_or(TokenError)?;
        let secret = rest.first_chunk().ok_or(TokenError)?;
        Ok(Self {
            organization: OrganizationId::from_uuid(Uuid::from_bytes(*organization)),
            invitation: InvitationId::from_uuid(Uuid::from_bytes(*invitation)),
            secret: Zeroizing::new(*secret),
        })
    }

    /// The organization that the invitation is of, as the link claims.
    #[must_use]
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The invitation that the link is for, as it claims.
    #[must_use]
    pub fn invitation(&self) -> InvitationId {
        self.invitation
    }

    /// The secret text for the link: `tinv_` and 86 characters that a URL may have anywhere.
    ///
    /// Whoever has the text can open the invitation. Put it into the e-mail to the invited address
    /// and nowhere else. The text is wiped when it is dropped; a `String` that is made of it is
    /// not. It has no `Display`, so that it gets nowhere by accident: write `*token.expose()`.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(Base64UrlUnpadded::encode_string(self.to_bytes().as_slice()));
        // Of its final size from the start, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(
            PREFIX.len().saturating_add(ENCODED_BYTES),
        ));
        text.push_str(PREFIX);
        text.push_str(&encoded);
        text
    }

    /// What is stored of the token, and is enough to recognize it.
    ///
    /// It covers the ids too: the secret of one invitation proves nothing about another.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        let hasher = Sha256::new_with_prefix(HASH_LABEL).chain_update(self.to_bytes().as_slice());
        TokenHash(hasher.finalize().into())
    }

    /// Everything in the token, in the order in which it is written and hashed; each part has a
    /// fixed length.
    fn to_bytes(&self) -> Zeroizing<[u8; TOKEN_BYTES]> {
        let Self {
            organization,
            invitation,
            secret,
        } = self;
        let ids = [organization.as_uuid(), invitation.as_uuid()].map(Uuid::into_bytes);
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        for (byte, part) in bytes
            .iter_mut()
            .zip(ids.as_flattened().iter().chain(secret.iter()))
        {
            *byte = *part;
        }
        bytes
    }
}

/// A token in a request's digest: its hash, as a secret is in nothing else.
pub(crate) fn hashed<S: Serializer>(token: &InvitationToken, to: S) -> Result<S::Ok, S::Error> {
    token.hash().serialize(to)
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            organization,
            invitation,
            secret: _,
        } = self;
        f.debug_struct("InvitationToken")
            .field("organization", organization)
            .field("invitation", invitation)
            .field("secret", &format_args!(".."))
            .finish()
    }
}

impl FromStr for InvitationToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for InvitationToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TokenVisitor)
    }
}

/// Reads a token without keeping the text, and wipes the text if it is given it.
struct TokenVisitor;

impl de::Visitor<'_> for TokenVisitor {
    type Value = InvitationToken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an invitation token")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<InvitationToken, E> {
        InvitationToken::parse(text).map_err(E::custom)
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<InvitationToken, E> {
        self.visit_str(&Zeroizing::new(text))
    }
}

/// The SHA-256 of an [`InvitationToken`]: all that is stored of it.
///
/// A fast hash is enough, because what it hides has 256 random bits and can't be guessed. Hashes
/// are compared in constant time, by `==` too; for the same reason there is no `Ord` and no `Hash`.
///
/// It serializes as 64 lower-case hexadecimal digits. There is no `FromStr` and no `From<&str>`, so
/// that text from a request is never taken for a hash; a store reads one with `Deserialize` or
/// [`from_bytes`](TokenHash::from_bytes).
///
/// # Examples
///
/// ```
/// use tenancy::token::TokenHash;
///
/// let stored = [7; 32];
/// let hash = TokenHash::from_bytes(stored);
/// assert_eq!(hash.as_bytes(), &stored);
/// assert_eq!(format!("{hash:?}"), "TokenHash(..)");
/// ```
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that a store keeps.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of the token, found in constant time.
    #[must_use]
    pub fn matches(&self, token: &InvitationToken) -> bool {
        *self == token.hash()
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        from_hex(&digits)
            .map(Self)
            .ok_or_else(|| de::Error::custom("a token hash has 64 lower-case hexadecimal digits"))
    }
}

/// Bytes written in lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: each commit writes a digest, and formatting it byte by byte cost a tenth of the commit.
        let mut text = String::with_capacity(self.0.len().saturating_mul(2));
        for byte in self.0 {
            for value in [byte >> 4, byte & 0xf] {
                text.push(char::from_digit(value.into(), 16).unwrap_or('0'));
            }
        }
        f.write_str(&text)
    }
}

/// The bytes that exactly 64 lower-case hexadecimal digits spell.
pub(crate) fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

/// A text is not an [`InvitationToken`]. Answer as for an invitation that does not exist.
///
/// It does not say what is wrong with the text, and never repeats it: it might be a token but for a
/// slip.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an invitation token")]
#[non_exhaustive]
pub struct TokenError;

#[cfg(test)]
mod tests {

    use super::*;

    const EXPOSED: &str = "tinv_ERERERERERERERERERERESIiIiIiIiIiIiIiIiIiIiIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw";

    fn secret() -> InvitationSecret {
        InvitationSecret {
            bytes: Zeroizing::new(std::array::from_fn(|n| u8::try_from(n).unwrap())),
            of_commit: false,
        }
    }

    fn token() -> InvitationToken {
        InvitationToken::new(
            OrganizationId::from_uuid(Uuid::from_bytes([0x11; 16])),
            InvitationId::from_uuid(Uuid::from_bytes([0x22; 16])),
            &secret(),
        )
    }

    fn is_refused(text: &str) -> bool {
        InvitationToken::parse(text)
            .is_err_and(|error| error.to_string() == "this is not an invitation token")
    }

    #[test]
    fn a_token_reads_back_from_its_text() {
        let read = InvitationToken::parse(&token().expose()).unwrap();
        assert_eq!(read.organization(), token().organization());
        assert_eq!(read.invitation(), token().invitation());
        assert_eq!(read.to_bytes(), token().to_bytes());
        assert!(token().hash().matches(&read));
    }

    #[test]
    fn links_and_hashes_of_earlier_releases_stay_good() {
        assert_eq!(token().expose().as_str(), EXPOSED);
        assert_eq!(
            serde_json::to_string(&token().hash()).unwrap(),
            "\"332c2905bf8b4211bc62442ced612391e8042dfd61c2dd1100d508a2a27969ff\""
        );
    }

    #[test]
    fn the_text_of_a_token_needs_no_escaping_in_a_url() {
        let text = InvitationToken::new(
            token().organization(),
            token().invitation(),
            &InvitationSecret::generate().unwrap(),
        );
        assert!(
            text.expose()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        );
        assert_eq!(text.expose().len(), PREFIX.len() + ENCODED_BYTES);
    }

    #[test]
    fn what_is_not_exactly_a_token_is_refused() {
        let encoded = EXPOSED.strip_prefix(PREFIX).unwrap();
        assert!(!is_refused(EXPOSED));
        for text in [
            String::new(),
            PREFIX.to_owned(),
            encoded.to_owned(),
            format!("TINV_{encoded}"),
            format!(" {EXPOSED}"),
            format!("{EXPOSED}\n"),
            format!("{EXPOSED}="),
            format!("{EXPOSED}=="),
            format!("{EXPOSED}A"),
            EXPOSED.strip_suffix('w').unwrap().to_owned(),
            EXPOSED.replace('I', "+"),
            EXPOSED.replace('I', "/"),
            EXPOSED.replace('I', " "),
            EXPOSED.replacen("Ii", "é", 1),
            EXPOSED.repeat(100_000),
        ] {
            assert!(is_refused(&text));
        }
    }

    #[test]
    fn a_token_has_one_text_only() {
        // The last character stands for two bits; whoever ignored the other four would take 16
        // texts for one token.
        let (all_but_last, last) = EXPOSED.split_at(EXPOSED.len() - 1);
        assert_eq!(last, "w");
        for other in ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['-', '_'])
        {
            let text = format!("{all_but_last}{other}");
            match InvitationToken::parse(&text) {
                Ok(token) => assert_eq!(token.expose().as_str(), text),
                Err(TokenError) => assert!(!"AQgw".contains(other)),
            }
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_does_not_match() {
        let stored = token().hash();
        for bit in 0..TOKEN_BYTES * 8 {
            let mut bytes = token().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let text = format!(
                "{PREFIX}{}",
                Base64UrlUnpadded::encode_string(bytes.as_slice())
            );
            assert!(
                !stored.matches(&InvitationToken::parse(&text).unwrap()),
                "bit {bit}"
            );
        }
        for bit in 0..256 {
            let mut bytes = *stored.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(TokenHash::from_bytes(bytes), stored, "bit {bit}");
            assert!(!TokenHash::from_bytes(bytes).matches(&token()), "bit {bit}");
        }
        assert_eq!(TokenHash::from_bytes(*stored.as_bytes()), stored);
    }

    #[test]
    fn secrets_differ() {
        let (one, other) = (
            InvitationSecret::generate().unwrap(),
            InvitationSecret::generate().unwrap(),
        );
        assert_ne!(one.bytes, other.bytes);
        assert_ne!(one.bytes.as_slice(), [0; 32]);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let exposed = token().expose();
        let hash = token().hash();
        let without_t = exposed.strip_prefix('t').unwrap();
        let errors = (
            InvitationToken::parse(without_t).unwrap_err(),
            serde_json::from_str::<InvitationToken>(&format!("{without_t:?}"))
                .unwrap_err()
                .to_string(),
            serde_json::from_str::<TokenHash>(&format!("{:?}", exposed.as_str()))
                .unwrap_err()
                .to_string(),
        );
        let printed = format!(
            "{0:?} {0:#?} {1:?} {1:#?} {2:?} {2:#?} {3:?}",
            secret(),
            token(),
            hash,
            errors
        );

        assert!(printed.contains("InvitationSecret(..)"));
        assert!(printed.contains("secret: .."));
        assert!(printed.contains(&format!("{:?}", token().organization())));
        assert!(printed.contains(&format!("{:?}", token().invitation())));
        for secret in [secret().bytes.as_slice(), hash.as_bytes()] {
            let pairs = secret.chunks_exact(4).filter(|bytes| bytes[0] > 0x0F);
            for bytes in pairs {
                let list = format!("{bytes:?}");
                assert!(!printed.contains(list.trim_matches(['[', ']'])), "{list}");
                assert!(!printed.contains(&Hex(bytes).to_string()));
                assert!(!printed.contains(&Hex(bytes).to_string().to_uppercase()));
            }
            let encoded = Base64UrlUnpadded::encode_string(secret);
            assert!(!printed.contains(encoded.get(..12).unwrap()));
        }
        assert!(!printed.contains(exposed.get(50..60).unwrap()));
    }

    #[test]
    fn a_token_is_read_from_json() {
        let read: InvitationToken = serde_json::from_str(&format!("{EXPOSED:?}")).unwrap();
        assert!(token().hash().matches(&read));
        let read: InvitationToken =
            serde_json::from_value(serde_json::Value::from(EXPOSED)).unwrap();
        assert!(token().hash().matches(&read));
        assert!(serde_json::from_str::<InvitationToken>("7").is_err());
    }

    #[test]
    fn a_hash_is_read_from_64_lower_case_digits_only() {
        let json = serde_json::to_string(&token().hash()).unwrap();
        assert_eq!(
            serde_json::from_str::<TokenHash>(&json).unwrap(),
            token().hash()
        );
        for text in [
            String::new(),
            "a".repeat(63),
            "a".repeat(65),
            "A".repeat(64),
            "+1".repeat(32),
            "é".repeat(32),
        ] {
            assert_eq!(
                serde_json::from_str::<TokenHash>(&format!("{text:?}"))
                    .unwrap_err()
                    .to_string(),
                "a token hash has 64 lower-case hexadecimal digits"
            );
        }
    }
}
