//! Postal addresses: a few lines.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::TextLine;
use super::stored::Stored;

/// A postal address: at most 10 [`TextLine`]s, each as long as one may be. The bound is one of those that
/// keep an organization's row small, so that what one tenant stores makes nobody else slow (A5).
///
/// # Examples
///
/// ```
/// use tenancy::text::{PostalAddress, TextLine};
///
/// let address = PostalAddress::new([TextLine::new("1 rue de la Paix")?, TextLine::new("75002 Paris")?])?;
/// assert_eq!(address.lines().len(), 2);
///
/// let line = TextLine::new("line")?;
/// let error = PostalAddress::new(vec![line; 11]).unwrap_err();
/// assert_eq!(error.to_string(), "an address has at most 10 lines, this one has 11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostalAddress(
    // INVARIANT: at most 10, unless a store had more.
    Vec<TextLine>,
);

/// An address has more than 10 lines. Answer with 422: the person can correct it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an address has at most {} lines, this one has {lines}",
    PostalAddress::MAX_LINES
)]
pub struct TooManyLines {
    /// How many it has.
    pub lines: usize,
}

impl PostalAddress {
    /// The most lines that an address may have.
    pub const MAX_LINES: usize = 10;

    /// An address of these lines.
    ///
    /// # Errors
    ///
    /// - [`TooManyLines`]: there are more than 10.
    pub fn new(lines: impl IntoIterator<Item = TextLine>) -> Result<Self, TooManyLines> {
        let mut lines = lines.into_iter();
        let kept: Vec<_> = lines.by_ref().take(Self::MAX_LINES).collect();
        match lines.count() {
            0 => Ok(Self(kept)),
            more => Err(TooManyLines {
                lines: more.saturating_add(Self::MAX_LINES),
            }),
        }
    }

    /// The lines, first to last.
    #[must_use]
    pub fn lines(&self) -> &[TextLine] {
        &self.0
    }
}

impl Serialize for PostalAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PostalAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::<TextLine>::deserialize(deserializer)?;
        Self::new(lines).map_err(de::Error::custom)
    }
}

impl Stored for PostalAddress {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.keep(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::restore(deserializer).map(Self)
    }
}
