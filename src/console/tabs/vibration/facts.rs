//! A region in words: state, grade with its reasons, numbers with their uncertainty, limits with their margins.

use std::time::Duration;

use ratatui::text::{Line, Span};

use super::state::{Row, displacement};
use crate::base::text::{age, sig3};
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::fit;
use crate::console::widgets::mark::aged;
use crate::model::compensation::Compensation;
use crate::model::quantity::Quantity;
use crate::model::vibration::{Harmonic, Level, LimitKind, LimitMark, Reading, Reason};

/// Candidates that are shown.
const CANDIDATES: usize = 3;
/// A smaller turn is not shown.
const LEAST_TURN_RAD: f64 = 1e-4;

/// The facts of a region, wrapped to `width` cells.
pub(super) fn facts(row: &Row<'_>, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let mut out = Facts { lines: Vec::new(), width, ctx, stale: row.stale(ctx) };
    out.condition(row);
    out.limits(row);
    if let Some(reading) = row.roi.reading.as_deref() {
        out.grade(reading);
        out.alias(reading);
        out.numbers(row, reading);
    }
    out.usual(row);
    out.taken(row);
    out.machine(row);
    out.lines
}

struct Facts<'a> {
    lines: Vec<Line<'static>>,
    width: usize,
    ctx: &'a Ctx<'a>,
    stale: bool,
}

