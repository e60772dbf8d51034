//! What the vibration tab remembers, and the rows that follow from the board.

use ratatui::layout::Rect;

use super::trend::Over;
use crate::console::view::Ctx;
use crate::console::widgets::cursor::Cursor;
use crate::console::widgets::mark::{Mark, State};
use crate::console::widgets::past::Look;
use crate::model::RoiId;
use crate::model::alarm::Priority;
use crate::model::board::Board;
use crate::model::camera::CameraBoard;
use crate::model::quantity::Quantity;
use crate::model::vibration::{Grade, Level, LimitMark, Reading, RoiBoard, Role};

/// A reading older than this is shown as old, in seconds.
pub(super) const STALE_S: f64 = 2.0;

/// In which order the regions are listed. Background regions always come last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// As in the configuration.
    #[default]
    Configured,
    /// Worst state first.
    Worst,
    /// Nearest to its limit first.
    Nearest,
    /// By name.
    Name,
}

impl Sort {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Configured => Self::Worst,
            Self::Worst => Self::Nearest,
            Self::Nearest => Self::Name,
            Self::Name => Self::Configured,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Configured => "as configured",
            Self::Worst => "worst first",
            Self::Nearest => "nearest to its limit first",
            Self::Name => "by name",
        }
    }
}

/// The vibration tab.
#[derive(Clone, Debug, Default)]
pub struct Vibration {
    pub(super) cursor: Cursor,
    /// The selected region by name, so that a new order does not move the selection to another one.
    pub(super) selected: Option<RoiId>,
    pub(super) open: bool,
    pub(super) filter: String,
    pub(super) sort: Sort,
    /// What is shown above the spectrum: the waveform or a trend.
    pub(super) over: Over,
    /// Where in the past the longer trends look.
    pub(super) look: Look,
    /// The quantity of the longer trends; none: that of the region's first limit.
    pub(super) quantity: Option<Quantity>,
    /// The spectrogram is shown in place of the spectrum.
    pub(super) spectrogram: bool,
    /// Where the rows were drawn last, for the mouse.
    pub(super) list: Rect,
}

/// A region with the camera that sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) camera: &'a CameraBoard,
    pub(super) roi: &'a RoiBoard,
}

impl<'a> Row<'a> {
    /// How old the reading is, in seconds; none without one.
    pub(super) fn age_s(&self, ctx: &Ctx<'_>) -> Option<f64> {
        self.roi.reading.as_ref().map(|r| ctx.now.mono.secs_since(r.at))
    }

    /// The reading is not of now: too old, or its camera gives no frames.
    pub(super) fn stale(&self, ctx: &Ctx<'_>) -> bool {
        !self.camera.state().has_frames() || self.age_s(ctx).is_none_or(|a| a > STALE_S)
    }

    /// The state in the first column. What is not measured now never looks calm.
    pub(super) fn state(&self, ctx: &Ctx<'_>) -> State {
        let own = ctx.board.alarms.iter().filter(|a| *a.source == *self.roi.id.0);
        let base = self.base_state(ctx);
        if self.camera.state().has_frames() {
            return base.with_alarms(own);
        }
        let camera = ctx.board.alarms.iter().filter(|a| *a.source == *self.camera.id.0);
        base.with_alarms(own.chain(camera))
    }

    fn base_state(&self, ctx: &Ctx<'_>) -> State {
        let untrusted = self.roi.reading.as_ref().is_some_and(|r| r.grade == Grade::Untrusted);
        let camera = self.camera.state();
        match self.roi.level {
            _ if self.roi.fault.is_some() => State::new(Mark::Fault, "fault"),
            _ if !camera.has_frames() => State::new(Mark::Unknown, camera.word()),
            _ if self.roi.reading.is_none() => State::new(Mark::Unknown, "waiting"),
            _ if self.stale(ctx) => State::new(Mark::Unknown, "old"),
            Level::Alarm => State::new(self.alarm_mark(ctx), "alarm"),
            Level::Warning => State::new(Mark::Warning, "warning"),
            _ if untrusted => State::new(Mark::Fault, "untrusted"),
            _ if self.background() => State::new(Mark::Idle, "background"),
            Level::Unknown => State::new(Mark::Unknown, "unknown"),
            Level::Stopped => State::new(Mark::Idle, "stopped"),
            Level::Normal => State::new(Mark::Well, "normal"),
        }
    }

