//! Tables: cells wrap, rows break over pages only where they are taller than one, and the head comes again on each.

use super::sheets::{CELL, Element, HEAD, Ink, LEFT, Op, Sheets, Style};
use crate::model::paper::Table;

/// Between a cell's edge and its text.
const PAD: f32 = 4.0;
/// Above and below the lines of a row.
const AIR: f32 = 2.6;

/// A column on the page: where, how wide, whether of numbers.
struct Place {
    x: f32,
    w: f32,
    numbers: bool,
}

impl Sheets<'_> {
    /// Lays a table.
    pub(super) fn table(&mut self, table: &Table) {
        if table.columns.is_empty() {
            return;
        }
        self.clear_code();
        self.tables += 1;
        let places = self.places(table);
        let titles: Vec<String> = table.columns.iter().map(|c| c.title.clone()).collect();
        let head = self.cells(&titles, &places, HEAD);
        self.room(height(&head, HEAD) + CELL.leading + 2.0 * AIR);
        self.head(&head, &places, true);
        for (i, row) in table.rows.iter().enumerate() {
            let cells = self.cells(row, &places, CELL);
            self.row(i + 1, &cells, &places, &head);
        }
        self.y += 9.0;
    }

    fn places(&self, table: &Table) -> Vec<Place> {
        let all: f32 = table.columns.iter().map(|c| f32::from(c.share.max(1))).sum();
        let mut x = LEFT;
        let mut places = Vec::with_capacity(table.columns.len());
        for c in &table.columns {
            let w = self.width() * f32::from(c.share.max(1)) / all;
            places.push(Place { x, w, numbers: c.numbers });
            x += w;
        }
        places
    }

    fn cells(&self, row: &[String], places: &[Place], style: Style) -> Vec<Vec<String>> {
        let cell = |(i, p): (usize, &Place)| self.lines(row.get(i).map_or("", |t| t), p.w - 2.0 * PAD, style);
        places.iter().enumerate().map(cell).collect()
    }

    fn head(&mut self, head: &[Vec<String>], places: &[Place], first: bool) {
        let h = height(head, HEAD);
        let w = self.width();
        self.ornament(Op::Fill { x: LEFT, y: self.y, w, h, ink: Ink::Band });
        self.slice(0, head, places, HEAD, 0..usize::MAX, first);
        self.y += h;
        self.rule(Ink::Soft, 0.7);
    }

    fn rule(&mut self, ink: Ink, width: f32) {
        let points = vec![(LEFT, self.y), (LEFT + self.width(), self.y)];
        self.ornament(Op::Line { points, width, ink, dashed: false });
    }

    fn row(&mut self, number: usize, cells: &[Vec<String>], places: &[Place], head: &[Vec<String>]) {
        let h = height(cells, CELL);
        let page = self.bottom() - 66.0 - height(head, HEAD);
        if self.y + h > self.bottom() && (h <= page || self.y + 4.0 * CELL.leading > self.bottom()) {
            self.turn();
            self.head(head, places, false);
        }
        let tallest = cells.iter().map(Vec::len).max().unwrap_or(1);
        let mut from = 0;
        while from < tallest {
            let fit = ((self.bottom() - self.y - 2.0 * AIR) / CELL.leading).floor().max(1.0) as usize;
            let to = tallest.min(from + fit);
            self.slice(number, cells, places, CELL, from..to, true);
            self.y += (to - from) as f32 * CELL.leading + 2.0 * AIR;
            self.rule(Ink::Rule, 0.4);
            from = to;
            if from < tallest {
                self.turn();
                self.head(head, places, false);
            }
        }
    }

    /// Some of the lines of a row's cells. What is only repeated is there for the eye only.
    fn slice(
        &mut self,
        row: usize,
        cells: &[Vec<String>],
        places: &[Place],
        style: Style,
        lines: std::ops::Range<usize>,
        tell: bool,
    ) {
        for (cell, place) in cells.iter().zip(places) {
            if tell {
                self.begin(Element::Cell(self.tables, row, row == 0));
            } else {
                self.end();
            }
            for (n, line) in cell.iter().skip(lines.start).take(lines.len()).enumerate() {
                let right = if place.numbers { place.w - 2.0 * PAD - self.wide(line, style) } else { 0.0 };
                let y = self.y + AIR + n as f32 * style.leading + style.size;
                self.line(place.x + PAD + right.max(0.0), y, line, style);
            }
        }
        self.end();
    }
}

fn height(cells: &[Vec<String>], style: Style) -> f32 {
    cells.iter().map(Vec::len).max().unwrap_or(1).max(1) as f32 * style.leading + 2.0 * AIR
}
