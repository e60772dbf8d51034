//! A known length measured on the picture: two points set with a crosshair, from afar or pixel by pixel, then the length itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::picture;
use crate::base::text::sig3;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::text;
use crate::model::CameraId;
use crate::model::calibration::Length;
use crate::model::camera::{CameraBoard, Snapshot};
use crate::model::intent::IntentKind;

/// The prompt for the length.
pub(super) const LENGTH: &str = "length";
/// A point set pixel by pixel is as certain as half a pixel.
const CLOSE_SIGMA_PX: f64 = 0.5;
/// Steps of the coarse keys.
const COARSE: f64 = 16.0;
/// Where the crosshair has moved so far in the close picture, it is asked for anew, in pixels.
const FOLLOW_PX: f64 = 24.0;

/// A length that is being measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruler {
    pub camera: CameraId,
    /// The crosshair, in pixels of the camera's picture.
    at: (f64, f64),
    size: (f64, f64),
    /// Points set so far, each with its uncertainty in pixels.
    points: Vec<((f64, f64), f64)>,
    close: bool,
    /// About which point the close picture was asked for.
    asked: Option<(u32, u32)>,
    /// Pixels of the camera's picture that one step of the crosshair is, by the last drawing.
    step_px: f64,
    /// Where the picture was drawn last and which part it showed, for the mouse.
    place: (Rect, [f64; 4]),
}

impl Ruler {
    /// Begins in the middle of the picture; none while there is no picture.
    pub fn begin(camera: &CameraBoard, snapshot: Option<&Snapshot>) -> Option<Self> {
        let index = camera.report.as_ref()?.index;
        let s = snapshot.filter(|s| s.camera == index && picture::sound(s))?;
        let size = (f64::from(s.full.0), f64::from(s.full.1));
        Some(Self {
            camera: camera.id.clone(),
            at: ((size.0 / 2.0).floor(), (size.1 / 2.0).floor()),
            size,
            points: Vec::new(),
            close: false,
            asked: None,
            step_px: 1.0,
            place: (Rect::default(), [0.0; 4]),
        })
    }

    /// Does what a key says; none if the ruler has no use for it.
    pub fn act(&mut self, action: &str) -> Option<Want> {
        let (step, far) = (self.step_px, self.step_px * COARSE);
        match action {
            "up" => self.by(0.0, -step),
            "down" => self.by(0.0, step),
            "left" => self.by(-step, 0.0),
            "right" => self.by(step, 0.0),
            "page-up" => self.by(0.0, -far),
            "page-down" => self.by(0.0, far),
            "first" => self.by(-far, 0.0),
            "last" => self.by(far, 0.0),
            "zoom" => self.close = !self.close,
            "open" => return Some(self.set()),
            "back" => {
                return self.points.pop().map(|(at, _)| {
                    self.at = at;
                    Want::Nothing
                });
            }
            _ => return None,
        }
        Some(Want::Nothing)
    }

    fn by(&mut self, dx: f64, dy: f64) {
        self.at = ((self.at.0 + dx).clamp(0.0, self.size.0 - 1.0), (self.at.1 + dy).clamp(0.0, self.size.1 - 1.0));
    }

    /// A click puts the crosshair there.
    pub fn click(&mut self, column: u16, row: u16) {
        let (place, [x, y, w, h]) = self.place;
        if place.contains((column, row).into()) {
            let across = (f64::from(column - place.x) + 0.5) / f64::from(place.width);
            let down = (f64::from(row - place.y) + 0.5) / f64::from(place.height);
            self.at = (0.0, 0.0);
            self.by((x + across * w).floor(), (y + down * h).floor());
        }
    }

    fn set(&mut self) -> Want {
        let sigma = if self.close { CLOSE_SIGMA_PX } else { (self.step_px / 2.0).max(CLOSE_SIGMA_PX) };
        self.points.truncate(1);
        self.points.push((self.at, sigma));
        if self.points.len() < 2 {
            return Want::Say("First point set. Go to the other end of the length, then Enter.".into());
        }
        Want::Prompt {
            title: "true length in mm, and its uncertainty: 1200 or 1200 0.5".into(),
            initial: String::new(),
            tag: LENGTH,
        }
    }

