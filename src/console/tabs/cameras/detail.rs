//! The detail of a camera: picture, regions, facts, tries.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{picture, table};
use crate::base::text::{age, sig3};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::facts::{self, Fact};
use crate::console::widgets::{chart, text};
use crate::model::camera::{CameraBoard, CameraReport};
use crate::model::vibration::{Grade, RoiBoard};

/// Below this height picture and facts do not fit one below the other.
const LOW: u16 = 22;
/// Rows kept for the facts below the picture.
const FACTS: u16 = 9;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) {
    let mut rest = area;
    rest = below(rest, title(buffer, rest, c, ctx));
    if let Some(say) = c.report.as_ref().and_then(|r| r.text.as_ref()) {
        let style = ctx.theme.style(ctx.theme.camera(c.state()).role);
        rest = below(rest, facts::paragraph(buffer, rest, say, style, ctx.theme));
    }
    rest = below(rest, tries(buffer, rest, c, ctx));
    if rest.height < LOW && rest.width >= 70 {
        beside(buffer, rest, c, ctx);
        return;
    }
    let legend = c.rois.len().min(6) as u16;
    let room = rest.height.saturating_sub(FACTS + legend + 1);
    rest = below(rest, live(buffer, Rect { height: room, ..rest }, c, ctx));
    rest = below(rest, regions(buffer, Rect { height: rest.height.min(legend), ..rest }, c, ctx));
    if rest.height > 1 && legend > 0 {
        rest = below(rest, 1);
    }
    stream(buffer, rest, c, ctx);
}

/// In a low and broad area the facts stand beside the picture.
fn beside(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) {
    let left = Rect { width: area.width * 11 / 20, ..area };
    live(buffer, left, c, ctx);
    let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
    let legend = c.rois.len().min(6) as u16;
    let used = regions(buffer, Rect { height: right.height.min(legend), ..right }, c, ctx);
    stream(buffer, below(right, used + 1), c, ctx);
}

/// What is left below the first lines.
fn below(rest: Rect, lines: u16) -> Rect {
    let lines = lines.min(rest.height);
    Rect { y: rest.y + lines, height: rest.height - lines, ..rest }
}

fn title(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) -> u16 {
    let t = ctx.theme;
    let cells = usize::from(area.width);
    let mark = t.camera(c.state());
    let since = c.report.as_ref().map_or(String::new(), |r| format!(" for {}", age(ctx.now.mono.since(r.since.mono))));
    let state = format!("{}{since}", mark.label());
    let name = text::cut(&t.plain(&c.name), cells.saturating_sub(text::width(&state) + 2), t.glyphs().more);
    buffer.set_stringn(area.x, area.y, name, cells, t.heading());
    let x = area.right().saturating_sub(text::width(&state) as u16);
    buffer.set_stringn(x, area.y, &state, cells, t.style(mark.role));
    1
}

/// What was tried and when, while the camera is away.
fn tries(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) -> u16 {
    let Some(r) = c.report.as_ref().filter(|r| !r.state.has_frames() && !r.attempts.is_empty()) else { return 0 };
    let t = ctx.theme;
    let mut y = area.y;
    let seen =
        r.last_frame.map_or("no frame yet".into(), |f| format!("last frame {} ago", age(ctx.now.mono.since(f.mono))));
    let head = format!("{seen}; the last tries:");
    buffer.set_stringn(area.x, y, head, usize::from(area.width), t.style(Role::Quiet));
    y += 1;
    for a in r.attempts.iter().rev().take(5) {
        if y >= area.bottom() {
            break;
        }
        let when = a.at.wall.to_zoned(ctx.board.time_zone.clone()).strftime("%H:%M:%S").to_string();
        let line = format!("  {when}  {}", t.plain(&a.outcome));
        buffer.set_stringn(
            area.x,
            y,
            text::cut(&line, usize::from(area.width), t.glyphs().more),
            usize::from(area.width),
            Style::default(),
        );
        y += 1;
    }
    y + 1 - area.y
}

fn live(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) -> u16 {
    if area.height < 3 {
        return 0;
    }
    let t = ctx.theme;
    let index = c.report.as_ref().map(|r| r.index);
    let mine = ctx.board.snapshot.as_ref().filter(|s| Some(s.camera) == index);
    let Some(s) = mine else {
        let say = if c.state().has_frames() { "The picture is on its way." } else { "No picture: no frame arrives." };
        facts::paragraph(buffer, area, say, t.style(Role::Quiet), t);
        return 2;
    };
    let old = ctx.now.mono.secs_since(s.at.mono);
    let room = Rect { height: area.height - u16::from(old > table::STALE_S), ..area };
    let place = picture::draw(buffer, room, s, &c.rois, t);
    if old > table::STALE_S {
        let say = format!("this picture is {} old", age(ctx.now.mono.since(s.at.mono)));
        buffer.set_stringn(place.x, place.bottom(), say, usize::from(area.width), t.style(Role::Warning));
        return place.height + 1;
    }
    place.height
}

