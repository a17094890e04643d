//! What holds for every schema: integers have bounds in place of Rust's formats, which no validator knows; texts are
//! one paragraph to a line; what is never written as `null` is not allowed to be.

use serde_json::{Map, Value, json};

/// Rust's names of integers, with the least and the greatest.
const FORMATS: [(&str, i64, u64); 8] = [
    ("uint8", 0, u8::MAX as u64),
    ("uint16", 0, u16::MAX as u64),
    ("uint32", 0, u32::MAX as u64),
    ("uint64", 0, u64::MAX),
    ("uint", 0, u64::MAX),
    ("int32", i32::MIN as i64, i32::MAX as u64),
    ("int64", i64::MIN, i64::MAX as u64),
    ("int", i64::MIN, i64::MAX as u64),
];

/// Calls it with every object of a value.
fn each(value: &mut Value, act: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            act(object);
            object.values_mut().for_each(|inner| each(inner, act));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| each(inner, act)),
        _ => {}
    }
}

/// Bounds for formats, and one line for each paragraph.
pub fn strict(schema: &mut Value) {
    each(schema, &mut |object| {
        let format = object.get("format").and_then(Value::as_str);
        let known = FORMATS.iter().find(|(name, _, _)| Some(*name) == format);
        if let Some((_, least, most)) = known {
            object.remove("format");
            object.entry("minimum").or_insert(json!(least));
            object.entry("maximum").or_insert(json!(most));
        }
        if let Some(Value::String(words)) = object.get_mut("description") {
            let paragraphs = words.split("\n\n").map(|p| p.replace('\n', " "));
            *words = paragraphs.collect::<Vec<_>>().join("\n\n");
        }
    });
}

/// Of a format whose writer leaves out what is not there: nothing is `null`.
pub fn no_null(schema: &mut Value) {
    each(schema, &mut |object| {
        let null = json!("null");
        if let Some(Value::Array(types)) = object.get_mut("type")
            && types.len() == 2
            && types.contains(&null)
        {
            types.retain(|t| *t != null);
            let only = types.remove(0);
            object.insert("type".to_owned(), only);
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice["type"] != null);
            if choices.len() == 1
                && let Some(only) = object.remove("anyOf")
            {
                object.insert("allOf".to_owned(), only);
            }
        }
    });
}

/// The version of a format, of which a schema knows one.
pub fn version(version: u32) -> Value {
    json!({ "type": "integer", "const": version, "description": format!("Version of this format: {version}.") })
}

/// Without what is no part of JSON Schema.
pub fn without_markdown(schema: &mut Value) {
    each(schema, &mut |object| {
        object.remove("markdownDescription");
    });
}

/// Every description as Markdown too, which all of them are written in.
pub fn with_markdown(schema: &mut Value) {
    each(schema, &mut |object| {
        if let Some(Value::String(words)) = object.get("description") {
            let words = json!(words);
            object.entry("markdownDescription").or_insert(words);
        }
    });
}

/// What may be `null` and is an object otherwise, as one type: a choice of the two would complain of itself, wherever in
/// the object the mistake is.
pub fn nullable_objects(schema: &mut Value) {
    let mut nullable = Vec::new();
    each(schema, &mut |object| {
        let Some(Value::Array(choices)) = object.get("anyOf") else {
            return;
        };
        let [reference, null] = &choices[..] else {
            return;
        };
        if null["type"] == "null"
            && let Some(name) = reference["$ref"].as_str()
        {
            nullable.push(name.trim_start_matches('#').to_owned());
            let all = json!([reference]);
            object.remove("anyOf");
            object.insert("allOf".to_owned(), all);
        }
    });
    for place in nullable {
        if let Some(definition) = schema.pointer_mut(&place) {
            definition["type"] = json!(["object", "null"]);
        }
    }
}

/// Objects of which each has one key, and a schema for each: as one object with one key, so that what is wrong behind the
/// key is told of there and not as the failure of every choice.
pub fn one_key(definition: &mut Value) {
    let Some(Value::Array(choices)) = definition.get("oneOf") else {
        return;
    };
    let mut properties = Map::new();
    for choice in choices {
        for (key, inner) in choice["properties"].as_object().into_iter().flatten() {
            let mut inner = inner.clone();
            // In draft-07 nothing stands beside `$ref`.
            if inner.get("$ref").is_some() {
                inner = json!({ "allOf": [inner] });
            }
            inner["description"] = choice["description"].clone();
            properties.insert(key.clone(), inner);
        }
    }
    if let Some(object) = definition.as_object_mut() {
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("object"));
        object.insert("properties".to_owned(), Value::Object(properties));
        object.insert("additionalProperties".to_owned(), json!(false));
        object.insert("minProperties".to_owned(), json!(1));
        object.insert("maxProperties".to_owned(), json!(1));
    }
}
