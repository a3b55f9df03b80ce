//! What a later version of this crate wrote: kept whole, and passed on as it came (A7).
//!
//! A service that runs two versions side by side, or was rolled back, reads what the newer one wrote. What
//! this version doesn't know, it must not lose: a field of a record, an event, an author.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The fields of a record that this version doesn't know. Empty, unless a later version wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Later(BTreeMap<String, Unread>);

impl Later {
    /// Whether there are none, as it should be where one version runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value that this version doesn't read: what JSON and its like can say.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// The value as something that is known after all.
    pub(crate) fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, de::value::Error> {
        T::deserialize(self.clone())
    }
}

impl Serialize for Unread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Float(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Unread;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Unread, E> {
        Ok(Unread::Null)
    }

    fn visit_none<E>(self) -> Result<Unread, E> {
        Ok(Unread::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Unread, D::Error> {
        Unread::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unread, E> {
        Ok(Unread::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Unread, E> {
        Ok(Unread::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Unread, E> {
        Ok(u64::try_from(number).map_or(Unread::Signed(number), Unread::Unsigned))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Unread, E> {
        Ok(Unread::Float(number.to_bits()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Unread, E> {
        Ok(Unread::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Unread, E> {
        Ok(Unread::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unread, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Unread::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unread, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        Ok(Unread::Object(fields))
    }
}

impl<'de> Deserializer<'de> for Unread {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Signed(number) => visitor.visit_i64(number),
            Self::Float(bits) => visitor.visit_f64(f64::from_bits(bits)),
            Self::Text(text) => visitor.visit_string(text),
            Self::List(items) => {
                visitor.visit_seq(de::value::SeqDeserializer::new(items.into_iter()))
            }
            Self::Object(fields) => {
                visitor.visit_map(de::value::MapDeserializer::new(fields.into_iter()))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Self::Text(variant) => {
                visitor.visit_enum(IntoDeserializer::<Self::Error>::into_deserializer(variant))
            }
            Self::Object(fields) => {
                let object = de::value::MapDeserializer::new(fields.into_iter());
                visitor.visit_enum(de::value::MapAccessDeserializer::new(object))
            }
            value => value
                .deserialize_any(NoEnum(name, variants))
                .map(|never: core::convert::Infallible| match never {}),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// Refuses whatever it visits: there is no such value of that enum.
struct NoEnum(&'static str, &'static [&'static str]);

impl<'de> Visitor<'de> for NoEnum {
    type Value = core::convert::Infallible;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, one of {:?}", self.0, self.1)
    }
}

impl IntoDeserializer<'_, de::value::Error> for Unread {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