impl Facts<'_> {
    fn say(&mut self, text: &str, role: Role) {
        let style = self.ctx.theme.style(role);
        self.lines.extend(fit::wrap(text, self.width).into_iter().map(|l| Line::styled(l, style)));
    }

    fn fact(&mut self, label: &str, value: &str, stale: bool) {
        let u = self.ctx.theme.unicode;
        let label = Span::styled(fit::left(label, 10, u), self.ctx.theme.style(Role::Quiet));
        let style = aged(self.ctx.theme, stale, Role::Text);
        let mut lines = fit::wrap(value, self.width.saturating_sub(10)).into_iter();
        self.lines.push(Line::from(vec![label, Span::styled(lines.next().unwrap_or_default(), style)]));
        self.lines.extend(lines.map(|l| Line::styled(format!("{}{l}", " ".repeat(10)), style)));
    }

    fn condition(&mut self, row: &Row<'_>) {
        let mut spans = Vec::from(row.state(self.ctx).spans(self.ctx.theme));
        if let Some(running) = row.roi.running {
            let text = if running { "  machine runs" } else { "  machine stands still" };
            spans.push(Span::styled(text, self.ctx.theme.style(Role::Quiet)));
        }
        self.lines.push(Line::from(spans));
        if let Some(fault) = &row.roi.fault {
            self.say(&format!("The region {fault}. Correct its rect in vms.toml."), Role::Warning);
        }
        if self.stale {
            self.say(&why_old(row, self.ctx), Role::Unknown);
        }
        let own: Vec<_> = self.ctx.board.alarms.iter().filter(|a| *a.source == *row.roi.id.0).collect();
        for (i, alarm) in own.iter().enumerate() {
            self.say(&alarm.text, self.ctx.theme.priority_role(alarm.priority));
            // Two alarms of one region often ask for the same: once is enough, below the last of them.
            if !own[i + 1..].iter().any(|later| later.advice == alarm.advice) {
                self.say(&alarm.advice, Role::Text);
            }
        }
    }

    fn grade(&mut self, reading: &Reading) {
        let reasons: Vec<&str> = reading.reasons.iter().map(|r| r.words()).collect();
        let text = match reasons.len() {
            0 => reading.grade.word().to_owned(),
            _ => format!("{}: {}", reading.grade.word(), reasons.join(", ")),
        };
        self.fact("grade", &text, self.stale);
        if let Some(advice) = reading.reasons.iter().find_map(|r| advice(*r)) {
            self.fact("", advice, true);
        }
    }

    fn numbers(&mut self, row: &Row<'_>, r: &Reading) {
        let u = self.ctx.theme.unicode;
        let pm = self.ctx.theme.glyphs().plus_minus;
        let scale = row.camera.scale_mm_per_px;
        let with_unit = |px: f64| {
            let (v, unit) = displacement(px, scale, u);
            format!("{} {unit}", sig3(Some(v)))
        };
        let sigma = with_unit(r.uncertainty_px);
        self.fact("p-p", &format!("{} {pm}{sigma}", with_unit(r.displacement_pp_px)), self.stale);
        self.fact("RMS", &with_unit(r.displacement_rms_px), self.stale);
        if let Some(v) = r.velocity_rms_mm_s {
            self.fact("velocity", &format!("{} mm/s RMS", sig3(Some(v))), self.stale);
        }
        match r.tone {
            Some(t) => {
                let hz = format!("{} {pm}{} Hz", sig3(Some(t.hz)), sig3(Some(t.sigma_hz)));
                self.fact("peak", &hz, self.stale);
                let amplitude = format!("{} {pm}{}", with_unit(t.major_px), with_unit(t.sigma_px));
                self.fact("amplitude", &amplitude, self.stale);
                self.fact(
                    "direction",
                    &format!("{:.0}° from horizontal", t.angle_deg).replace('°', if u { "°" } else { " deg" }),
                    self.stale,
                );
            }
            None if r.reasons.contains(&Reason::Codec) => {
                self.fact("peak", "none that the coding leaves certain", self.stale);
            }
            None => self.fact("peak", "nothing stands out of the noise", self.stale),
        }
        if r.smallest_px.is_finite() {
            let velocity = r.smallest_velocity_mm_s(row.roi.nominal_hz, scale);
            let velocity = velocity.map_or_else(String::new, |v| format!(", {} mm/s", sig3(Some(v))));
            self.fact("smallest", &format!("{}{velocity} would be seen", with_unit(r.smallest_px)), self.stale);
        }
        self.harmonics(r);
        match r.aliased {
            Some(true) if r.alias.is_some() => {}
            Some(true) => {
                let folded = format!("{} folded", self.ctx.theme.glyphs().folded);
                let words = match r.folded_hz {
                    Some(seen) => {
                        let nominal =
                            row.roi.nominal_hz.map_or(String::new(), |hz| format!(" from {} Hz", sig3(Some(hz))));
                        format!("{folded}{nominal}: seen at {} Hz in the spectrum", sig3(Some(seen)))
                    }
                    None => format!("{folded}: nothing stands where the machine's tone would"),
                };
                self.fact("alias", &words, self.stale);
            }
            None if r.tone.is_some() && !r.alias.as_ref().is_some_and(|a| a.tells()) => {
                self.fact("alias", "not known: no machine speed is configured", true);
            }
            _ => {}
        }
    }

    /// What the tone may really be and why.
    fn alias(&mut self, r: &Reading) {
        let folded = self.ctx.theme.glyphs().folded;
        if let Some(alias) = r.alias.as_ref().filter(|a| a.tells()) {
            let all: Vec<String> = alias
                .candidates
                .iter()
                .take(CANDIDATES)
                .map(|c| format!("{} Hz ({:.0} %)", sig3(Some(c.hz)), 100.0 * c.weight))
                .collect();
            let verdict = if alias.suspected { format!("{folded} ") } else { String::new() };
            self.fact("alias", &format!("{verdict}may be {}: {}", all.join(", "), alias.words()), self.stale);
        }
    }

    /// Multiples of the tone, how the region turns, and what of it is left out.
    fn harmonics(&mut self, r: &Reading) {
        let folded = self.ctx.theme.glyphs().folded;
        if !r.harmonics.is_empty() {
            let one = |h: &Harmonic| {
                let seen = if h.folded() { format!(" {folded} {}", sig3(Some(h.seen_hz))) } else { String::new() };
                let times = self.ctx.theme.glyphs().times;
                format!("{}{times} {}{seen} Hz {} px", h.order, sig3(Some(h.hz)), sig3(Some(h.amplitude_px)))
            };
            let all: Vec<String> = r.harmonics.iter().map(one).collect();
            self.fact("harmonics", &all.join(", "), self.stale);
        }
        if let Some(turn) = r.turn_rms_rad.filter(|t| *t > LEAST_TURN_RAD) {
            self.fact("turn", &format!("{} mrad RMS", sig3(Some(turn * 1e3))), self.stale);
        }
        if r.left_out > 0.0 {
            self.fact("left out", &format!("{:.0} % of the region", r.left_out * 100.0), self.stale);
        }
    }

    fn limits(&mut self, row: &Row<'_>) {
        if row.roi.limits.is_empty() && !row.background() {
            self.fact("limits", "none configured: no alarm can come from this region", true);
        }
        let reading = row.roi.reading.as_deref();
        for mark in row.roi.limits.iter() {
            let value = reading.and_then(|r| mark.value(r));
            self.fact("limit", &limit_words(mark, value), self.stale || row.roi.level == Level::Stopped);
        }
        if row.roi.level == Level::Stopped {
            self.say("The machine stands still: limits do not apply.", Role::Quiet);
        }
    }

    /// The baseline, and how far the reading is from it.
    fn usual(&mut self, row: &Row<'_>) {
        if row.background() {
            return;
        }
        let state = match row.roi.running {
            Some(true) => "running",
            Some(false) => "standing",
            None => "",
        };
        if let Some(share) = row.roi.learning {
            self.fact("usual", format!("{state} {:.0} % learned", share * 100.0).trim_start(), true);
        }
        let Some(baseline) = &row.roi.baseline else { return };
        let deviation = row.roi.reading.as_ref().and_then(|r| r.deviation).unwrap_or_default();
        let pm = self.ctx.theme.glyphs().plus_minus;
        let shown = baseline.quantities.iter().filter(|(q, _)| {
            row.roi.limits.iter().any(|m| m.quantity == **q) || [row.roi.trend_quantity, Quantity::PeakHz].contains(q)
        });
        for (q, u) in shown.filter_map(|(q, _)| Some((q, baseline.usual(*q, row.camera.scale_mm_per_px)?))) {
            let now = deviation.of(*q).map_or_else(String::new, |z| format!(", now {z:+.1}"));
            let (median, spread) = (sig3(Some(u.median)), sig3(Some(u.spread)));
            self.fact("usual", &format!("{} {median} {pm}{spread} {}{now}", q.word(), q.unit()), self.stale);
        }
        if let Some(b) = deviation.band {
            let band = format!("{} to {} Hz", sig3(Some(b.from_hz)), sig3(Some(b.to_hz)));
            self.fact("", &format!("{band}: {:+.1} spreads", b.spreads), self.stale);
        }
    }

    /// What was taken off that is not the machine's motion, and what is left in by hand.
    fn taken(&mut self, row: &Row<'_>) {
        let on = row.camera.compensations;
        let u = self.ctx.theme.unicode;
        let off = |which: Compensation| if on.is_on(which) { "" } else { " (left in)" };
        if let Some(r) = row.roi.reading.as_deref() {
            let scale = row.camera.scale_mm_per_px;
            let with_unit = |px: f64| {
                let (v, unit) = displacement(px, scale, u);
                format!("{} {unit}", sig3(Some(v)))
            };
            let mut parts = Vec::new();
            if let Some(px) = r.taken.shake_rms_px {
                parts.push(format!("shake {} RMS{}", with_unit(px), off(Compensation::Shake)));
            }
            parts.push(format!("drift {}{}", with_unit(r.taken.drift_px), off(Compensation::Drift)));
            let (low, high) = r.taken.gain;
            parts.push(if on.flicker { format!("light {low:.2} to {high:.2}") } else { "light (left in)".into() });
            self.fact("taken off", &parts.join(", "), self.stale);
        }
        if let Some(off) = on.off() {
            self.fact("left in", &format!("{off}: switched off for camera {}", row.camera.id), false);
        }
    }

    fn machine(&mut self, row: &Row<'_>) {
        if let Some(hz) = row.roi.nominal_hz {
            self.fact("nominal", &format!("{} Hz", sig3(Some(hz))), false);
        }
        self.fact("camera", &format!("{} {}", row.camera.id, row.camera.state().word()), false);
        let [x, y, w, h] = row.roi.rect;
        let times = self.ctx.theme.glyphs().times;
        self.fact("place", &format!("{w}{times}{h} px at {x}, {y}"), false);
    }
}

