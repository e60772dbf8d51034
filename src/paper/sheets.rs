//! Pages as lists of marks: where each text, line and area stands. Blocks are laid down from top to bottom.

use jiff::tz::TimeZone;

use super::code::square;
use super::font::Fonts;
use super::wrap;
use crate::model::paper::{Document, Paper, Part, Seal};

/// Margins in points.
pub const LEFT: f32 = 54.0;
const TOP: f32 = 66.0;
const BOTTOM: f32 = 58.0;
/// Side of the square code in points: 27 mm.
const CODE: f32 = 76.0;

/// What colour a mark has. Names, so that a page reads in grey as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// Text that steps back.
    Soft,
    /// Titles.
    Accent,
    /// In order.
    Good,
    /// Not in order.
    Bad,
    /// Hairlines.
    Rule,
    /// Behind heads of tables.
    Band,
    /// Behind a good verdict.
    GoodBand,
    /// Behind a bad verdict.
    BadBand,
    /// Between the lowest and highest of a plot.
    Area,
}

/// A mark on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A line of text; y is its baseline.
    Text { x: f32, y: f32, size: f32, bold: bool, ink: Ink, text: String },
    /// A filled rectangle.
    Fill { x: f32, y: f32, w: f32, h: f32, ink: Ink },
    /// The outline of a rectangle.
    Outline { x: f32, y: f32, w: f32, h: f32, ink: Ink },
    /// A line through points; dashed or not.
    Line { points: Vec<(f32, f32)>, width: f32, ink: Ink, dashed: bool },
    /// A filled area.
    Area { points: Vec<(f32, f32)>, ink: Ink },
    /// Dark runs of a square code: the place, the size of a module.
    Code { x: f32, y: f32, module: f32, runs: Vec<(u16, u16, u16)> },
}

/// What a mark belongs to, for readers that do not see the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// A heading, 1 to 3.
    Heading(u16, String),
    /// A paragraph.
    Paragraph,
    /// An item of a list, and whether it begins one.
    Item(bool),
    /// A cell of a table: table, row, whether it is of the head.
    Cell(usize, usize, bool),
    /// A picture, in words.
    Figure(String),
}

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    /// The part that it belongs to.
    pub part: usize,
    /// Its marks with the element that each belongs to; none: it is there for the eye only.
    pub marks: Vec<(Option<usize>, Op)>,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Size in points.
    pub size: f32,
    /// From baseline to baseline.
    pub leading: f32,
    /// Bold.
    pub bold: bool,
    /// Its colour.
    pub ink: Ink,
}

/// Running text.
pub const BODY: Style = Style { size: 9.5, leading: 13.2, bold: false, ink: Ink::Text };
/// Small print.
pub const SMALL: Style = Style { size: 7.6, leading: 10.4, bold: false, ink: Ink::Soft };
/// Cells of tables.
pub const CELL: Style = Style { size: 8.2, leading: 10.8, bold: false, ink: Ink::Text };
/// Heads of tables.
pub const HEAD: Style = Style { size: 7.8, leading: 10.4, bold: true, ink: Ink::Text };

/// The pages.
pub struct Sheets<'a> {
    /// Width and height in points.
    pub size: (f32, f32),
    /// The pages.
    pub pages: Vec<Page>,
    /// What the marks belong to.
    pub elements: Vec<Element>,
    /// The headings for the outline: text, page, y, level.
    pub outline: Vec<(String, usize, f32, u8)>,
    /// Where each part begins.
    pub starts: Vec<usize>,
    pub(super) fonts: &'a Fonts,
    pub(super) zone: TimeZone,
    /// Where the next block begins.
    pub(super) y: f32,
    pub(super) tables: usize,
    /// Down to here on this page the square code takes its room.
    code_until: f32,
    element: Option<usize>,
    /// Letters that the fonts do not have.
    missing: Vec<char>,
}

impl<'a> Sheets<'a> {
    /// Lays a document on pages.
    pub fn lay(document: &Document, paper: Paper, fonts: &'a Fonts) -> Self {
        let mut contents = vec![0; document.parts.len()];
        let lists = document.parts.iter().any(|p| p.blocks.contains(&crate::model::paper::Block::Contents));
        let mut s = Self::blank(document, paper, fonts);
        s.all(document, &contents);
        if lists {
            // The list of contents is as long with the right pages as with none, so that the second time is right.
            contents.clone_from(&s.starts);
            s = Self::blank(document, paper, fonts);
            s.all(document, &contents);
        }
        s.frames(document);
        s
    }

