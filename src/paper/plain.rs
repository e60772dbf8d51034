//! The same document as plain text of 80 columns: for a screen, a line printer, a mail.

use super::sheets::date_time;
use super::wrap;
use crate::model::paper::{Block, Document, Part, Plot, Table};

/// From the lowest to the highest value of a plot.
const LEVELS: [char; 9] = ['_', '.', ':', '-', '=', '+', '*', '%', '#'];
/// Columns of a line.
const WIDTH: usize = 80;

/// Writes it.
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    for (i, part) in document.parts.iter().enumerate() {
        if i > 0 {
            out.push_str("\n\n");
        }
        head(&mut out, document, part);
        for block in &part.blocks {
            put(&mut out, block, document);
        }
    }
    out
}

fn head(out: &mut String, document: &Document, part: &Part) {
    line(out, &"=".repeat(WIDTH));
    wrapped(out, "", &part.kind.to_uppercase());
    wrapped(out, "", &part.title);
    let when = date_time(document.written, &document.zone);
    wrapped(out, "", &format!("{} · {} · {when}", document.site, document.node));
    if let Some(seal) = &part.seal {
        wrapped(out, "", &format!("{} {}", seal.label, seal.text));
    }
    line(out, &"=".repeat(WIDTH));
    out.push('\n');
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Columns that a letter takes: what combines with the letter before takes none.
fn columns(_: char) -> f32 {
    1.0
}

fn cut(text: &str, width: usize) -> Vec<String> {
    wrap::lines(text, width.max(4) as f32, &columns)
}

fn long(text: &str) -> usize {
    text.chars().count()
}

/// A text behind an indent; its first line begins with `mark`, the others with as many spaces.
fn wrapped(out: &mut String, mark: &str, text: &str) {
    let indent = long(mark);
    for (i, l) in cut(text, WIDTH.saturating_sub(indent)).iter().enumerate() {
        let start = if i == 0 { mark.to_owned() } else { " ".repeat(indent) };
        line(out, &format!("{start}{l}"));
    }
}

fn put(out: &mut String, block: &Block, document: &Document) {
    match block {
        Block::Heading(level, text) => {
            wrapped(out, "", text);
            let mark = if *level <= 1 { "-" } else { "." };
            line(out, &mark.repeat(long(text).min(WIDTH)));
        }
        Block::Text(text) | Block::Small(text) => wrapped(out, "", text),
        Block::Verdict(text, good) => {
            let word = match good {
                Some(true) => "[ IN ORDER ]  ",
                Some(false) => "[ NOT IN ORDER ]  ",
                None => "[ NOTE ]  ",
            };
            wrapped(out, word, text);
        }
        Block::Facts(facts) => {
            let widest = facts.iter().map(|(n, _)| long(n)).max().unwrap_or(0).min(28);
            for (name, value) in facts {
                let pad = widest.saturating_sub(long(name));
                wrapped(out, &format!("{}{}  ", shorten(name, widest), " ".repeat(pad)), value);
            }
        }
        Block::List(points) => points.iter().for_each(|p| wrapped(out, "  * ", p)),
        Block::Steps(steps) => {
            for (i, (title, details)) in steps.iter().enumerate() {
                wrapped(out, &format!("{:>3}. ", i + 1), title);
                for d in details {
                    wrapped(out, "     ", d);
                }
            }
        }
        Block::Table(table) => rows(out, table),
        Block::Plot(plot) => curve(out, plot),
        Block::Boxes(text, boxes) => {
            if !text.is_empty() {
                wrapped(out, "", text);
            }
            let all: Vec<String> = boxes.iter().map(|b| format!("[ ] {b}")).collect();
            wrapped(out, "    ", &all.join("    ").replace("] ", "]\u{a0}"));
        }
        Block::WriteIn(label, lines) => {
            if !label.is_empty() {
                wrapped(out, "    ", label);
            }
            for _ in 0..(*lines).max(1) {
                line(out, &format!("\n    {}", "_".repeat(WIDTH - 4)));
            }
        }
        Block::Signatures(lines) => {
            for s in lines {
                let given = if s.given.is_empty() { "_".repeat(40) } else { s.given.replace('\n', ", ") };
                wrapped(out, &format!("{}: ", shorten(&s.label, 30)), &given);
            }
        }
        Block::Contents => {
            for part in document.parts.iter().skip(1) {
                wrapped(out, "  * ", &part.title);
            }
        }
    }
    out.push('\n');
}

fn shorten(text: &str, width: usize) -> String {
    if long(text) <= width { text.to_owned() } else { text.chars().take(width).collect() }
}

/// Widths of the columns in letters: by their shares, at least four.
fn widths(table: &Table) -> Vec<usize> {
    let all: usize = table.columns.iter().map(|c| usize::from(c.share.max(1))).sum();
    let free = WIDTH.saturating_sub(2 * table.columns.len().saturating_sub(1));
    let mut widths: Vec<usize> =
        table.columns.iter().map(|c| (free * usize::from(c.share.max(1)) / all.max(1)).max(4)).collect();
    // What narrow columns were given beyond their share, wide ones give up.
    while widths.iter().sum::<usize>() > free {
        let Some(widest) = widths.iter_mut().max().filter(|w| **w > 4) else { break };
        *widest -= 1;
    }
    widths
}

fn rows(out: &mut String, table: &Table) {
    let widths = widths(table);
    let titles: Vec<String> = table.columns.iter().map(|c| c.title.clone()).collect();
    row(out, &titles, table, &widths);
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    line(out, &rule.join("  "));
    for r in &table.rows {
        row(out, r, table, &widths);
    }
}

fn row(out: &mut String, cells: &[String], table: &Table, widths: &[usize]) {
    let cut: Vec<Vec<String>> =
        widths.iter().enumerate().map(|(i, w)| cut(cells.get(i).map_or("", |c| c), *w)).collect();
    for n in 0..cut.iter().map(Vec::len).max().unwrap_or(0) {
        let mut text = String::new();
        for ((cell, width), column) in cut.iter().zip(widths).zip(&table.columns) {
            let part = cell.get(n).map_or("", |c| c);
            let pad = " ".repeat(width.saturating_sub(long(part)));
            let parts = if column.numbers { [pad.as_str(), part] } else { [part, pad.as_str()] };
            text.push_str(&parts.concat());
            text.push_str("  ");
        }
        line(out, &text);
    }
}

/// A plot as its extremes and as bars: the mean of each eightieth of the time against the largest value.
fn curve(out: &mut String, plot: &Plot) {
    let finite: Vec<_> = plot.points.iter().filter(|p| p.mean.is_finite()).collect();
    let limit = plot.limit.map_or_else(String::new, |l| format!(", limit {l} {}", plot.unit));
    if finite.is_empty() {
        return wrapped(out, "", &format!("{}: no values in this time{limit}", plot.title));
    }
    let (least, most) = finite.iter().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.least), b.max(p.most)));
    wrapped(out, "", &format!("{}: from {least:.2} to {most:.2} {}{limit}", plot.title, plot.unit));
    let top = plot.limit.filter(|l| l.is_finite()).map_or(most, |l| l.max(most)).max(f64::MIN_POSITIVE);
    let slots = WIDTH - 2;
    let mut bars = vec![None::<f64>; slots];
    for p in finite {
        let share = p.at.saturating_sub(plot.from) as f64 / plot.to.saturating_sub(plot.from).max(1) as f64;
        let i = ((share * slots as f64) as usize).min(slots - 1);
        if let Some(bar) = bars.get_mut(i) {
            *bar = Some(bar.map_or(p.mean, |b| b.max(p.mean)));
        }
    }
    let mark = |v: f64| LEVELS[((v / top).clamp(0.0, 1.0) * 8.0).round() as usize];
    let text: String = bars.iter().map(|b| b.map_or(' ', mark)).collect();
    line(out, &format!("|{text}|"));
}