    /// Beyond an alarm limit the alarm's own priority counts; until it is on the board, high is assumed.
    fn alarm_mark(&self, ctx: &Ctx<'_>) -> Mark {
        let mut own = ctx.board.alarms.iter().filter(|a| *a.source == *self.roi.id.0);
        if own.any(|a| a.state.active()) { Mark::Warning } else { Mark::Alarm(Priority::High) }
    }

    pub(super) fn background(&self) -> bool {
        self.roi.role == Role::Background
    }

    /// The limit that is nearest to being broken, with the value against it.
    pub(super) fn nearest_limit(&self) -> Option<(&'a LimitMark, Option<f64>)> {
        let reading = self.roi.reading.as_deref();
        let value = |m: &LimitMark| reading.and_then(|r| m.value(r));
        let limits = self.roi.limits.iter();
        limits.map(|m| (m, value(m))).max_by(|a, b| share(a.0, a.1).total_cmp(&share(b.0, b.1)))
    }

    pub(super) fn nearness(&self) -> f64 {
        self.nearest_limit().map_or(-1.0, |(m, v)| share(m, v))
    }
}

/// How much of a limit is used up; -1 where it cannot be said.
fn share(mark: &LimitMark, value: Option<f64>) -> f64 {
    let limit = mark.alarm.or(mark.warning).filter(|l| *l > 0.0);
    value.zip(limit).map_or(-1.0, |(v, l)| v / l)
}

/// A displacement with the unit that suits it: µm or mm where the scale is known, else px.
pub(super) fn displacement(px: f64, scale_mm_per_px: Option<f64>, unicode: bool) -> (f64, &'static str) {
    match scale_mm_per_px {
        Some(scale) if (px * scale).abs() < 0.9995 => (px * scale * 1000.0, if unicode { "µm" } else { "um" }),
        Some(scale) => (px * scale, "mm"),
        None => (px, "px"),
    }
}

/// Peak to peak of a reading with its unit.
pub(super) fn peak_to_peak(reading: &Reading, scale: Option<f64>, unicode: bool) -> (f64, &'static str) {
    displacement(reading.displacement_pp_px, scale.filter(|_| reading.displacement_pp_mm.is_some()), unicode)
}

impl Vibration {
    /// The rows in the order and selection asked for.
    pub(super) fn rows<'a>(&self, ctx: &Ctx<'a>) -> Vec<Row<'a>> {
        let mut rows = all_rows(ctx.board);
        let needle = self.filter.to_lowercase();
        if !needle.is_empty() {
            rows.retain(|r| {
                [r.roi.id.as_str(), r.camera.id.as_str(), &r.camera.name, &r.state(ctx).word]
                    .iter()
                    .any(|t| t.to_lowercase().contains(&needle))
            });
        }
        match self.sort {
            Sort::Configured => {}
            Sort::Worst => rows.sort_by_key(|r| std::cmp::Reverse(r.state(ctx).mark)),
            Sort::Nearest => rows.sort_by(|a, b| b.nearness().total_cmp(&a.nearness())),
            Sort::Name => rows.sort_by(|a, b| a.roi.id.cmp(&b.roi.id)),
        }
        rows.sort_by_key(Row::background);
        rows
    }

    /// Puts the cursor on the selected region, wherever it is listed now.
    pub(super) fn find_selected(&mut self, rows: &[Row<'_>]) {
        let at = self.selected.as_ref().and_then(|id| rows.iter().position(|r| r.roi.id == *id));
        match at {
            Some(at) => self.cursor.set(at),
            None => self.remember(rows),
        }
    }

    /// Remembers the name of the region under the cursor.
    pub(super) fn remember(&mut self, rows: &[Row<'_>]) {
        self.cursor.by(0, rows.len());
        self.selected = rows.get(self.cursor.at()).map(|r| r.roi.id.clone());
    }
}

fn all_rows(board: &Board) -> Vec<Row<'_>> {
    board.cameras.iter().flat_map(|camera| camera.rois.iter().map(move |roi| Row { camera, roi })).collect()
}
