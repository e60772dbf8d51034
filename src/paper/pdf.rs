//! Pages of marks as a PDF: fonts embedded with the letters used, tagged for readers that do not see the page, with outline
//! and metadata.

use std::num::NonZeroU16;

use jiff::Zoned;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document as Pdf, SerializeSettings};

use super::PaperError;
use super::font::{Fonts, Letters};
use super::sheets::{Element, Ink, Op, Sheets};
use crate::model::paper::Document;

/// Writes the file.
pub fn write(document: &Document, sheets: &Sheets<'_>, fonts: &Fonts) -> Result<Vec<u8>, PaperError> {
    let settings = SerializeSettings { enable_tagging: true, ..SerializeSettings::default() };
    let mut pdf = Pdf::new_with(settings);
    let mut parts: Vec<Vec<Identifier>> = vec![Vec::new(); sheets.elements.len()];
    for page in &sheets.pages {
        let size = PageSettings::from_wh(sheets.size.0, sheets.size.1);
        let size = size.ok_or_else(|| PaperError::Pdf("the paper has no size".into()))?;
        let mut sheet = pdf.start_page_with(size);
        let mut surface = sheet.surface();
        for run in page.marks.chunk_by(|a, b| a.0 == b.0) {
            let element = run.first().and_then(|m| m.0);
            let tag = match element {
                Some(_) => ContentTag::Other,
                None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
            };
            let id = surface.start_tagged(tag);
            for (_, op) in run {
                draw(&mut surface, op, fonts);
            }
            surface.end_tagged();
            if let Some(list) = element.and_then(|e| parts.get_mut(e)) {
                list.push(id);
            }
        }
        surface.finish();
        sheet.finish();
    }
    pdf.set_metadata(metadata(document));
    pdf.set_outline(outline(sheets));
    pdf.set_tag_tree(tree(&sheets.elements, parts));
    pdf.finish().map_err(|e| PaperError::Pdf(format!("{e:?}")))
}

fn colour(ink: Ink) -> rgb::Color {
    let (r, g, b) = match ink {
        Ink::Text => (0x1a, 0x1d, 0x21),
        Ink::Soft => (0x5a, 0x62, 0x6b),
        Ink::Accent => (0x0b, 0x3d, 0x66),
        Ink::Good => (0x1c, 0x6b, 0x3a),
        Ink::Bad => (0xa8, 0x1e, 0x1e),
        Ink::Rule => (0xc4, 0xca, 0xd1),
        Ink::Band => (0xe8, 0xec, 0xf0),
        Ink::GoodBand => (0xe9, 0xf3, 0xec),
        Ink::BadBand => (0xfa, 0xe9, 0xe8),
        Ink::Area => (0xc9, 0xdb, 0xea),
    };
    rgb::Color::new(r, g, b)
}

fn fill(surface: &mut Surface<'_>, ink: Ink) {
    surface.set_stroke(None);
    let paint = colour(ink).into();
    surface.set_fill(Some(Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::NonZero }));
}

fn stroke(surface: &mut Surface<'_>, ink: Ink, width: f32, dashed: bool) {
    surface.set_fill(None);
    let dash = dashed.then(|| StrokeDash { array: vec![2.6, 2.0], offset: 0.0 });
    surface.set_stroke(Some(Stroke { paint: colour(ink).into(), width, dash, ..Stroke::default() }));
}

fn path(surface: &mut Surface<'_>, build: impl FnOnce(&mut PathBuilder)) {
    let mut builder = PathBuilder::new();
    build(&mut builder);
    if let Some(path) = builder.finish() {
        surface.draw_path(&path);
    }
}

fn through(builder: &mut PathBuilder, points: &[(f32, f32)]) {
    for (i, (x, y)) in points.iter().enumerate() {
        if i == 0 {
            builder.move_to(*x, *y);
        } else {
            builder.line_to(*x, *y);
        }
    }
}

fn draw(surface: &mut Surface<'_>, op: &Op, fonts: &Fonts) {
    match op {
        Op::Text { x, y, size, bold, ink, text } => {
            fill(surface, *ink);
            let letters = fonts.of(*bold);
            let glyphs = glyphs(text, letters);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, letters.embedded.clone(), text, *size, false);
        }
        Op::Fill { x, y, w, h, ink } => {
            fill(surface, *ink);
            path(surface, |b| rect(b, *x, *y, *w, *h));
        }
        Op::Outline { x, y, w, h, ink } => {
            stroke(surface, *ink, 0.8, false);
            path(surface, |b| rect(b, *x, *y, *w, *h));
        }
        Op::Line { points, width, ink, dashed } => {
            stroke(surface, *ink, *width, *dashed);
            path(surface, |b| through(b, points));
        }
        Op::Area { points, ink } => {
            fill(surface, *ink);
            path(surface, |b| {
                through(b, points);
                b.close();
            });
        }
        Op::Code { x, y, module, runs } => {
            fill(surface, Ink::Text);
            path(surface, |b| {
                for (cx, cy, n) in runs {
                    rect(b, x + f32::from(*cx) * module, y + f32::from(*cy) * module, f32::from(*n) * module, *module);
                }
            });
        }
    }
}

