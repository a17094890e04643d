//! What a section has in it, as the types say that read and write it: `docs/saved.md` is made of this, and of nothing else.
//!
//! A type that is written by [`shape!`](crate::shape) is the type and its description in one: no field is in one and not
//! in the other. What a field is called in the file, the reader itself is asked for. A paragraph of a field's documentation
//! that begins with [`HELD`] says which values are refused, beside those that its type has not.

use serde::de::{Deserializer, Error as _, Visitor, value::Error};
use serde::{Deserialize, forward_to_deserialize_any};
use std::collections::BTreeMap;

/// How a paragraph begins that says what a value is held to.
pub const HELD: &str = "Held to: ";

/// How a value stands in JSON.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// By itself, as these words say.
    One(&'static str),
    /// As many as there are.
    Some(&'static Form),
    /// So many.
    Times(usize, &'static Form),
    /// Fields.
    Fields(&'static Shape),
    /// One of several words, some with a value.
    Words(&'static Shape),
}

/// What a type has: fields, or words.
#[derive(Debug)]
pub struct Shape {
    /// What each is called, asked of the type's own reader.
    pub names: fn() -> &'static [&'static str],
    /// Each, in the same order.
    pub fields: &'static [Field],
}

/// A field, or a word.
#[derive(Debug)]
pub struct Field {
    /// The lines of its documentation.
    pub about: &'static [&'static str],
    /// Its form; `None` of a word without a value.
    pub form: Option<Form>,
}

impl Field {
    /// What it says, and what it is held to beside its form.
    pub fn words(&self) -> (String, String) {
        let mut parts = [String::new(), String::new()];
        let mut at = 0;
        for line in self.about.iter().map(|line| line.trim()) {
            let held = line.strip_prefix(HELD);
            at = if held.is_some() { 1 } else { at };
            let line = held.unwrap_or(line);
            if !parts[at].is_empty() && !line.is_empty() {
                parts[at].push(' ');
            }
            parts[at].push_str(line);
        }
        let [about, held] = parts;
        (about, held)
    }
}

/// A type that stands in a section.
pub trait Shaped {
    /// How.
    const FORM: Form;
}

macro_rules! ones {
    ($($type:ty: $words:literal,)+) => { $(impl Shaped for $type { const FORM: Form = Form::One($words); })+ };
}

ones! {
    bool: "`true` or `false`",
    u8: "number, 8 bits",
    u16: "number, 16 bits",
    u32: "number, 32 bits",
    u64: "number, 64 bits",
    i64: "number, 64 bits, signed",
    String: "text",
    Option<String>: "text, or `null`",
    crate::hex::Hex32: "32 bits, `0x` and 8 hex digits",
    crate::hex::Hex64: "64 bits, `0x` and 16 hex digits",
    BTreeMap<String, crate::hex::Hex64>: "by name, 64 bits, `0x` and 16 hex digits",
}

impl<T: Shaped> Shaped for Vec<T> {
    const FORM: Form = Form::Some(&T::FORM);
}

impl<T: Shaped, const N: usize> Shaped for [T; N] {
    const FORM: Form = Form::Times(N, &T::FORM);
}

/// What a type's reader calls its fields or words.
pub fn names<T: for<'a> Deserialize<'a>>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    // It reads nothing, which it says by an error.
    let _ = T::deserialize(Asked(&mut names));
    names
}

/// Whom a reader asks for its fields.
struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it has no fields"))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = words;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// A type of a section, and what is said of it, in one.
#[macro_export]
macro_rules! shape {
    (
        $(#[$($of:tt)*])*
        pub struct $name:ident $(<$of_what:ident>)? {
            $($(#[doc = $about:literal])+ $(#[serde($($serde:tt)*)])? pub $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$($of)*])*
        pub struct $name $(<$of_what>)? {
            $($(#[doc = $about])+ $(#[serde($($serde)*)])? pub $field: $type,)+
        }

        impl $(<$of_what: $crate::shape::Shaped + for<'a> serde::Deserialize<'a>>)? $crate::shape::Shaped for $name $(<$of_what>)? {
            const FORM: $crate::shape::Form = $crate::shape::Form::Fields(&$crate::shape::Shape {
                names: $crate::shape::names::<Self>,
                fields: &[$($crate::shape::Field {
                    about: &[$($about),+],
                    form: Some(<$type as $crate::shape::Shaped>::FORM),
                },)+],
            });
        }
    };
    (
        $(#[$($of:tt)*])*
        pub enum $name:ident {
            $($(#[doc = $about:literal])+ $word:ident $(($type:ty))?,)+
        }
    ) => {
        $(#[$($of)*])*
        pub enum $name {
            $($(#[doc = $about])+ $word $(($type))?,)+
        }

        impl $crate::shape::Shaped for $name {
            const FORM: $crate::shape::Form = $crate::shape::Form::Words(&$crate::shape::Shape {
                names: $crate::shape::names::<Self>,
                fields: &[$($crate::shape::Field {
                    about: &[$($about),+],
                    form: $crate::shape!(@form $($type)?),
                },)+],
            });
        }
    };
    (@form) => { None };
    (@form $type:ty) => { Some(<$type as $crate::shape::Shaped>::FORM) };
}