    /// Takes the length that was typed: the question before it counts.
    pub fn length(&self, typed: &str, was: Option<f64>) -> Want {
        let [(from_px, a), (to_px, b)] = self.points[..] else { return Want::Nothing };
        let numbers: Option<Vec<f64>> = typed
            .split(|c: char| c.is_whitespace() || "±+-/;".contains(c))
            .filter(|t| !t.is_empty() && *t != "mm")
            .map(|t| t.parse().ok())
            .collect();
        let (length_mm, sigma_mm) = match numbers.as_deref() {
            Some([l]) if *l > 0.0 => (*l, 0.5),
            Some([l, s]) if *l > 0.0 => (*l, *s),
            _ => {
                return Want::Say(format!(
                    "\"{}\" is no length; write mm as 1200 or 1200 0.5, Enter asks again.",
                    typed.trim()
                ));
            }
        };
        let distance_px = (to_px.0 - from_px.0).hypot(to_px.1 - from_px.1);
        let was = was.map_or_else(String::new, |v| format!(" (it is {v})"));
        let question = format!(
            "{length_mm} mm over {} px: the scale of {} becomes {} mm per pixel{was}. It holds at once for every quantity in mm, for limits and the PLC, \
             and is put into vms.toml.",
            sig3(Some(distance_px)),
            self.camera,
            sig3(Some(length_mm / distance_px))
        );
        let length = Length { length_mm, sigma_mm, from_px, to_px };
        let then = IntentKind::SetScale { camera: self.camera.clone(), length, point_sigma_px: a.max(b) };
        Want::Confirm { question, then }
    }

    /// Whether both points are set.
    pub fn complete(&self) -> bool {
        self.points.len() == 2
    }

    /// The close picture follows the crosshair; what to ask for, if anything.
    pub fn follow(&mut self) -> Option<IntentKind> {
        let wanted = self.close.then(|| {
            let near = self.asked.filter(|(x, y)| {
                (f64::from(*x) - self.at.0).abs() < FOLLOW_PX && (f64::from(*y) - self.at.1).abs() < FOLLOW_PX / 2.0
            });
            near.unwrap_or((self.at.0 as u32, self.at.1 as u32))
        });
        if wanted == self.asked {
            return None;
        }
        self.asked = wanted;
        Some(IntentKind::LookAt { camera: self.camera.clone(), centre: wanted })
    }

    /// Draws picture, points and crosshair over the whole area.
    pub fn draw(&mut self, buffer: &mut Buffer, area: Rect, camera: &CameraBoard, ctx: &Ctx<'_>) {
        let t = ctx.theme;
        let lines = self.words(camera);
        let [first, second] = &lines;
        buffer.set_stringn(
            area.x,
            area.y,
            text::cut(first, area.width.into(), t.glyphs().more),
            area.width.into(),
            t.heading(),
        );
        if area.height < 4 {
            return;
        }
        buffer.set_stringn(
            area.x,
            area.y + 1,
            text::cut(second, area.width.into(), t.glyphs().more),
            area.width.into(),
            t.style(Role::Quiet),
        );
        let room = Rect { y: area.y + 2, height: area.height - 2, ..area };
        let index = camera.report.as_ref().map(|r| r.index);
        let Some(s) = ctx.board.snapshot.as_deref().filter(|s| Some(s.camera) == index && picture::sound(s)) else {
            buffer.set_stringn(room.x, room.y, "The picture is on its way.", room.width.into(), t.style(Role::Quiet));
            return;
        };
        self.size = (f64::from(s.full.0), f64::from(s.full.1));
        let part = s.part.map(f64::from);
        let place = if self.close { Self::exact(room, s) } else { picture::fit(room, s.full) };
        self.step_px = if self.close {
            1.0
        } else {
            (part[2] / f64::from(place.width)).max(part[3] / f64::from(place.height) / 2.0).max(1.0).ceil()
        };
        let shown = if self.close { Self::cut(s, self.at, place) } else { None };
        let (shown, part) = match &shown {
            Some(c) => (c, c.part.map(f64::from)),
            None => (s, part),
        };
        picture::grey(buffer, place, shown, t);
        self.place = (place, part);
        let mut put = |at: (f64, f64), symbol: &str, role: Role| {
            let (x, y) = ((at.0 - part[0] + 0.5) / part[2], (at.1 - part[1] + 0.5) / part[3]);
            if (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y) {
                let (cx, cy) = ((x * f64::from(place.width)) as u16, (y * f64::from(place.height)) as u16);
                let cell = &mut buffer[(place.x + cx.min(place.width - 1), place.y + cy.min(place.height - 1))];
                cell.reset();
                cell.set_symbol(symbol).set_style(t.style(role).add_modifier(Modifier::BOLD));
            }
        };
        for (i, (at, _)) in self.points.iter().enumerate() {
            put(*at, if i == 0 { "1" } else { "2" }, Role::Warning);
        }
        if !self.complete() {
            put(self.at, "+", Role::High);
        }
    }

    /// As many pixels as there are half cells: one to one.
    fn exact(room: Rect, s: &Snapshot) -> Rect {
        let (w, h) = (room.width.min(s.width.min(240) as u16), room.height.min(s.height.div_ceil(2).min(68) as u16));
        Rect { x: room.x + (room.width - w) / 2, y: room.y, width: w, height: h }
    }

