//! A terminal's screen as a picture: coloured cells, text as text, blocks as rectangles so that they join without seams.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Size of a cell, and where the baseline lies in it, in pixels.
const CELL: (f64, f64) = (8.4, 17.0);
const BASELINE: f64 = 13.0;
const MARGIN: f64 = 12.0;

const PAPER: [u8; 3] = [0x0f, 0x14, 0x19];
const INK: [u8; 3] = [0xcc, 0xd3, 0xda];

/// The sixteen colours that a terminal may choose; these are calm ones.
const SIXTEEN: [[u8; 3]; 16] = [
    [0x1d, 0x23, 0x2a],
    [0xe0, 0x5c, 0x5c],
    [0x74, 0xb8, 0x6b],
    [0xd9, 0xa4, 0x41],
    [0x5a, 0x93, 0xd6],
    [0xb7, 0x7f, 0xd0],
    [0x4f, 0xb3, 0xbf],
    [0xb8, 0xc0, 0xc8],
    [0x6b, 0x75, 0x80],
    [0xff, 0x7b, 0x72],
    [0x93, 0xd6, 0x89],
    [0xf2, 0xc6, 0x6d],
    [0x82, 0xb4, 0xf0],
    [0xd2, 0xa3, 0xe8],
    [0x7c, 0xd5, 0xdf],
    [0xf0, 0xf3, 0xf6],
];

/// How a cell looks, besides what stands in it.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: [u8; 3],
    paper: [u8; 3],
    bold: bool,
    underline: bool,
}

/// The whole picture.
pub fn picture(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (w, h) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" font-size=\"14\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\">\n\
         <title>The console of vms on its demonstration</title>\n\
         <rect width=\"{w:.0}\" height=\"{h:.0}\" rx=\"8\" fill=\"{}\"/>\n",
        hex(PAPER)
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some((look, text)) = run(screen, row, column, columns) else {
                column += 1;
                continue;
            };
            let cells = text.chars().count();
            draw(&mut out, (column, row), look, &text);
            column += u16::try_from(cells).unwrap_or(1).max(1);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The cells from here on that look the same, blocks apart from letters.
fn run(screen: &Screen, row: u16, from: u16, columns: u16) -> Option<(Look, String)> {
    let first = screen.cell(row, from)?;
    let (look, block) = (look(first), block(letter(first)).is_some());
    let same = |c: &&Cell| self::look(c) == look && self::block(letter(c)).is_some() == block;
    let cells = (from..columns).map_while(|column| screen.cell(row, column)).take_while(same);
    Some((look, cells.map(letter).collect()))
}

fn letter(cell: &Cell) -> char {
    cell.contents().chars().next().unwrap_or(' ')
}

fn look(cell: &Cell) -> Look {
    let (mut ink, mut paper) = (colour(cell.fgcolor(), INK), colour(cell.bgcolor(), PAPER));
    if cell.inverse() {
        std::mem::swap(&mut ink, &mut paper);
    }
    if cell.dim() {
        ink = std::array::from_fn(|i| u8::try_from((u16::from(ink[i]) * 3 + u16::from(paper[i]) * 2) / 5).unwrap_or(0));
    }
    Look { ink, paper, bold: cell.bold(), underline: cell.underline() }
}

fn colour(c: Color, usual: [u8; 3]) -> [u8; 3] {
    match c {
        Color::Default => usual,
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Idx(i @ 0..=15) => SIXTEEN[usize::from(i)],
        Color::Idx(i @ 16..=231) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = i - 16;
            [level(n / 36), level(n / 6 % 6), level(n % 6)]
        }
        Color::Idx(i) => [8 + 10 * (i - 232); 3],
    }
}

/// Top and height of a block within its cell, as shares of it.
fn block(c: char) -> Option<(f64, f64)> {
    match c {
        '▀' => Some((0.0, 0.5)),
        '▁'..='█' => {
            let height = f64::from(u32::from(c) - u32::from('▁') + 1) / 8.0;
            Some((1.0 - height, height))
        }
        _ => None,
    }
}

fn draw(out: &mut String, (column, row): (u16, u16), look: Look, text: &str) {
    let (x, y) = (MARGIN + f64::from(column) * CELL.0, MARGIN + f64::from(row) * CELL.1);
    let width = text.chars().count() as f64 * CELL.0;
    if look.paper != PAPER {
        rectangle(out, [x, y, width, CELL.1], look.paper);
    }
    if text.chars().next().and_then(block).is_some() {
        let mut at = x;
        let letters: Vec<char> = text.chars().collect();
        for same in letters.chunk_by(|a, b| a == b) {
            let (top, height) = block(same[0]).unwrap_or_default();
            let width = same.len() as f64 * CELL.0;
            rectangle(out, [at, y + top * CELL.1, width, height * CELL.1], look.ink);
            at += width;
        }
        return;
    }
    // Spaces need not be drawn; words far apart are placed each on its own, whatever the font's width.
    let mut at = 0;
    for word in text.split("  ") {
        let bare = word.trim_start_matches(' ');
        let start = at + (word.chars().count() - bare.chars().count());
        at += word.chars().count() + 2;
        let bare = bare.trim_end_matches(' ');
        let cells = bare.chars().count();
        if cells > 0 {
            let more = [(look.bold, " font-weight=\"bold\""), (look.underline, " text-decoration=\"underline\"")];
            let more: String = more.iter().filter(|m| m.0).map(|m| m.1).collect();
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{more}>{}</text>",
                x + start as f64 * CELL.0,
                y + BASELINE,
                cells as f64 * CELL.0,
                hex(look.ink),
                escaped(bare)
            );
        }
    }
}

fn rectangle(out: &mut String, [x, y, w, h]: [f64; 4], fill: [u8; 3]) {
    let fill = hex(fill);
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.2}\" width=\"{w:.1}\" height=\"{h:.2}\" fill=\"{fill}\" shape-rendering=\"crispEdges\"/>"
    );
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A blank of the Braille block is a space.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\u{2800}', " ")
}
