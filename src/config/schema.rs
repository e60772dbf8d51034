//! The JSON Schema (draft 2020-12) of `vms.toml`, for editors.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, Need};
use super::table::ROOT;

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut root = object(ROOT);
    if let Value::Object(map) = &mut root {
        map.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".into(), json!("vms.toml"));
    }
    root
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|k| (k.name.to_owned(), property(k))).collect();
    let required: Vec<&str> = keys.iter().filter(|k| k.need == Need::Required).map(|k| k.name).collect();
    let mut out = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out
}

fn property(key: &Key) -> Value {
    let mut out = kind(&key.kind);
    out["description"] = json!(key.doc);
    if let Need::Default(d) = key.need
        && let Some(v) = literal(d)
    {
        out["default"] = v;
    }
    if let Some(v) = literal(key.example) {
        out["examples"] = json!([v]);
    }
    out
}

/// A value of the table as JSON.
fn literal(text: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("v = {text}")).ok()?;
    serde_json::to_value(table.get("v")?).ok()
}

fn kind(kind: &Kind) -> Value {
    match *kind {
        Kind::Id => json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[\\p{L}\\p{N}._-]+$" }),
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
        Kind::Path => json!({ "type": "string", "minLength": 1, "maxLength": 4096 }),
        Kind::TimeZone => json!({ "type": "string", "minLength": 1 }),
        Kind::Address => json!({ "type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$", "maxLength": 200 }),
        Kind::Integer(r) => json!({ "type": "integer", "minimum": r.min, "maximum": r.max }),
        Kind::Float(r) => json!({ "type": "number", "minimum": r.min, "maximum": r.max }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Duration(_) => json!({ "type": "string", "pattern": "^[0-9]" }),
        Kind::Size(_) => json!({ "type": "string", "pattern": "^[0-9.]+ ?([kKMGT]i?)?B$" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Secret => json!({ "oneOf": [only("env"), only("file")] }),
        Kind::Rect => json!({
            "type": "array",
            "prefixItems": [at_least(0), at_least(0), at_least(8), at_least(8)],
            "items": false,
            "minItems": 4
        }),
        Kind::PathList => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Kind::AddressList => json!({ "type": "array", "items": self::kind(&Kind::Address) }),
        Kind::Url(schemes) => {
            json!({ "type": "string", "format": "uri", "pattern": format!("^({})://", schemes.join("|")) })
        }
        Kind::NumberOr(r, keys) => json!({ "oneOf": [self::kind(&Kind::Float(r)), object(keys)] }),
        Kind::Table(keys) => object(keys),
        Kind::Tables(keys) => json!({ "type": "array", "items": object(keys) }),
    }
}

fn at_least(min: u32) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": 65_535 })
}

fn only(key: &str) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { key: { "type": "string", "minLength": 1 } },
        "required": [key]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_the_reader_knows() {
        let s = schema();
        assert_eq!(s["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(s["additionalProperties"], false);
        let camera = &s["properties"]["camera"]["items"];
        assert_eq!(camera["required"], json!(["id", "url"]));
        assert_eq!(camera["properties"]["transport"]["enum"], json!(["tcp", "udp"]));
        assert_eq!(camera["properties"]["transport"]["default"], "tcp");
        assert_eq!(camera["properties"]["url"]["pattern"], "^(rtsp|rtsps)://");
        let limit = &camera["properties"]["roi"]["items"]["properties"]["limits"]["items"];
        assert_eq!(limit["properties"]["deadband_percent"]["maximum"], 90.0);
        assert_eq!(s["properties"]["plc"]["items"]["properties"]["unit"]["maximum"], 247);
    }

    #[test]
    fn every_default_and_example_is_a_value() {
        fn walk(keys: &[Key]) {
            for k in keys {
                let shown = k.shown_example();
                if !matches!(k.kind, Kind::Table(_) | Kind::Tables(_)) {
                    assert!(literal(shown).is_some(), "{}: {shown}", k.name);
                }
                walk(k.children().unwrap_or_default());
            }
        }
        walk(ROOT);
    }
}