    fn blank(document: &Document, paper: Paper, fonts: &'a Fonts) -> Self {
        let size = match paper {
            Paper::A4 => (595.28, 841.89),
            Paper::Letter => (612.0, 792.0),
        };
        Self {
            size,
            pages: Vec::new(),
            elements: Vec::new(),
            outline: Vec::new(),
            starts: Vec::new(),
            fonts,
            zone: document.zone.clone(),
            y: TOP,
            tables: 0,
            code_until: 0.0,
            element: None,
            missing: Vec::new(),
        }
    }

    fn all(&mut self, document: &Document, contents: &[usize]) {
        for (i, part) in document.parts.iter().enumerate() {
            self.part(i, part, document, contents);
        }
        if self.pages.is_empty() {
            self.turn();
        }
        self.say_missing();
    }

    fn part(&mut self, index: usize, part: &Part, document: &Document, contents: &[usize]) {
        self.pages.push(Page { part: index, marks: Vec::new() });
        self.starts.push(self.pages.len() - 1);
        self.y = TOP;
        self.code_until = 0.0;
        self.seal(part.seal.as_ref());
        let kind = Style { size: 8.4, leading: 13.0, bold: true, ink: Ink::Accent };
        self.outline.push((part.title.clone(), self.pages.len() - 1, self.y, 0));
        self.begin(Element::Paragraph);
        self.set(LEFT, self.width(), &part.kind.to_uppercase(), kind);
        self.y += 3.0;
        self.begin(Element::Heading(1, part.title.clone()));
        self.set(LEFT, self.width(), &part.title, Style { size: 17.0, leading: 21.0, bold: true, ink: Ink::Text });
        self.y += 1.0;
        self.begin(Element::Paragraph);
        let when = date_time(document.written, &document.zone);
        let by = format!("{} · {} · {when}", document.site, document.node);
        self.set(LEFT, self.width(), &by, Style { ink: Ink::Soft, ..BODY });
        self.end();
        self.y += 8.0;
        for block in &part.blocks {
            self.block(block, document, contents);
        }
    }

    fn seal(&mut self, seal: Option<&Seal>) {
        let Some(seal) = seal else { return };
        let Some(square) = square(&seal.code) else { return };
        let module = CODE / f32::from(square.side);
        // The quiet zone reaches into the margin, so that the dark part ends where the text does.
        let x = self.size.0 - LEFT - CODE + 4.0 * module;
        self.begin(Element::Figure(format!("Square code: {}", seal.code)));
        self.put(Op::Code { x, y: TOP - 4.0 * module - 4.0, module, runs: square.runs });
        self.end();
        self.code_until = TOP + CODE - 2.0;
    }

    /// The width that a block has here: less beside the square code.
    pub fn width(&self) -> f32 {
        let all = self.size.0 - 2.0 * LEFT;
        if self.y < self.code_until { all - CODE - 6.0 } else { all }
    }

    /// Goes below the square code, for what needs the whole width.
    pub fn clear_code(&mut self) {
        self.y = self.y.max(self.code_until);
    }

    /// Where the last line may stand.
    pub fn bottom(&self) -> f32 {
        self.size.1 - BOTTOM
    }

    /// Makes sure that so much fits on this page, or begins a new one. True where it did.
    pub fn room(&mut self, height: f32) -> bool {
        let turns = self.y + height > self.bottom() && self.y > TOP;
        if turns {
            self.turn();
        }
        turns
    }

    /// A new page of the same part.
    pub fn turn(&mut self) {
        let part = self.pages.last().map_or(0, |p| p.part);
        self.pages.push(Page { part, marks: Vec::new() });
        self.y = TOP;
        self.code_until = 0.0;
    }

    /// What follows belongs to this element.
    pub fn begin(&mut self, element: Element) {
        self.elements.push(element);
        self.element = Some(self.elements.len() - 1);
    }

    /// What follows is there for the eye only.
    pub fn end(&mut self) {
        self.element = None;
    }

    /// Puts a mark on the page.
    pub fn put(&mut self, op: Op) {
        let element = self.element;
        if let Some(page) = self.pages.last_mut() {
            page.marks.push((element, op));
        }
    }

