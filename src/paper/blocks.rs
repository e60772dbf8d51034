//! How each kind of block is laid on the page.

use super::sheets::{BODY, Element, Ink, LEFT, Op, SMALL, Sheets, Style};
use crate::model::paper::{Block, Document, SignatureLine};

/// Side of a box to tick.
const TICK: f32 = 8.5;

impl Sheets<'_> {
    /// Lays one block.
    pub(super) fn block(&mut self, block: &Block, document: &Document, contents: &[usize]) {
        match block {
            Block::Heading(level, text) => self.heading(*level, text),
            Block::Text(text) => self.paragraph(text, BODY),
            Block::Small(text) => self.paragraph(text, SMALL),
            Block::Verdict(text, good) => self.verdict(text, *good),
            Block::Facts(facts) => self.facts(facts),
            Block::List(points) => self.list(points),
            Block::Steps(steps) => self.steps(steps),
            Block::Table(table) => self.table(table),
            Block::Plot(plot) => self.plot(plot),
            Block::Boxes(text, boxes) => self.boxes(text, boxes),
            Block::WriteIn(label, lines) => self.write_in(label, *lines),
            Block::Signatures(lines) => self.signatures(lines),
            Block::Contents => self.contents(document, contents),
        }
        self.end();
    }

    fn heading(&mut self, level: u8, text: &str) {
        let large = level <= 1;
        let style = if large {
            Style { size: 12.5, leading: 16.0, bold: true, ink: Ink::Accent }
        } else {
            Style { size: 10.0, leading: 13.5, bold: true, ink: Ink::Text }
        };
        self.y += if large { 10.0 } else { 6.0 };
        // A heading is not left alone at the end of a page.
        self.room(style.leading + 4.0 * BODY.leading);
        let page = self.pages.len().saturating_sub(1);
        self.outline.push((text.to_owned(), page, self.y, level.clamp(1, 2)));
        self.begin(Element::Heading(if large { 2 } else { 3 }, text.to_owned()));
        self.set(LEFT, self.width(), text, style);
        self.end();
        if large {
            let (y, right) = (self.y + 1.5, LEFT + self.width());
            self.ornament(Op::Line { points: vec![(LEFT, y), (right, y)], width: 0.6, ink: Ink::Rule, dashed: false });
            self.y += 3.0;
        }
        self.y += 3.0;
    }

    fn paragraph(&mut self, text: &str, style: Style) {
        self.begin(Element::Paragraph);
        self.set(LEFT, self.width(), text, style);
        self.y += 5.0;
    }

    fn verdict(&mut self, text: &str, good: Option<bool>) {
        let (ink, band, word) = match good {
            Some(true) => (Ink::Good, Ink::GoodBand, "IN ORDER"),
            Some(false) => (Ink::Bad, Ink::BadBand, "NOT IN ORDER"),
            None => (Ink::Soft, Ink::Band, "NOTE"),
        };
        let head = Style { size: 9.5, leading: 13.0, bold: true, ink };
        let width = self.width();
        let lines = self.lines(text, width - 120.0, BODY);
        let height = lines.len() as f32 * BODY.leading + 10.0;
        self.room(height.min(200.0) + 4.0);
        // A long one runs over the page without its band.
        if self.y + height <= self.bottom() {
            self.ornament(Op::Fill { x: LEFT, y: self.y, w: width, h: height, ink: band });
            self.ornament(Op::Fill { x: LEFT, y: self.y, w: 4.0, h: height, ink });
        }
        self.begin(Element::Paragraph);
        self.y += 5.0;
        self.line(LEFT + 12.0, self.y + 9.5, word, head);
        self.set(LEFT + 110.0, width - 120.0, text, BODY);
        self.y += 11.0;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        let name = Style { ink: Ink::Soft, ..BODY };
        let widest = facts.iter().map(|(n, _)| self.wide(n, name)).fold(0.0, f32::max);
        let indent = (widest + 14.0).clamp(60.0, 170.0);
        for (i, (label, value)) in facts.iter().enumerate() {
            self.room(BODY.leading);
            self.begin(Element::Item(i == 0));
            let (page, top) = (self.pages.len(), self.y);
            self.set(LEFT, indent - 8.0, label, name);
            let after = self.y;
            if self.pages.len() == page {
                self.y = top;
            }
            self.set(LEFT + indent, self.width() - indent, value, BODY);
            if self.pages.len() == page {
                self.y = self.y.max(after);
            }
            self.y += 1.0;
        }
        self.y += 6.0;
    }

    fn list(&mut self, points: &[String]) {
        for (i, point) in points.iter().enumerate() {
            self.room(BODY.leading);
            self.begin(Element::Item(i == 0));
            self.line(LEFT + 4.0, self.y + BODY.size, "•", BODY);
            self.set(LEFT + 16.0, self.width() - 16.0, point, BODY);
            self.y += 1.5;
        }
        self.y += 5.0;
    }

    fn steps(&mut self, steps: &[(String, Vec<String>)]) {
        for (i, (title, details)) in steps.iter().enumerate() {
            let bold = Style { bold: true, ..BODY };
            let width = self.width() - 24.0;
            let tall: usize = details.iter().map(|d| self.lines(d, width, BODY).len()).sum();
            self.room((tall.min(8) + 1) as f32 * BODY.leading);
            self.begin(Element::Item(i == 0));
            self.line(LEFT, self.y + BODY.size, &format!("{}.", i + 1), Style { ink: Ink::Accent, ..bold });
            self.set(LEFT + 24.0, width, title, bold);
            for detail in details {
                match detail.strip_prefix("$ ") {
                    Some(command) => self.command(command),
                    None => self.set(LEFT + 24.0, width, detail, BODY),
                }
            }
            self.y += 5.0;
        }
        self.y += 3.0;
    }

    /// What is to be typed, on a ground of its own.
    fn command(&mut self, text: &str) {
        let width = self.width() - 24.0;
        let style = Style { size: 8.8, ..BODY };
        self.y += 1.5;
        for line in self.lines(text, width - 12.0, style) {
            self.room(style.leading);
            let (y, h) = (self.y, style.leading);
            self.ornament(Op::Fill { x: LEFT + 24.0, y, w: width, h, ink: Ink::Band });
            self.line(LEFT + 30.0, self.y + 9.6, &line, style);
            self.y += style.leading;
        }
        self.y += 2.5;
    }

    fn boxes(&mut self, text: &str, boxes: &[String]) {
        let width = self.width();
        let lines = self.lines(text, width, BODY).len() as f32;
        self.room((lines + 1.0) * BODY.leading + 6.0);
        if !text.is_empty() {
            self.begin(Element::Paragraph);
            self.set(LEFT, width, text, BODY);
        }
        self.begin(Element::Paragraph);
        let mut x = LEFT + 24.0;
        for label in boxes {
            let wide = TICK + 5.0 + self.wide(label, BODY) + 20.0;
            if x + wide > LEFT + width && x > LEFT + 24.0 {
                x = LEFT + 24.0;
                self.y += BODY.leading + 3.0;
                self.room(BODY.leading + 4.0);
            }
            let y = self.y + 2.0;
            self.put(Op::Outline { x, y, w: TICK, h: TICK, ink: Ink::Text });
            let rest = LEFT + width - x - TICK - 5.0;
            if let Some(first) = self.lines(label, rest, BODY).first() {
                self.line(x + TICK + 5.0, self.y + BODY.size + 0.5, first, BODY);
            }
            x += wide;
        }
        self.y += BODY.leading + 7.0;
    }

    fn write_in(&mut self, label: &str, lines: u8) {
        let width = self.width();
        self.room(BODY.leading + 20.0);
        if !label.is_empty() {
            self.begin(Element::Paragraph);
            self.set(LEFT + 24.0, width - 24.0, label, Style { ink: Ink::Soft, ..BODY });
            self.end();
        }
        for _ in 0..lines.max(1) {
            self.room(22.0);
            self.y += 18.0;
            let points = vec![(LEFT + 24.0, self.y), (LEFT + width, self.y)];
            self.ornament(Op::Line { points, width: 0.5, ink: Ink::Soft, dashed: false });
        }
        self.y += 8.0;
    }

    fn signatures(&mut self, lines: &[SignatureLine]) {
        let width = (self.width() - 24.0) / 2.0;
        for pair in lines.chunks(2) {
            let given: Vec<Vec<String>> = pair.iter().map(|s| self.lines(&s.given, width, SMALL)).collect();
            let tall = given.iter().map(Vec::len).max().unwrap_or(0) as f32 * SMALL.leading;
            let tall = tall.max(26.0);
            self.room(tall + 26.0);
            let line = self.y + tall + 8.0;
            for (i, (signature, given)) in pair.iter().zip(&given).enumerate() {
                let x = LEFT + i as f32 * (width + 24.0);
                self.begin(Element::Paragraph);
                for (n, text) in given.iter().enumerate() {
                    let up = (given.len() - n) as f32 * SMALL.leading;
                    self.line(x, line - up + 6.0, text, Style { ink: Ink::Text, ..SMALL });
                }
                let label = self.lines(&signature.label, width, SMALL);
                self.line(x, line + 11.0, label.first().map_or("", |l| l), SMALL);
                let points = vec![(x, line), (x + width, line)];
                self.ornament(Op::Line { points, width: 0.7, ink: Ink::Text, dashed: false });
            }
            self.y = line + 22.0;
        }
    }

    fn contents(&mut self, document: &Document, contents: &[usize]) {
        for (i, part) in document.parts.iter().enumerate().skip(1) {
            self.room(BODY.leading);
            self.begin(Element::Item(i == 1));
            let page = contents.get(i).map_or_else(String::new, |p| (p + 1).to_string());
            let width = self.width();
            let title = self.lines(&part.title, width - 40.0, BODY).into_iter().next().unwrap_or_default();
            let (from, number) = (self.wide(&title, BODY), self.wide(&page, BODY));
            self.line(LEFT, self.y + BODY.size, &title, BODY);
            self.line(LEFT + width - number, self.y + BODY.size, &page, BODY);
            let (y, ends) = (self.y + BODY.size - 0.5, (LEFT + from + 5.0, LEFT + width - 30.0));
            let points = vec![(ends.0, y), (ends.1.max(ends.0), y)];
            self.ornament(Op::Line { points, width: 0.4, ink: Ink::Rule, dashed: true });
            self.y += BODY.leading;
        }
        self.y += 6.0;
    }
}
