//! Whatever is written, as a value that can be added to.

use serde::de::value::Error;
use serde::ser::{self, Error as _, Serialize, SerializeMap, SerializeSeq as _, Serializer};

use super::Unread;

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

/// Writes into an [`Unread`].
pub(super) struct Whole;

/// A list on its way, of a variant if it has a name.
pub(super) struct List {
    variant: Option<&'static str>,
    items: Vec<Unread>,
}

/// An object on its way, of a variant if it has a name.
pub(super) struct Object {
    variant: Option<&'static str>,
    fields: Vec<(String, Unread)>,
    key: Option<String>,
}

fn list(variant: Option<&'static str>) -> List {
    let items = Vec::new();
    List { variant, items }
}

fn object(variant: Option<&'static str>) -> Object {
    Object {
        variant,
        fields: Vec::new(),
        key: None,
    }
}

/// What a variant of that name holds.
fn of_variant(variant: Option<&'static str>, value: Unread) -> Unread {
    match variant {
        Some(name) => Unread::Object(vec![(name.to_owned(), value)]),
        None => value,
    }
}

macro_rules! scalars {
    ($($name:ident($of:ty) => |$value:ident| $unread:expr;)+) => {$(
        fn $name(self, $value: $of) -> Result<Unread, Error> {
            Ok($unread)
        }
    )+};
}

impl Serializer for Whole {
    type Ok = Unread;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = Object;

    scalars! {
        serialize_bool(bool) => |value| Unread::Bool(value);
        serialize_i8(i8) => |number| signed(number.into());
        serialize_i16(i16) => |number| signed(number.into());
        serialize_i32(i32) => |number| signed(number.into());
        serialize_i64(i64) => |number| signed(number);
        serialize_u8(u8) => |number| Unread::Unsigned(number.into());
        serialize_u16(u16) => |number| Unread::Unsigned(number.into());
        serialize_u32(u32) => |number| Unread::Unsigned(number.into());
        serialize_u64(u64) => |number| Unread::Unsigned(number);
        serialize_f32(f32) => |number| Unread::Float(f64::from(number).to_bits());
        serialize_f64(f64) => |number| Unread::Float(number.to_bits());
        serialize_char(char) => |character| Unread::Text(character.into());
        serialize_str(&str) => |text| Unread::Text(text.to_owned());
        serialize_bytes(&[u8]) => |bytes| {
            let bytes = bytes.iter().map(|byte| Unread::Unsigned((*byte).into()));
            Unread::List(bytes.collect())
        };
        serialize_unit_struct(&'static str) => |_name| Unread::Null;
    }

    fn serialize_none(self) -> Result<Unread, Error> {
        Ok(Unread::Null)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Unread, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Unread, Error> {
        Ok(Unread::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Unread, Error> {
        Ok(Unread::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Unread, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Unread, Error> {
        Ok(of_variant(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(list(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(list(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Error> {
        Ok(list(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, Error> {
        Ok(list(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object, Error> {
        Ok(object(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object, Error> {
        Ok(object(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object, Error> {
        Ok(object(Some(variant)))
    }
}

fn signed(number: i64) -> Unread {
    u64::try_from(number).map_or(Unread::Signed(number), Unread::Unsigned)
}

/// A key of a map, as JSON writes it.
fn key(key: Unread) -> Result<String, Error> {
    match key {
        Unread::Text(text) => Ok(text),
        Unread::Unsigned(number) => Ok(number.to_string()),
        Unread::Signed(number) => Ok(number.to_string()),
        Unread::Bool(value) => Ok(value.to_string()),
        Unread::Null | Unread::Float(_) | Unread::List(_) | Unread::Object(_) => {
            Err(Error::custom("a key of a map is text"))
        }
    }
}

impl List {
    fn push<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(Whole)?);
        Ok(())
    }

    fn done(self) -> Unread {
        of_variant(self.variant, Unread::List(self.items))
    }
}

impl Object {
    fn put<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.fields.push((name.to_owned(), value.serialize(Whole)?));
        Ok(())
    }

    fn done(self) -> Unread {
        of_variant(self.variant, Unread::Object(self.fields))
    }
}

macro_rules! lists {
    ($($kind:ident::$push:ident;)+) => {$(
        impl ser::$kind for List {
            type Ok = Unread;
            type Error = Error;

            fn $push<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Unread, Error> {
                Ok(self.done())
            }
        }
    )+};
}

lists! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! objects {
    ($($kind:ident;)+) => {$(
        impl ser::$kind for Object {
            type Ok = Unread;
            type Error = Error;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.put(name, value)
            }

            fn end(self) -> Result<Unread, Error> {
                Ok(self.done())
            }
        }
    )+};
}

objects! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Object {
    type Ok = Unread;
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, name: &T) -> Result<(), Error> {
        self.key = Some(key(name.serialize(Whole)?)?);
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let name = self.key.take();
        let name = name.ok_or_else(|| Error::custom("a value of a map comes after its key"))?;
        self.put(&name, value)
    }

    fn end(self) -> Result<Unread, Error> {
        Ok(self.done())
    }
}