fn why_old(row: &Row<'_>, ctx: &Ctx<'_>) -> String {
    let age = row.age_s(ctx).map(|a| age(Duration::try_from_secs_f64(a).unwrap_or_default()));
    let values = match age {
        Some(age) => format!("These values are {age} old."),
        None => "There is no reading yet.".into(),
    };
    let camera = row.camera.state();
    if camera.has_frames() {
        return values;
    }
    let text = row.camera.report.as_ref().and_then(|r| r.text.clone()).map(|t| format!(" {t}")).unwrap_or_default();
    format!("Camera {} is {}.{text} {values}", row.camera.id, camera.word())
}

/// `velocity alarm 7.10 mm/s: 38 % below`.
fn limit_words(mark: &LimitMark, value: Option<f64>) -> String {
    let mut parts = Vec::new();
    for (word, limit) in [("warning", mark.warning), ("alarm", mark.alarm)] {
        let Some(limit) = limit else { continue };
        let margin = value.filter(|v| v.is_finite() && limit > 0.0).map(|v| (v / limit - 1.0) * 100.0);
        let margin = match margin {
            Some(m) if m >= 0.0 => format!(" ({m:.0} % over)"),
            Some(m) => format!(" ({:.0} % below)", -m),
            None => String::new(),
        };
        parts.push(format!("{word} {}{margin}", sig3(Some(limit))));
    }
    let what = match mark.kind {
        LimitKind::Value => format!("{} {}", mark.quantity.word(), mark.quantity.unit()),
        LimitKind::Deviation => format!("{} off usual, spreads", mark.quantity.word()),
    };
    format!("{what}: {}", parts.join(", "))
}

