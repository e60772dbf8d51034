//! Documents as plain values: what is said, in which order; how it looks is left to whoever prints it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A document: one or more parts, each beginning on a page of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What it is, for the metadata and the head of the pages: `Maintenance records, November 2026`.
    pub title: String,
    /// Site.
    pub site: String,
    /// Node.
    pub node: String,
    /// When it was written.
    pub written: Timestamp,
    /// The zone in which its dates are said.
    pub zone: TimeZone,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a document, with a title of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The kind of paper, small above the title: `Maintenance record`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// What stands in the foot of its pages and in its square code.
    pub seal: Option<Seal>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// What names the contents beyond doubt: a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// What it is: `SHA-256`.
    pub label: String,
    /// The hash, as text.
    pub text: String,
    /// What the square code holds.
    pub code: String,
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading; 1 is the larger one.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// A paragraph in small print.
    Small(String),
    /// The verdict, marked so that it is seen at arm's length: what, and whether it is good; none: it is neither.
    Verdict(String, Option<bool>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Points.
    List(Vec<String>),
    /// Steps to follow, numbered, each with its details.
    Steps(Vec<(String, Vec<String>)>),
    /// A table.
    Table(Table),
    /// A plot.
    Plot(Plot),
    /// Boxes to tick, after a text: for a walk without a terminal.
    Boxes(String, Vec<String>),
    /// Empty lines to write on, after a label.
    WriteIn(String, u8),
    /// Lines for signatures.
    Signatures(Vec<SignatureLine>),
    /// The list of the parts that follow, with their pages.
    Contents,
}

/// A table. Its head is repeated on every page that it reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; a missing cell is empty.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Its share of the width, against the other columns' shares.
    pub share: u8,
    /// Whether it holds numbers, which stand at the right.
    pub numbers: bool,
}

impl Table {
    /// An empty table: titles with their shares; a title that begins with `#` is a column of numbers.
    #[must_use]
    pub fn new(columns: &[(&str, u8)]) -> Self {
        let column = |(title, share): &(&str, u8)| Column {
            title: title.trim_start_matches('#').to_owned(),
            share: *share,
            numbers: title.starts_with('#'),
        };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

/// A line over time, with its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// The unit of the values.
    pub unit: String,
    /// From when, Unix time in seconds.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// Time, lowest, mean and highest value of each step, oldest first. A gap is a gap.
    pub points: Vec<PlotPoint>,
    /// The distance of two points in seconds.
    pub step_s: i64,
    /// The limit.
    pub limit: Option<f64>,
}

/// A step of a plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlotPoint {
    /// Its beginning, Unix time in seconds.
    pub at: i64,
    /// The lowest value.
    pub least: f64,
    /// The mean.
    pub mean: f64,
    /// The highest value.
    pub most: f64,
}

/// A line for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// As what: `Done by`, `Countersigned by`.
    pub label: String,
    /// What is printed above the line: a signature that was given with a PIN; empty where it is to be written by hand.
    pub given: String,
}

/// The size of the paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inch.
    Letter,
}

impl Document {
    /// Everything that it says, as one text for a fingerprint: neither the date nor the seals are part of it.
    #[must_use]
    pub fn content(&self) -> String {
        let part = |p: &Part| format!("{}\n{}\n{:?}\n", p.kind, p.title, p.blocks);
        self.parts.iter().map(part).collect::<Vec<_>>().concat()
    }
}