    /// Puts a mark that is there for the eye only.
    pub fn ornament(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push((None, op));
        }
    }

    /// A text in lines of this width.
    pub fn lines(&self, text: &str, width: f32, style: Style) -> Vec<String> {
        let letters = self.fonts.of(style.bold);
        wrap::lines(text, width.max(style.size * 2.0), &|c| letters.glyph(c).advance * style.size)
    }

    /// Puts one line, its baseline at y.
    pub fn line(&mut self, x: f32, y: f32, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        for c in text.chars() {
            if !self.fonts.regular.has(c) && !self.missing.contains(&c) && self.missing.len() < 40 {
                self.missing.push(c);
            }
        }
        let (size, bold, ink) = (style.size, style.bold, style.ink);
        self.put(Op::Text { x, y, size, bold, ink, text: text.to_owned() });
    }

    /// Sets a text from here downwards, over pages where it must.
    pub fn set(&mut self, x: f32, width: f32, text: &str, style: Style) {
        for line in self.lines(text, width, style) {
            self.room(style.leading);
            self.line(x, self.y + style.size, &line, style);
            self.y += style.leading;
        }
    }

    /// The width of a line.
    pub fn wide(&self, text: &str, style: Style) -> f32 {
        self.fonts.of(style.bold).width(text, style.size)
    }

    fn say_missing(&mut self) {
        if self.missing.is_empty() {
            return;
        }
        let codes: Vec<String> = self.missing.iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        let text = format!(
            "Characters that the font of this paper does not have are drawn as boxes: {}. The plain text has them.",
            codes.join(", ")
        );
        self.y += 8.0;
        self.begin(Element::Paragraph);
        self.set(LEFT, self.width(), &text, SMALL);
        self.end();
    }

    /// Head and foot of every page.
    fn frames(&mut self, document: &Document) {
        let count = self.pages.len();
        let (w, h) = self.size;
        let written =
            format!("written {} by vms {}", date_time(document.written, &document.zone), env!("CARGO_PKG_VERSION"));
        for i in 0..count {
            let first = self.starts.contains(&i);
            let seal = self.pages.get(i).and_then(|p| document.parts.get(p.part)).and_then(|p| p.seal.as_ref());
            let seal = seal.map(|s| format!("{} {}", s.label, s.text));
            let mut marks = Vec::new();
            let mut text = |x: f32, y: f32, size: f32, text: String| {
                marks.push((None, Op::Text { x, y, size, bold: false, ink: Ink::Soft, text }));
            };
            if !first {
                text(LEFT, 40.0, 8.0, self.cut(&format!("{} · {}", document.site, document.node), 180.0));
                let title = self.cut(&document.title, w - 2.0 * LEFT - 190.0);
                text(w - LEFT - self.fonts.regular.width(&title, 8.0), 40.0, 8.0, title);
            }
            let page = format!("page {} of {count}", i + 1);
            text(w - LEFT - self.fonts.regular.width(&page, 8.0), h - 36.0, 8.0, page);
            text(LEFT, h - 36.0, 7.2, written.clone());
            if let Some(seal) = seal {
                text(LEFT, h - 25.0, 7.0, self.cut(&seal, w - 2.0 * LEFT));
            }
            let rule = |y: f32, width: f32, ink: Ink| {
                (None, Op::Line { points: vec![(LEFT, y), (w - LEFT, y)], width, ink, dashed: false })
            };
            marks.push(if first { rule(46.0, 2.0, Ink::Accent) } else { rule(46.0, 0.5, Ink::Rule) });
            marks.push(rule(h - 47.0, 0.5, Ink::Rule));
            if let Some(page) = self.pages.get_mut(i) {
                page.marks.extend(marks);
            }
        }
    }

    /// A text for one line of this width, at size 8; the end of one that is too long goes.
    fn cut(&self, text: &str, width: f32) -> String {
        let style = Style { size: 8.0, leading: 10.0, bold: false, ink: Ink::Soft };
        let mut lines = self.lines(&text.replace('\n', " "), width, style).into_iter();
        let first = lines.next().unwrap_or_default();
        if lines.next().is_some() { format!("{first}…") } else { first }
    }
}

/// A moment as a date and a time of day in the zone.
pub fn date_time(at: jiff::Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}
