//! What a later version of this crate wrote: kept whole, and passed on as it came (A7).
//!
//! A service that runs two versions side by side, or was rolled back, reads what the newer one wrote. What
//! this version doesn't know, it must not lose: a field of a record or of any part of one, an event, an author.
//!
//! Whatever is read by `watched` tells of each field that its type passes over; a record keeps them
//! in its `later`, and they are written again where they stood ([`Later::written`]).
//!
//! What JSON itself can't say exactly is the limit: a number beyond 64 bits is read as one of floating point. No version
//! of this crate writes such.

mod reading;
mod watching;
mod writing;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use reading::Variant;
pub(crate) use watching::watched;

/// What this version doesn't know of a record or a log entry: fields of it, or of its parts. Empty, unless a later
/// version wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later(BTreeMap<Vec<Step>, Unread>);

/// One step from a value into a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Field(String),
    Item(usize),
}

impl Later {
    /// Whether there is none, as it should be where one version runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found in a part, as found in the whole.
    pub(crate) fn add(&mut self, part: &[Step], found: Self) {
        let found = found.0.into_iter();
        self.0.extend(found.map(|(path, value)| {
            let path = part.iter().cloned().chain(path);
            (path.collect(), value)
        }));
    }

    /// The same as seen from within the one field that all of it is in.
    pub(crate) fn within(self) -> Self {
        let found = self.0.into_iter();
        Self(
            found
                .map(|(path, value)| (path.into_iter().skip(1).collect(), value))
                .collect(),
        )
    }

    /// The same without fields of that name, and without any in what is kept.
    pub(crate) fn without(self, name: &str) -> Self {
        let is_it = |step: &Step| matches!(step, Step::Field(field) if field == name);
        let found = self.0.into_iter();
        let found = found.filter(|(path, _)| !path.iter().any(is_it));
        Self(
            found
                .map(|(path, value)| (path, value.without(name)))
                .collect(),
        )
    }

    /// Writes a value as `known` does, and all that is kept where it stood. What stood in a part that is gone is gone
    /// with it.
    pub(crate) fn written<S: Serializer>(
        &self,
        known: &impl Serialize,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if self.is_empty() {
            return known.serialize(serializer);
        }
        let mut whole = known.serialize(writing::Whole).map_err(S::Error::custom)?;
        for (path, value) in &self.0 {
            whole.put(path, value);
        }
        whole.serialize(serializer)
    }
}

/// A value that this version doesn't read: what JSON and its like can say.
#[derive(Clone, Debug)]
pub enum Unread {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number from zero on.
    Unsigned(u64),
    /// A whole number below zero.
    Signed(i64),
    /// Any other number, by its bits.
    Float(u64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Unread>),
    /// An object, its fields in their order.
    Object(Vec<(String, Unread)>),
}

/// Objects are equal if their fields are, in whatever order.
impl PartialEq for Unread {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Unsigned(one), Self::Unsigned(other))
            | (Self::Float(one), Self::Float(other)) => one == other,
            (Self::Signed(one), Self::Signed(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Object(one), Self::Object(fields)) => {
                let is_there = |(name, value): &(String, Self)| other.get(name) == Some(value);
                one.len() == fields.len() && one.iter().all(is_there)
            }
            _ => false,
        }
    }
}

impl Eq for Unread {}

/// Reads something that has no place for what it doesn't know: if there is such, it can't be read.
pub(crate) fn exactly<'de, D: Deserializer<'de>, T: Serialize + for<'a> Deserialize<'a>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let whole = Unread::deserialize(deserializer)?;
    let known = T::deserialize(&whole).map_err(D::Error::custom)?;
    let again = known.serialize(writing::Whole).map_err(D::Error::custom)?;
    if again == whole {
        Ok(known)
    } else {
        Err(D::Error::custom("it says more than this version knows"))
    }
}

impl Unread {
    /// A field of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => {
                let found = fields.iter().find(|(field, _)| field == name);
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same without fields of that name, at whatever depth.
    pub(crate) fn without(self, name: &str) -> Self {
        match self {
            Self::List(items) => {
                Self::List(items.into_iter().map(|item| item.without(name)).collect())
            }
            Self::Object(fields) => {
                let fields = fields.into_iter().filter(|(field, _)| field != name);
                Self::Object(
                    fields
                        .map(|(field, value)| (field, value.without(name)))
                        .collect(),
                )
            }
            other => other,
        }
    }

    /// Puts a field where it belongs, unless there is something.
    fn put(&mut self, path: &[Step], value: &Self) {
        let Some((step, rest)) = path.split_first() else {
            return;
        };
        match (self, step) {
            (Self::Object(fields), Step::Field(name)) => {
                let there = fields.iter_mut().find(|(field, _)| field == name);
                match there {
                    Some((_, part)) => part.put(rest, value),
                    None if rest.is_empty() => fields.push((name.clone(), value.clone())),
                    None => {}
                }
            }
            (Self::List(items), Step::Item(index)) => {
                if let Some(part) = items.get_mut(*index) {
                    part.put(rest, value);
                }
            }
            _ => {}
        }
    }
}