fn rect(builder: &mut PathBuilder, x: f32, y: f32, w: f32, h: f32) {
    if let Some(rect) = Rect::from_xywh(x, y, w, h) {
        builder.push_rect(rect);
    }
}

/// The letters of a text, one after the other: every letter stays findable, and none is joined with the next.
fn glyphs(text: &str, letters: &Letters) -> Vec<KrillaGlyph> {
    let one = |(at, c): (usize, char)| {
        let g = letters.glyph(c);
        KrillaGlyph::new(GlyphId::new(u32::from(g.id)), g.advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
    };
    text.char_indices().map(one).collect()
}

fn metadata(document: &Document) -> Metadata {
    let at = document.written.to_zoned(document.zone.clone());
    Metadata::new()
        .title(document.title.clone())
        .authors(vec![format!("{}, {}", document.site, document.node)])
        .creator(format!("vms {}", env!("CARGO_PKG_VERSION")))
        .language("en".to_owned())
        .creation_date(date(&at))
}

fn date(at: &Zoned) -> DateTime {
    let minutes = at.offset().seconds() / 60;
    let part = |v: i8| u8::try_from(v).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()).max(1))
        .day(part(at.day()).max(1))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()).min(59))
        .utc_offset_hour(i8::try_from(minutes / 60).unwrap_or_default())
        .utc_offset_minute(u8::try_from((minutes % 60).abs()).unwrap_or_default())
}

fn outline(sheets: &Sheets<'_>) -> Outline {
    let mut outline = Outline::new();
    let mut open: Option<OutlineNode> = None;
    for (text, page, y, level) in &sheets.outline {
        let node = OutlineNode::new(text.clone(), XyzDestination::new(*page, Point::from_xy(0.0, (y - 10.0).max(0.0))));
        match (&mut open, level) {
            (_, 0) => {
                if let Some(done) = open.replace(node) {
                    outline.push_child(done);
                }
            }
            (Some(part), 1) => part.push_child(node),
            _ => {}
        }
    }
    if let Some(done) = open {
        outline.push_child(done);
    }
    outline
}

fn tree(elements: &[Element], ids: Vec<Vec<Identifier>>) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    let mut list: Option<TagGroup> = None;
    let mut table: Option<(usize, TagGroup)> = None;
    let mut row: Option<(usize, TagGroup)> = None;
    for (element, ids) in elements.iter().zip(ids) {
        if ids.is_empty() && !matches!(element, Element::Cell(..)) {
            continue;
        }
        if !matches!(element, Element::Item(false))
            && let Some(done) = list.take()
        {
            tree.push(done);
        }
        let same = |t: &Option<(usize, TagGroup)>, n: usize| t.as_ref().is_some_and(|(m, _)| *m == n);
        let (number, line) = if let Element::Cell(t, r, _) = element { (Some(*t), Some(*r)) } else { (None, None) };
        let leaves = row.is_some() && !(number.is_some_and(|n| same(&table, n)) && line.is_some_and(|n| same(&row, n)));
        if leaves && let (Some((_, done)), Some((_, table))) = (row.take(), &mut table) {
            table.push(done);
        }
        if table.is_some()
            && !number.is_some_and(|n| same(&table, n))
            && let Some((_, done)) = table.take()
        {
            tree.push(done);
        }
        match element {
            Element::Heading(level, text) => {
                let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
                tree.push(group(Tag::Hn(level, Some(text.clone())), ids));
            }
            Element::Paragraph => tree.push(group(Tag::P, ids)),
            Element::Figure(alt) => tree.push(group(Tag::Figure(Some(alt.clone())), ids)),
            Element::Item(_) => {
                let body = group(Tag::LBody, ids);
                let item = TagGroup::with_children(Tag::LI, vec![Node::Group(body)]);
                list.get_or_insert_with(|| TagGroup::new(Tag::L(ListNumbering::None))).push(item);
            }
            Element::Cell(t, r, head) => {
                table.get_or_insert_with(|| (*t, TagGroup::new(Tag::Table)));
                let cell = if *head { group(Tag::TH(TableHeaderScope::Column), ids) } else { group(Tag::TD, ids) };
                row.get_or_insert_with(|| (*r, TagGroup::new(Tag::TR))).1.push(cell);
            }
        }
    }
    if let (Some((_, done)), Some((_, table))) = (row, &mut table) {
        table.push(done);
    }
    for left in [list, table.map(|t| t.1)].into_iter().flatten() {
        tree.push(left);
    }
    tree
}

fn group(tag: impl Into<TagKind>, ids: Vec<Identifier>) -> TagGroup {
    TagGroup::with_children(tag, ids.into_iter().map(Node::Leaf).collect())
}