/// The legend: number, region, level, reading.
fn regions(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) -> u16 {
    let t = ctx.theme;
    let old = table::stale(c, ctx);
    for (i, roi) in c.rois.iter().enumerate().take(usize::from(area.height)) {
        let y = area.y + i as u16;
        let mark = t.level(roi.level);
        let role = if roi.role == crate::model::vibration::Role::Background { "background" } else { mark.word };
        let mut x = area.x;
        let mut put = |s: &str, cells: usize, style: Style| {
            let left = usize::from(area.right().saturating_sub(x));
            buffer.set_stringn(x, y, text::fit(s, cells, false, t.glyphs().more), left, style);
            x = x.saturating_add(cells as u16 + 1);
        };
        put(&format!("{}", i + 1), 1, t.heading());
        put(&t.plain(roi.id.as_str()), 15, Style::default());
        put(&format!("{} {role}", mark.symbol), 12, t.style(mark.role));
        let say = reading(roi);
        let room = usize::from(area.width.saturating_sub(31));
        // A part of a number says something wrong; rather nothing.
        if room >= text::width(&say).min(14) {
            put(&t.plain(&say), room, t.aged(Style::default(), old));
        }
    }
    c.rois.len().min(usize::from(area.height)) as u16
}

/// What a region shows, in words where it cannot be measured: an old value is never shown as a new one.
fn reading(roi: &RoiBoard) -> String {
    match (&roi.fault, &roi.reading) {
        (Some(fault), _) => fault.to_string(),
        (None, None) => "no reading yet".into(),
        (None, Some(r)) if r.grade == Grade::Untrusted => {
            let why: Vec<&str> = r.reasons.iter().map(|w| w.words()).collect();
            if why.is_empty() { "not to be trusted".into() } else { why.join(", ") }
        }
        (None, Some(r)) => match r.velocity_rms_mm_s {
            Some(v) => format!("{} mm/s, {} px", sig3(Some(v)), sig3(Some(r.displacement_pp_px))),
            None => format!("{} px p-p", sig3(Some(r.displacement_pp_px))),
        },
    }
}

fn stream(buffer: &mut Buffer, area: Rect, c: &CameraBoard, ctx: &Ctx<'_>) {
    let t = ctx.theme;
    let g = t.glyphs();
    let Some(r) = &c.report else {
        facts::paragraph(buffer, area, "Nothing has been heard of this camera yet.", t.style(Role::Quiet), t);
        return;
    };
    let mut all = vec![Fact::new("stream", codec(c, r, ctx))];
    let ms = |v: Option<f64>| v.map_or_else(|| g.unknown.to_owned(), |v| format!("{v:.0}"));
    let told =
        if r.latency_ms_p50.is_none() && r.state.has_frames() { " (the camera has not told its clock)" } else { "" };
    all.push(Fact::new(
        "latency",
        format!("{} ms median, {} ms p99, camera clock{told}", ms(r.latency_ms_p50), ms(r.latency_ms_p99)),
    ));
    let jitter = r.jitter_ms.map_or_else(|| g.unknown.to_owned(), |j| format!("{j:.1}"));
    all.push(Fact::new("jitter", format!("{jitter} ms, lost {} frames, reconnected {}", r.lost_frames, r.reconnects)));
    let scale = c.scale_mm_per_px.map_or("not known: no values in mm; vms calibrate".into(), scale_words);
    all.push(Fact::new("scale", scale));
    if let Some(why) = &c.scale_unkept {
        all.push(Fact::new("not kept", why.as_ref()).with(t.style(Role::Warning)));
    }
    if r.dropped_samples > 0 {
        let say = format!("{} samples dropped: the engine does not keep up", r.dropped_samples);
        all.push(Fact::new("dropped", say).with(t.style(Role::Warning)));
    }
    let cells = usize::from(area.width.saturating_sub(11 + 8)).min(48);
    let spark = chart::sparkline(&c.sharpness_trend, cells, None, t);
    all.push(Fact::new("sharpness", format!("{} {}", sig3(r.sharpness), spark.trim_start())));
    let old = table::stale(c, ctx);
    for f in &mut all {
        f.style = t.aged(f.style, old);
    }
    all.push(Fact::new("address", c.url.as_ref()));
    facts::draw(buffer, area, &all, 10, t);
}

/// A scale with five digits at most: more are never known.
fn scale_words(mm_per_px: f64) -> String {
    let digits = (4.0 - mm_per_px.max(f64::MIN_POSITIVE).log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{mm_per_px:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} mm/px")
}

fn codec(c: &CameraBoard, r: &CameraReport, ctx: &Ctx<'_>) -> String {
    let g = ctx.theme.glyphs();
    let codec = r.codec.as_deref().unwrap_or(g.unknown);
    let size = r.size.map_or_else(String::new, |(w, h)| format!(", {w}{}{h}", g.times));
    let fps = r.fps.map_or_else(|| g.unknown.to_owned(), |f| format!("{f:.1}"));
    let expected = c.expected_fps.map_or_else(String::new, |e| format!(" of {e}"));
    let rate = r.bitrate_kbps.map_or_else(|| g.unknown.to_owned(), |b| format!("{b:.0}"));
    format!("{codec}{size}, {fps}{expected} fps, {rate} kbit/s")
}
