//! The live picture in the terminal's cells, with the regions drawn on it as numbered frames.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::console::theme::{Role, Theme};
use crate::model::camera::Snapshot;
use crate::model::vibration::{Level, RoiBoard};

/// Draws the picture as large as it fits, keeping its proportions (a cell is about twice as high as wide), and returns where it is.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, s: &Snapshot, rois: &[Arc<RoiBoard>], theme: &Theme) -> Rect {
    if !sound(s) || area.is_empty() {
        return Rect { height: 0, ..area };
    }
    let place = fit(area, s.full);
    grey(buffer, place, s, theme);
    for (i, roi) in rois.iter().enumerate() {
        region(buffer, place, s.full, i + 1, roi, theme);
    }
    place
}

/// Whether the picture has as many pixels as it says.
pub(super) fn sound(s: &Snapshot) -> bool {
    let whole = u64::from(s.width) * u64::from(s.height);
    whole > 0 && s.luma.len() as u64 == whole && s.full.0 > 0 && s.full.1 > 0 && s.part[2] > 0 && s.part[3] > 0
}

/// The picture's grey levels over the whole place.
pub(super) fn grey(buffer: &mut Buffer, place: Rect, s: &Snapshot, theme: &Theme) {
    for row in 0..place.height {
        for column in 0..place.width {
            let level = |half: u16| mean(s, column, row * 2 + half, place.width, place.height * 2);
            paint(&mut buffer[(place.x + column, place.y + row)], level(0), level(1), theme);
        }
    }
}

/// The largest rectangle of these proportions, in the middle of the area.
pub(super) fn fit(area: Rect, (w, h): (u32, u32)) -> Rect {
    let ratio = f64::from(h) / f64::from(w) / 2.0;
    let height = (f64::from(area.width) * ratio).round().clamp(1.0, f64::from(area.height)) as u16;
    let width = (f64::from(height) / ratio).round().clamp(1.0, f64::from(area.width)) as u16;
    Rect { x: area.x + (area.width - width) / 2, y: area.y, width, height }
}

/// Mean grey of the part of the picture that lies under one of `across`×`down` fields.
fn mean(s: &Snapshot, x: u16, y: u16, across: u16, down: u16) -> u8 {
    let part = |i: u16, n: u16, size: u32| {
        let from = u32::from(i) * size / u32::from(n);
        let to = (u32::from(i) + 1) * size / u32::from(n);
        from..to.max(from + 1).min(size)
    };
    let (mut sum, mut n) = (0_u32, 0_u32);
    for py in part(y, down, s.height) {
        for px in part(x, across, s.width) {
            sum += u32::from(s.luma[(py * s.width + px) as usize]);
            n += 1;
        }
    }
    (sum / n.max(1)) as u8
}

fn paint(cell: &mut ratatui::buffer::Cell, top: u8, bottom: u8, theme: &Theme) {
    let g = theme.glyphs();
    match (theme.grey(top), theme.grey(bottom)) {
        (Some(fg), Some(bg)) if !g.half.is_empty() => {
            cell.set_symbol(g.half).set_style(Style::default().fg(fg).bg(bg));
        }
        _ => {
            let steps = g.ramp.chars().count();
            let at = usize::midpoint(usize::from(top), usize::from(bottom)) * steps / 256;
            cell.set_char(g.ramp.chars().nth(at).unwrap_or(' ')).set_style(Style::default());
        }
    }
}

/// The role of a region's frame: colour only for what is not normal.
pub(super) fn role(level: Level) -> Role {
    match level {
        Level::Alarm => Role::High,
        Level::Warning => Role::Warning,
        Level::Unknown => Role::Unknown,
        Level::Stopped | Level::Normal => Role::Text,
    }
}

fn region(buffer: &mut Buffer, place: Rect, full: (u32, u32), number: usize, roi: &RoiBoard, theme: &Theme) {
    let [x, y, w, h] = roi.rect;
    if x >= full.0 || y >= full.1 {
        return;
    }
    let across = |v: u32| (u64::from(v.min(full.0)) * u64::from(place.width) / u64::from(full.0)) as u16;
    let down = |v: u32| (u64::from(v.min(full.1)) * u64::from(place.height) / u64::from(full.1)) as u16;
    let (left, top) = (across(x).min(place.width - 1), down(y).min(place.height - 1));
    let right = across(x.saturating_add(w)).clamp(left, place.width - 1);
    let bottom = down(y.saturating_add(h)).clamp(top, place.height - 1);
    let g = theme.glyphs();
    let style = theme.style(role(roi.level)).add_modifier(Modifier::BOLD);
    let mut put = |cx: u16, cy: u16, symbol: &str| {
        // Black under the frame, so that it stands out of any grey.
        let cell = &mut buffer[(place.x + cx, place.y + cy)];
        cell.reset();
        cell.set_symbol(symbol).set_style(style);
    };
    for cx in left..=right {
        put(cx, top, g.rule);
        put(cx, bottom, g.rule);
    }
    for cy in top..=bottom {
        put(left, cy, g.bar);
        put(right, cy, g.bar);
    }
    for (cx, cy, corner) in [(right, top, 1), (left, bottom, 2), (right, bottom, 3)] {
        put(cx, cy, g.corners[corner]);
    }
    for (i, digit) in number.to_string().chars().enumerate() {
        let cx = left + i as u16;
        if cx < place.width {
            put(cx, top, digit.encode_utf8(&mut [0; 4]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::Depth;

    #[test]
    fn proportions_are_kept() {
        assert_eq!(fit(Rect::new(0, 0, 64, 30), (1920, 1080)), Rect::new(0, 0, 64, 18));
        assert_eq!(fit(Rect::new(0, 0, 64, 9), (1920, 1080)), Rect::new(16, 0, 32, 9));
    }

    #[test]
    fn a_damaged_picture_is_not_drawn() {
        let mut s = crate::console::sample::live().snapshot.map(|s| (*s).clone()).expect("a picture");
        s.luma = s.luma[..10].into();
        let theme = Theme::new(true, Depth::True);
        let mut b = Buffer::empty(Rect::new(0, 0, 20, 10));
        assert_eq!(draw(&mut b, Rect::new(0, 0, 20, 10), &s, &[], &theme).height, 0);
    }
}
