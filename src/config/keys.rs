//! What a key of the configuration is: its kind, its need, its words. The reader, the schema, the file of `config init` and the reference all come from rows of this type.

/// Bounds of a number, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    /// Smallest.
    pub min: T,
    /// Largest.
    pub max: T,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A name that other parts refer to.
    Id,
    /// Words for people.
    Text,
    /// A mail address.
    Address,
    /// A whole number.
    Integer(Range<i64>),
    /// A number.
    Float(Range<f64>),
    /// `true` or `false`.
    Bool,
    /// A time span such as `"200ms"`; bounds in ms.
    Duration(Range<u64>),
    /// A size such as `"200 GiB"`; bounds in bytes.
    Size(Range<u64>),
    /// One of some words.
    Choice(&'static [&'static str]),
    /// Where a secret is: `{ env = "NAME" }` or `{ file = "PATH" }`.
    Secret,
    /// x, y, width, height in pixels.
    Rect,
    /// A list of files; may hold `*`.
    PathList,
    /// A list of mail addresses.
    AddressList,
    /// A file or directory.
    Path,
    /// An address with one of these schemes.
    Url(&'static [&'static str]),
    /// A time zone of the IANA database.
    TimeZone,
    /// A number, or a table.
    NumberOr(Range<f64>, &'static [Key]),
    /// A table.
    Table(&'static [Key]),
    /// An array of tables.
    Tables(&'static [Key]),
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// It names something of the plant.
    Required,
    /// It may be left out, and then there is none.
    Optional,
    /// It may be left out, and then this holds (written as in the file).
    Default(&'static str),
    /// It may be left out, and then it follows from something else, said in words.
    Derived(&'static str),
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub need: Need,
    /// What it means, in one or two sentences.
    pub doc: &'static str,
    /// An example, written as in the file; empty where the default is the example.
    pub example: &'static str,
}

impl Key {
    /// The value that the written example shows.
    #[must_use]
    pub fn shown_example(&self) -> &'static str {
        match (self.example, self.need) {
            ("", Need::Default(d)) => d,
            (e, _) => e,
        }
    }

    /// The keys below this one.
    #[must_use]
    pub fn children(&self) -> Option<&'static [Key]> {
        match self.kind {
            Kind::Table(k) | Kind::Tables(k) | Kind::NumberOr(_, k) => Some(k),
            _ => None,
        }
    }
}

/// Milliseconds as written in the file.
#[must_use]
pub fn span(ms: u64) -> String {
    humantime::format_duration(std::time::Duration::from_millis(ms)).to_string()
}

/// A number without needless digits.
#[must_use]
pub fn number(v: f64) -> String {
    if v != 0.0 && v.abs() < 0.001 { format!("{v:e}") } else { format!("{v}") }
}

impl Kind {
    /// What a good value looks like: the second half of a fault.
    #[must_use]
    pub fn right(&self) -> String {
        match *self {
            Self::Id => "write 1 to 64 letters, digits, \"-\", \"_\" or \".\" in quotes, such as \"deck-east\"".into(),
            Self::Text => "write a text in quotes, 1 to 200 characters".into(),
            Self::Address => "write a mail address in quotes, such as \"vms@plant.example\"".into(),
            Self::Integer(r) => format!("write a whole number from {} to {}", r.min, r.max),
            Self::Float(r) => format!("write a number from {} to {}", number(r.min), number(r.max)),
            Self::Bool => "write true or false".into(),
            Self::Duration(r) => {
                format!(
                    "write a time with its unit in quotes, such as \"200ms\" or \"3s\", from {} to {}",
                    span(r.min),
                    span(r.max)
                )
            }
            Self::Size(r) => format!(
                "write a size with its unit in quotes, such as \"20 MiB\" or \"200 GiB\", from {} to {}",
                crate::base::text::bytes(r.min),
                crate::base::text::bytes(r.max)
            ),
            Self::Choice(words) => format!("write one of {}", quoted(words)),
            Self::Secret => {
                "write { env = \"NAME\" } for an environment variable or { file = \"PATH\" } for a file that holds it"
                    .into()
            }
            Self::Rect => {
                "write x, y, width, height in pixels with width and height of at least 8, such as [820, 410, 128, 128]"
                    .into()
            }
            Self::PathList => "write a list of paths in quotes, such as [\"/var/log/postgresql/*.log\"]".into(),
            Self::AddressList => "write a list of mail addresses, such as [\"shift-lead@plant.example\"]".into(),
            Self::Path => "write a path in quotes".into(),
            Self::Url(schemes) => {
                let s: Vec<String> = schemes.iter().map(|s| format!("{s}://")).collect();
                format!("write an address in quotes that begins with {}", s.join(" or "))
            }
            Self::TimeZone => {
                "write the name of a time zone of the IANA database, such as \"Asia/Kolkata\" or \"UTC\"".into()
            }
            Self::NumberOr(r, keys) => {
                let names: Vec<&str> = keys.iter().map(|k| k.name).collect();
                format!(
                    "write a number from {} to {}, or {{ {} }}",
                    number(r.min),
                    number(r.max),
                    names.join(" = …, ") + " = …"
                )
            }
            Self::Table(_) => "write it as a section with its keys below".into(),
            Self::Tables(_) => "write it as a section in double brackets, once for each".into(),
        }
    }
}

/// Words in quotes with "or" before the last.
#[must_use]
pub fn quoted(words: &[&str]) -> String {
    let q: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
    match q.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => q.concat(),
    }
}
