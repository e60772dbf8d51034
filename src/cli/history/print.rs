//! Rows of the record on standard output: a table, JSON lines, or CSV (RFC 4180); row by row, never all at once.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value};

use crate::base::error::{Exit, Failure, Outcome};
use crate::base::text::sig3;
use crate::cli::out;

/// Written at once.
const CHUNK: usize = 64 * 1024;

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people; times in the site's zone.
    Table,
    /// One object a line.
    Json,
    /// RFC 4180 with a header; times in UTC.
    Csv,
}

/// A column: its heading for people, its name in CSV and JSON (unit included), and its least width in the table.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub &'static str, pub usize);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A moment.
    Time(Timestamp),
    /// A measure; none and what is not a number are unknown.
    Number(Option<f64>),
    /// A count or a number of something.
    Whole(u64),
    /// Words.
    Text(String),
}

/// Words as a field.
pub fn text(t: impl Into<String>) -> Field {
    Field::Text(t.into())
}

/// Prints rows.
pub struct Printer {
    form: Form,
    columns: Vec<Column>,
    zone: TimeZone,
    buffer: String,
    /// Rows printed.
    pub rows: u64,
    /// Whether somebody still reads.
    reads: bool,
}

impl Printer {
    /// Begins with the header, where the form has one.
    pub fn new(form: Form, columns: &[Column], zone: &TimeZone) -> Self {
        let mut p =
            Self { form, columns: columns.to_vec(), zone: zone.clone(), buffer: String::new(), rows: 0, reads: true };
        match form {
            Form::Json => {}
            Form::Csv => {
                let names: Vec<String> = columns.iter().map(|c| csv(c.1)).collect();
                p.buffer.push_str(&names.join(","));
                p.buffer.push_str("\r\n");
            }
            Form::Table => {
                let zone = zone.iana_name().unwrap_or("UTC");
                let heads = columns.iter().map(|c| if c.0 == "WHEN" { format!("WHEN ({zone})") } else { c.0.into() });
                let heads: Vec<String> = heads.collect();
                p.line(&heads);
            }
        }
        p
    }

    /// Prints a row; false when the reader has gone away.
    pub fn row(&mut self, fields: &[Field]) -> Result<bool, Failure> {
        match self.form {
            Form::Json => {
                let names = self.columns.iter().map(|c| c.1.to_owned());
                let object: Map<String, Value> = names.zip(fields.iter().map(json)).collect();
                return self.value(&Value::Object(object));
            }
            Form::Csv => {
                for (i, f) in fields.iter().enumerate() {
                    if i > 0 {
                        self.buffer.push(',');
                    }
                    match f {
                        Field::Time(t) => self.buffer.push_str(&t.to_string()),
                        Field::Number(n) => {
                            let n = n.filter(|n| n.is_finite());
                            self.buffer.push_str(&n.map_or(String::new(), |n| n.to_string()));
                        }
                        Field::Whole(n) => self.buffer.push_str(&n.to_string()),
                        Field::Text(t) => self.buffer.push_str(&csv(t)),
                    }
                }
                self.buffer.push_str("\r\n");
            }
            Form::Table => {
                let cells: Vec<String> = fields.iter().map(|f| self.cell(f)).collect();
                self.line(&cells);
            }
        }
        self.rows += 1;
        self.flush_over(CHUNK)
    }

    /// Prints an object of its own form; only with JSON.
    pub fn value(&mut self, value: &Value) -> Result<bool, Failure> {
        self.buffer.push_str(&value.to_string());
        self.buffer.push('\n');
        self.rows += 1;
        self.flush_over(CHUNK)
    }

    /// Prints what is left.
    pub fn end(mut self) -> Result<u64, Failure> {
        self.flush_over(0)?;
        Ok(self.rows)
    }

