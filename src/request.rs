//! A request's digest: what was asked, by whom, as one number.
//!
//! Two requests under one id are the same request if, and only if, their digests are (A6). It covers the
//! command's name and every field of it, the organization, the actor, and the actor's address where the
//! command reads it; of a secret, only its hash.

use core::fmt::{self, Display};

use serde::ser::{self, Serialize, Serializer};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use crate::actor::Author;
use crate::id::OrganizationId;
use crate::later::Unread;
use crate::text::EmailAddress;
use crate::token::{Hex, from_hex};

/// The digest of a request, as its [`LogEntry`](crate::LogEntry) keeps it: SHA-256, 32 bytes.
///
/// What a later version of this crate keeps in its place is read whole, and is no request that this one can be asked.
/// A field that is `None` counts as one that isn't there, so a command that gains an optional field keeps
/// the digests of requests that don't use it.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestDigest(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Known([u8; 32]),
    /// Of a form that a later version knows (A7).
    Unread(Unread),
}

/// What the digest is of, in this order.
#[derive(serde::Serialize)]
struct Request<'a, C: ?Sized> {
    command: &'static str,
    fields: &'a C,
    organization: OrganizationId,
    author: &'a Author,
    email: Option<&'a EmailAddress>,
}

impl RequestDigest {
    /// The digest of a request; `None` if a field can't be serialized, which no command's can.
    pub(crate) fn of(
        command: &'static str,
        fields: &(impl Serialize + ?Sized),
        organization: OrganizationId,
        author: &Author,
        email: Option<&EmailAddress>,
    ) -> Option<Self> {
        let request = Request {
            command,
            fields,
            organization,
            author,
            email,
        };
        let mut hash = Sha256::new_with_prefix(b"tenancy request v1\0");
        request.serialize(&mut Hashing::new(&mut hash)).ok()?;
        Some(Self(Form::Known(hash.finalize().into())))
    }
}

impl RequestDigest {
    /// The digest of several requests that are one; `None` if one of them is of a form that a later version knows.
    pub(crate) fn of_several(each: &[Self]) -> Option<Self> {
        let mut hash = Sha256::new_with_prefix(b"tenancy requests v1\0");
        for digest in each {
            match &digest.0 {
                Form::Known(bytes) => hash.update(bytes),
                Form::Unread(_) => return None,
            }
        }
        Some(Self(Form::Known(hash.finalize().into())))
    }
}

impl fmt::Display for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Known(bytes) => Hex(bytes).fmt(f),
            Form::Unread(_) => f.write_str("of a later form"),
        }
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDigest({self})")
    }
}

impl Serialize for RequestDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Known(_) => serializer.collect_str(self),
            Form::Unread(whole) => whole.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RequestDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Unread::deserialize(deserializer)?;
        let digits = String::deserialize(&whole).ok();
        let known = digits.and_then(|digits| from_hex(&digits));
        Ok(Self(known.map_or_else(|| Form::Unread(whole), Form::Known)))
    }
}

/// Writes a value into a hash so that no two values write the same: each begins with a tag, text with its
/// length, and what has parts ends with an end.
struct Hashing<'a> {
    hash: &'a mut Sha256,
    /// The name of the field that comes next: written before its value, if it has one.
    field: Option<&'static str>,
}

impl<'a> Hashing<'a> {
    const fn new(hash: &'a mut Sha256) -> Self {
        Self { hash, field: None }
    }

    fn tag(&mut self, tag: u8) {
        if let Some(field) = self.field.take() {
            self.text(b'f', field);
        }
        self.hash.update([tag]);
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.tag(tag);
        self.hash.update((text.len() as u64).to_le_bytes());
        self.hash.update(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.tag(b'n');
        self.hash.update(number.to_le_bytes());
    }
}

/// A kind of value that no command has.
#[derive(Debug)]
struct Unsupported;

impl Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no command has a value of this kind")
    }
}

impl std::error::Error for Unsupported {}

impl ser::Error for Unsupported {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Methods of a serializer for kinds of values that no command has.
macro_rules! unsupported {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$answer, Unsupported> {
            Err(Unsupported)
        }
    )+};
}

impl<'a, 'h> Serializer for &'a mut Hashing<'h> {
    type Ok = ();
    type Error = Unsupported;
    type SerializeSeq = Parts<'a, 'h>;
    type SerializeStruct = Parts<'a, 'h>;
    type SerializeStructVariant = Parts<'a, 'h>;
    type SerializeTuple = ser::Impossible<(), Unsupported>;
    type SerializeTupleStruct = ser::Impossible<(), Unsupported>;
    type SerializeTupleVariant = ser::Impossible<(), Unsupported>;
    type SerializeMap = ser::Impossible<(), Unsupported>;

    fn serialize_bool(self, value: bool) -> Result<(), Unsupported> {
        self.number(u64::from(value));
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unsupported> {
        self.number(u64::from(value));
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unsupported> {
        self.number(u64::from(value));
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unsupported> {
        self.number(u64::from(value));
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unsupported> {
        self.number(value);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unsupported> {
        self.text(b't', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unsupported> {
        if self.field.take().is_none() {
            self.tag(b'-');
        }
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unsupported> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unsupported> {
        self.text(b'v', variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unsupported> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unsupported> {
        self.text(b'v', variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a, 'h>, Unsupported> {
        self.tag(b'[');
        Ok(Parts(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, 'h>, Unsupported> {
        self.tag(b'{');
        Ok(Parts(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'h>, Unsupported> {
        self.text(b'v', variant);
        self.tag(b'{');
        Ok(Parts(self))
    }

    unsupported! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
    }
}

/// The parts of a list or a struct.
struct Parts<'a, 'h>(&'a mut Hashing<'h>);

impl ser::SerializeSeq for Parts<'_, '_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        value.serialize(&mut *self.0)
    }

    fn end(self) -> Result<(), Unsupported> {
        self.0.tag(b']');
        Ok(())
    }
}

macro_rules! fields {
    ($($of:ident),+) => {$(
        impl ser::$of for Parts<'_, '_> {
            type Ok = ();
            type Error = Unsupported;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unsupported> {
                self.0.field = Some(name);
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<(), Unsupported> {
                self.0.tag(b'}');
                Ok(())
            }
        }
    )+};
}

fields!(SerializeStruct, SerializeStructVariant);
