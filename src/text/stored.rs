//! The second door: text that comes back from a store is believed (A7).
//!
//! At the entrance text is judged by today's rules and today's tables. What was let in stays readable
//! whatever the rules say tomorrow: a member whose address a newer IDNA refuses must still be listed and
//! removed. So records and events read their text through here, with `#[serde(with = "stored")]`, and
//! everything else through the constructors.
//!
//! What is folded is believed as well: an address beyond ASCII is kept with its normal form beside it, as
//! `{"typed": …, "key": …}`. Where it is ASCII, the normal form is its lower case, today and for ever.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DomainName, EmailAddress, EmailKey, Name, NameKey, TextLine};

/// Text, or something that holds text, as a store keeps it.
pub(crate) trait Stored: Sized {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

pub(crate) fn serialize<T: Stored, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.keep(serializer)
}

pub(crate) fn deserialize<'de, T: Stored, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::restore(deserializer)
}

/// A value on its way to a store or back, for the parts of others.
struct Kept<T>(T);

impl<T: Stored> Serialize for Kept<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.keep(serializer)
    }
}

impl<'de, T: Stored> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::restore(deserializer).map(Self)
    }
}

macro_rules! text {
    ($($type:ident),+) => {$(
        impl Stored for $type {
            fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }

            fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::believed)
            }
        }
    )+};
}

text!(Name, NameKey, TextLine, DomainName, EmailKey);

impl<T: Stored> Stored for Option<T> {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Kept).serialize(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = Option::<Kept<T>>::deserialize(deserializer)?;
        Ok(kept.map(|kept| kept.0))
    }
}

impl<T: Stored, U: Serialize + for<'de> Deserialize<'de>> Stored for (T, U) {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Kept(&self.0), &self.1).serialize(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kept, other) = <(Kept<T>, U)>::deserialize(deserializer)?;
        Ok((kept.0, other))
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Kept))
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = Vec::<Kept<T>>::deserialize(deserializer)?;
        Ok(kept.into_iter().map(|kept| kept.0).collect())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Address {
    Plain(String),
    Folded(Folded),
}

/// It has no place for what a later version may say beside, so such an address can't be read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Folded {
    typed: String,
    key: String,
}

impl Stored for EmailAddress {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (typed, key) = (self.as_str(), self.key().as_str());
        if typed.is_ascii() && typed.eq_ignore_ascii_case(key) {
            return serializer.serialize_str(typed);
        }
        let (typed, key) = (typed.to_owned(), key.to_owned());
        Folded { typed, key }.serialize(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Address::deserialize(deserializer)? {
            Address::Folded(Folded { typed, key }) => Self::believed(typed, key),
            Address::Plain(typed) => {
                let key = typed.to_ascii_lowercase();
                Self::believed(typed, key)
            }
        })
    }
}