    /// Prints rows until there are no more, or nobody reads; false then.
    pub fn all<R: AsRef<[Field]>>(&mut self, rows: impl IntoIterator<Item = R>) -> Result<bool, Failure> {
        for row in rows {
            if !self.row(row.as_ref())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Prints what is left, and says on standard error where there was nothing, so that an empty table is not a riddle.
    pub fn finish(self, what: &str) -> Outcome {
        let form = self.form;
        if self.end()? == 0 && form == Form::Table {
            out::note(&format!("no {what}"));
        }
        Ok(Exit::Fine)
    }

    fn flush_over(&mut self, bytes: usize) -> Result<bool, Failure> {
        if self.reads && self.buffer.len() > bytes {
            self.reads = out::raw(self.buffer.as_bytes())?;
        }
        if self.buffer.len() > bytes {
            self.buffer.clear();
        }
        Ok(self.reads)
    }

    fn cell(&self, f: &Field) -> String {
        match f {
            Field::Time(t) => t.to_zoned(self.zone.clone()).strftime("%F %T").to_string(),
            Field::Number(n) => sig3(*n),
            Field::Whole(n) => n.to_string(),
            // A line of the record stays one line, and nothing in it commands the terminal.
            Field::Text(t) => t.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        }
    }

    fn line(&mut self, cells: &[String]) {
        let last = cells.len().saturating_sub(1);
        let mut line = String::new();
        for (i, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            line.push_str(cell);
            if i < last {
                let width = if column.0 == "WHEN" { self.when_width() } else { column.2.max(column.0.len()) };
                let pad = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', pad));
            }
        }
        self.buffer.push_str(line.trim_end());
        self.buffer.push('\n');
    }

    fn when_width(&self) -> usize {
        (self.zone.iana_name().unwrap_or("UTC").len() + 7).max(19)
    }
}

fn json(f: &Field) -> Value {
    match f {
        Field::Time(t) => t.to_string().into(),
        Field::Number(n) => n.and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        Field::Whole(n) => (*n).into(),
        Field::Text(t) => t.as_str().into(),
    }
}

/// A text as a field of RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, as OWASP's
/// page on CSV injection advises.
pub fn csv(text: &str) -> String {
    let safe =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: [Column; 3] =
        [Column("WHEN", "time", 19), Column("MM/S", "velocity_rms_mm_s", 8), Column("TEXT", "text", 0)];

    fn printed(form: Form, words: &str) -> String {
        let mut p = Printer::new(form, &COLUMNS, &TimeZone::get("Asia/Kolkata").unwrap());
        let at = Timestamp::from_second(1_795_453_867).unwrap();
        p.row(&[Field::Time(at), Field::Number(Some(8.25)), text(words)]).unwrap();
        p.row(&[Field::Time(at), Field::Number(Some(f64::NAN)), text("")]).unwrap();
        std::mem::take(&mut p.buffer)
    }

    #[test]
    fn the_same_rows_in_three_forms() {
        insta::assert_snapshot!(printed(Form::Table, "a, \"b\"\n\u{1b}[2J"));
        insta::assert_snapshot!(printed(Form::Json, "a, \"b\""));
        let got = printed(Form::Csv, "a, \"b\"");
        assert_eq!(
            got,
            "time,velocity_rms_mm_s,text\r\n2026-11-23T17:11:07Z,8.25,\"a, \"\"b\"\"\"\r\n2026-11-23T17:11:07Z,,\r\n"
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"] {
            let cell = csv(bad);
            assert!(cell.trim_start_matches('"').starts_with('\''), "{bad:?}: {cell:?}");
        }
        assert_eq!(csv("a-b"), "a-b");
    }

    /// Reads one field as RFC 4180 says.
    fn read(field: &str) -> String {
        match field.strip_prefix('"').and_then(|f| f.strip_suffix('"')) {
            Some(inner) => inner.replace("\"\"", "\""),
            None => field.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn a_field_is_read_back_as_it_was(words in any::<String>()) {
            let field = csv(&words);
            let back = read(&field);
            let fine = back == words || back == format!("{}{words}", '\'');
            prop_assert!(fine, "{}", back);
            let bare = !field.starts_with('"');
            prop_assert!(!bare || !field.contains([',', '"', '\r', '\n']), "{}", field);
        }
    }
}