/// What a person can do about a reason.
fn advice(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::LowTexture => Some("Move the region to a part with edges or bolts, or put a marker on it."),
        Reason::TargetLost => Some("Look at the camera's picture: steam, a person, or the part has moved."),
        Reason::NoBackground => {
            Some("See why the camera's background region is not measured, or set one on something that stands still.")
        }
        Reason::OutsidePicture => {
            Some("Correct the region's rect in vms.toml, or set the camera back to the size that it was set for.")
        }
        Reason::AboveNyquist => Some("A faster camera is needed to see the true frequency."),
        Reason::DroppedFrames => {
            Some("Look at the camera's lost frames and the network, and whether it sends pictures twice.")
        }
        Reason::Folded => {
            Some("Limits on velocity follow the machine's own frequency; set exposure_ms to correct for smear.")
        }
        Reason::Covered => Some("Look at the picture: steam, dust, a shadow, or something parked in front."),
        Reason::Codec => {
            Some("A higher bit rate, MJPEG, intra-only coding or less noise reduction would show smaller motion.")
        }
        Reason::Haze => {
            Some("Make the region smaller, so that it holds one body; hot air in between averages out over time.")
        }
        Reason::OneDirection => Some("Move the region to where edges run both ways, to see motion in every direction."),
        Reason::Light => Some("Steady the lighting, or reconnect the camera to take a new reference."),
        Reason::Saturation => Some("Correct the camera's exposure or the lighting."),
        Reason::Jitter => Some("Look at the camera's clock and at the network's jitter."),
        Reason::LeftOut => {
            Some("Look at the picture: part of the region is covered, or moves otherwise. Make the region smaller.")
        }
        Reason::StillParts => {
            Some("Keep rails, text and dirt out of the region, clean the glass, and give a dim picture more light.")
        }
        Reason::RollingShutter => {
            Some("Set readout_ms, or make the region lower: in a tall one the rows show different times.")
        }
        Reason::SuspectedAlias => Some("Set nominal_hz: the tone is then carried back."),
        Reason::Uncompensated => {
            Some("Switch it on again in this tab; the configuration holds again at the next start.")
        }
        Reason::Noise | Reason::Settling | Reason::Stale => None,
    }
}