    /// The part of a close picture about the crosshair that fits the place pixel by pixel; none if it is not one, or too small.
    fn cut(s: &Snapshot, at: (f64, f64), place: Rect) -> Option<Snapshot> {
        let (w, h) = (u32::from(place.width), u32::from(place.height) * 2);
        if (s.width, s.height) != (s.part[2], s.part[3]) || w > s.width || h > s.height {
            return None;
        }
        let start = |at: f64, corner: u32, want: u32, have: u32| {
            (at - f64::from(corner) - f64::from(want) / 2.0).clamp(0.0, f64::from(have - want)) as u32
        };
        let (x, y) = (start(at.0, s.part[0], w, s.width), start(at.1, s.part[1], h, s.height));
        let rows = (y..y + h).flat_map(|r| {
            let from = (r * s.width + x) as usize;
            s.luma[from..from + w as usize].iter().copied()
        });
        Some(Snapshot { width: w, height: h, part: [s.part[0] + x, s.part[1] + y, w, h], luma: rows.collect(), ..*s })
    }

    fn words(&self, camera: &CameraBoard) -> [String; 2] {
        let at = format!("{:.0}, {:.0}", self.at.0, self.at.1);
        let first = match self.points.len() {
            0 => format!(
                "Scale of {}: crosshair at {at} px. Put it on one end of a known length, then Enter.",
                camera.name
            ),
            1 => {
                let (from, _) = self.points[0];
                let d = (self.at.0 - from.0).hypot(self.at.1 - from.1);
                format!(
                    "Scale of {}: {} px from the first point. Put the crosshair on the other end, then Enter.",
                    camera.name,
                    sig3(Some(d))
                )
            }
            _ => format!(
                "Scale of {}: both ends are set. Enter asks for the length again, Esc takes the second end back.",
                camera.name
            ),
        };
        let zoom = if self.close { "z whole picture" } else { "z pixel by pixel" };
        [
            first,
            format!("arrows, far: Home End Page keys; {zoom}; Esc back. The length must lie across the line of sight."),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::sample;

    fn ruler() -> (Ruler, crate::model::board::Board) {
        let board = sample::live();
        let r = Ruler::begin(&board.cameras[0], board.snapshot.as_deref()).expect("there is a picture");
        (r, board)
    }

    #[test]
    fn two_points_and_a_length_are_a_scale() {
        let (mut r, _) = ruler();
        assert!(matches!(r.act("open"), Some(Want::Say(_))));
        assert!(!r.complete());
        r.step_px = 8.0;
        r.act("last");
        r.act("last");
        assert!(matches!(r.act("open"), Some(Want::Prompt { tag: LENGTH, .. })));
        let Want::Confirm { question, then } = r.length("512 ± 1 mm", Some(0.42)) else { panic!("a question") };
        assert!(question.contains("2.00 mm per pixel (it is 0.42)"), "{question}");
        let IntentKind::SetScale { length, point_sigma_px, .. } = then else { panic!("{then:?}") };
        assert_eq!((length.length_mm, length.sigma_mm, length.to_px.0 - length.from_px.0), (512.0, 1.0, 256.0));
        assert_eq!(point_sigma_px, 4.0, "from afar a point is as certain as half a step");
        assert!(matches!(r.length("about a metre", None), Want::Say(_)));
        assert!(matches!(r.length("-5", None), Want::Confirm { .. }) || matches!(r.length("0", None), Want::Say(_)));
    }

    #[test]
    fn escape_takes_one_point_back_at_a_time() {
        let (mut r, _) = ruler();
        r.act("open");
        r.act("right");
        r.act("open");
        assert_eq!(r.act("back"), Some(Want::Nothing));
        assert_eq!(r.act("back"), Some(Want::Nothing));
        assert_eq!(r.act("back"), None, "and then the ruler goes");
    }

    #[test]
    fn the_close_picture_follows_the_crosshair() {
        let (mut r, _) = ruler();
        assert_eq!(r.follow(), None);
        r.act("zoom");
        let at = (r.at.0 as u32, r.at.1 as u32);
        assert_eq!(r.follow(), Some(IntentKind::LookAt { camera: r.camera.clone(), centre: Some(at) }));
        r.act("right");
        assert_eq!(r.follow(), None, "a little way does not ask again");
        r.by(200.0, 0.0);
        assert!(r.follow().is_some());
        r.act("zoom");
        assert_eq!(r.follow(), Some(IntentKind::LookAt { camera: r.camera.clone(), centre: None }));
    }

    #[test]
    fn the_crosshair_stays_within_the_picture() {
        let (mut r, _) = ruler();
        for _ in 0..500 {
            r.act("first");
            r.act("page-down");
        }
        assert_eq!(r.at, (0.0, r.size.1 - 1.0));
    }
}
