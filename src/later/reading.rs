//! Values that nobody knew, read: from any format, and as something that is known after all.

use core::fmt;

use serde::de::value::Error;
use serde::de::{
    self, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::Unread;

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

impl<'de> Deserializer<'de> for &'de Unread {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Unread::Null => visitor.visit_unit(),
            Unread::Bool(value) => visitor.visit_bool(*value),
            Unread::Unsigned(number) => visitor.visit_u64(*number),
            Unread::Signed(number) => visitor.visit_i64(*number),
            Unread::Float(bits) => visitor.visit_f64(f64::from_bits(*bits)),
            Unread::Text(text) => visitor.visit_borrowed_str(text),
            Unread::List(items) => visitor.visit_seq(de::value::SeqDeserializer::new(items.iter())),
            Unread::Object(fields) => visitor.visit_map(object(fields, &[])),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Unread::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = match self {
            Unread::Text(variant) => Variant {
                name: variant,
                value: &Unread::Null,
                beside: &[],
            },
            Unread::Object(fields) => match &fields[..] {
                [(variant, value)] => Variant {
                    name: variant,
                    value,
                    beside: &[],
                },
                _ => return Err(de::Error::custom(format_args!("no variant of `{name}`"))),
            },
            _ => return Err(de::Error::custom(format_args!("no variant of `{name}`"))),
        };
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Unread {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The fields of an object, but for some.
fn object<'de>(
    fields: &'de [(String, Unread)],
    beside: &'static [&'static str],
) -> impl MapAccess<'de, Error = Error> {
    let fields = fields.iter();
    let fields = fields.filter(|(name, _)| !beside.contains(&name.as_str()));
    de::value::MapDeserializer::new(fields.map(|(name, value)| (Name(name), value)))
}

/// The name of a field, which lasts as long as the value.
struct Name<'de>(&'de str);

impl<'de> IntoDeserializer<'de, Error> for Name<'de> {
    type Deserializer = de::value::BorrowedStrDeserializer<'de, Error>;

    fn into_deserializer(self) -> Self::Deserializer {
        de::value::BorrowedStrDeserializer::new(self.0)
    }
}

/// A variant of an enum, by its name, and what it holds.
pub(crate) struct Variant<'de> {
    /// Its name.
    pub(crate) name: &'de str,
    /// What it holds.
    pub(crate) value: &'de Unread,
    /// Fields of that which aren't the variant's: its envelope.
    pub(crate) beside: &'static [&'static str],
}

impl<'de> IntoDeserializer<'de, Error> for Variant<'de> {
    type Deserializer = de::value::EnumAccessDeserializer<Self>;

    fn into_deserializer(self) -> Self::Deserializer {
        de::value::EnumAccessDeserializer::new(self)
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(Name(self.name).into_deserializer())?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self.value)
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.value.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Unread::Object(fields) => visitor.visit_map(object(fields, self.beside)),
            other => other.deserialize_any(visitor),
        }
    }
}
