//! JSON as locks, reports and saved guests have it: what has names stands in an object, and a fact in a line.
//!
//! serde's derived readers take a list for a struct too, field by field in the order of the declaration: what such a
//! list means would change with each new field.

mod lines;

use lines::Lines;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Writes a value, a fact to a line, with a final newline: the same bytes on every machine.
///
/// # Errors
/// The value has no JSON: a map whose keys are no text.
pub fn to_lines<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Lines::default());
    value.serialize(&mut serializer)?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Reads a value.
///
/// # Errors
/// It is no JSON, or not that of such a value; a list where an object should be.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Strict(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// What the reader met, without the place that stands behind its words: [`serde_json::Error::line`] and `column` say that.
pub fn words(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match words.strip_suffix(&place) {
        Some(bare) => bare.to_owned(),
        None => words,
    }
}

/// A part of serde's machinery that hands itself on to what lies within.
struct Strict<T>(T);

/// What receives a value.
struct Receiver<V> {
    visitor: V,
    /// Whether a list is one of the things that may come.
    list: bool,
}

macro_rules! ask {
    ($($method:ident($($argument:ident: $type:ty),*), $list:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Receiver { visitor, list: $list })
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    ask! {
        deserialize_struct(name: &'static str, fields: &'static [&'static str]), false;
        deserialize_any(), true;
        deserialize_bool(), true;
        deserialize_i8(), true;
        deserialize_i16(), true;
        deserialize_i32(), true;
        deserialize_i64(), true;
        deserialize_u8(), true;
        deserialize_u16(), true;
        deserialize_u32(), true;
        deserialize_u64(), true;
        deserialize_f32(), true;
        deserialize_f64(), true;
        deserialize_char(), true;
        deserialize_str(), true;
        deserialize_string(), true;
        deserialize_bytes(), true;
        deserialize_byte_buf(), true;
        deserialize_option(), true;
        deserialize_unit(), true;
        deserialize_unit_struct(name: &'static str), true;
        deserialize_newtype_struct(name: &'static str), true;
        deserialize_seq(), true;
        deserialize_tuple(length: usize), true;
        deserialize_tuple_struct(name: &'static str, length: usize), true;
        deserialize_map(), true;
        deserialize_enum(name: &'static str, variants: &'static [&'static str]), true;
        deserialize_identifier(), true;
        deserialize_ignored_any(), true;
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! receive {
    ($($method:ident: $type:ty;)*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Receiver<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    receive! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
        visit_str: &str;
        visit_borrowed_str: &'de str;
        visit_string: String;
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        match self.list {
            true => self.visitor.visit_seq(Strict(list)),
            false => Err(A::Error::custom(
                "an object stands here, not a list: each value has a name",
            )),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Strict(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Strict(data))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(reader))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(seed)?;
        Ok((value, Strict(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let list = true;
        self.0.tuple_variant(length, Receiver { visitor, list })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let list = false;
        self.0.struct_variant(fields, Receiver { visitor, list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Point {
        x: u32,
        y: i32,
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    enum Shape {
        Empty,
        Dot(Point),
        Line { ends: [Point; 2] },
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Drawing {
        shapes: Vec<Shape>,
        origin: Option<Point>,
        names: BTreeMap<String, Point>,
    }

    const DRAWING: &str = r#"{"shapes": ["Empty", {"Dot": {"x": 1, "y": -2}}, {"Line": {"ends": [{"x": 3, "y": 4},
        {"x": 5, "y": 6}]}}], "origin": {"x": 7, "y": 8}, "names": {"a": {"x": 9, "y": 10}}}"#;

    #[test]
    fn what_serde_reads_is_read() {
        let plain: Drawing = serde_json::from_str(DRAWING).expect("it is one");
        assert_eq!(from_str::<Drawing>(DRAWING).expect("it is one"), plain);
        assert!(from_str::<Drawing>(&format!("{DRAWING} x")).is_err());
        assert!(from_str::<Point>(r#"{"x": 1}"#).is_err());
    }

    /// Wherever a point or a whole drawing stands, a list of its values is none.
    #[test]
    fn a_list_is_no_object_wherever_it_stands() {
        let mut tried = 0;
        for (x, y) in [(1, -2), (3, 4), (5, 6), (7, 8), (9, 10)] {
            let list = DRAWING.replace(
                &format!(r#"{{"x": {x}, "y": {y}}}"#),
                &format!("[{x}, {y}]"),
            );
            assert!(list != DRAWING && serde_json::from_str::<Drawing>(&list).is_ok());
            let error = from_str::<Drawing>(&list).expect_err("it is a list");
            assert!(
                error.to_string().contains("an object stands here"),
                "{error}"
            );
            assert!(error.line() > 0 && error.column() > 0);
            tried += 1;
        }
        assert_eq!(tried, 5);
        assert!(from_str::<Drawing>("[[], null, {}]").is_err());
        let line = r#"{"Line": [[{"x": 3, "y": 4}, {"x": 5, "y": 6}]]}"#;
        assert!(from_str::<Shape>(line).is_err());
    }
}
