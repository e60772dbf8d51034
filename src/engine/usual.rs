//! What is usual of one region: its baselines of the running and of the standing machine, and the learning of those that are missing.

use std::sync::Arc;

use crate::base::clock::{Mono, Now};
use crate::model::RoiId;
use crate::model::baseline::{Bands, Baseline, Deviation};
use crate::model::event::EventKind;
use crate::model::vibration::{Reading, Reason};
use crate::vibration::analyze::WINDOW_S;
use crate::vibration::baseline::{Learner, deviation};

/// One state of the machine.
#[derive(Debug)]
struct State {
    baseline: Option<Arc<Baseline>>,
    learner: Learner,
}

/// The baselines of one region.
#[derive(Debug)]
pub struct Usual {
    seconds: f64,
    /// The running machine (or one of which nothing tells), and the standing one.
    states: [State; 2],
    /// Which of them holds now; none while that is not known.
    now: Option<usize>,
    since: Option<Mono>,
    bands: Option<Bands>,
    /// The camera's scale now.
    pub scale_mm_per_px: Option<f64>,
}

impl Usual {
    /// Nothing known; to be learned from so many seconds.
    #[must_use]
    pub fn new(seconds: f64, scale_mm_per_px: Option<f64>) -> Self {
        let state = || State { baseline: None, learner: Learner::new(seconds, WINDOW_S) };
        Self { seconds, states: [state(), state()], now: Some(0), since: None, bands: None, scale_mm_per_px }
    }

    /// Takes an event of this region's record.
    pub fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::BaselineBegun { .. } => {
                *self = Self { now: self.now, since: self.since, ..Self::new(self.seconds, self.scale_mm_per_px) }
            }
            EventKind::BaselineLearned { running, baseline, .. } => {
                self.states[usize::from(!running)].baseline = Some(Arc::clone(baseline));
            }
            _ => {}
        }
    }

    /// Whether the machine runs: none if a tag tells and is not known, or if no tag tells (`told` says which).
    pub fn running(&mut self, running: Option<bool>, told: bool, now: Mono) {
        let state = match running {
            Some(false) => Some(1),
            Some(true) => Some(0),
            None => (!told).then_some(0),
        };
        if state != self.now {
            self.now = state;
            self.since = Some(now);
        }
    }

    /// The state that a whole window of samples was in.
    fn settled(&self, now: Mono) -> Option<usize> {
        self.now.filter(|_| self.since.is_none_or(|s| now.secs_since(s) > WINDOW_S))
    }

    /// How far a reading is from what is usual; none while that is not known, the machine has just started or stopped, or the reading's window is
    /// not full yet (after a start of the engine, or a stream that came back): a short one is no measure against whole ones.
    #[must_use]
    pub fn deviation(&self, reading: &Reading, now: Mono) -> Option<Deviation> {
        let baseline = self.states[self.settled(now)?].baseline.as_ref()?;
        if reading.reasons.contains(&Reason::Settling) {
            return None;
        }
        Some(deviation(baseline, reading, self.bands.as_ref(), self.scale_mm_per_px))
    }

    /// Once a second: learns from a reading that can be trusted; `calm` while none of the region's limits is broken, because what is wrong must
    /// not be learned as usual. The baseline that is complete comes back as an event.
    pub fn second(
        &mut self,
        roi: &RoiId,
        reading: Option<&Reading>,
        bands: Option<Bands>,
        calm: bool,
        now: Now,
    ) -> Option<EventKind> {
        self.bands = bands;
        let state = self.settled(now.mono)?;
        let State { baseline, learner } = &mut self.states[state];
        if baseline.is_some() || !calm {
            return None;
        }
        if !learner.take(now.mono.secs_since(Mono(0)), reading?, &bands?) {
            return None;
        }
        let learned = Arc::new(learner.finish(now.wall, self.scale_mm_per_px));
        Some(EventKind::BaselineLearned { roi: roi.clone(), running: state == 0, baseline: learned })
    }

    /// The scale has changed: what was gathered in mm so far does not go together with what follows.
    pub fn scale(&mut self, mm_per_px: f64) {
        self.scale_mm_per_px = Some(mm_per_px);
        for s in &mut self.states {
            s.learner = Learner::new(self.seconds, WINDOW_S);
        }
    }

    /// What is usual in the present state.
    #[must_use]
    pub fn baseline(&self) -> Option<&Arc<Baseline>> {
        self.states[self.now?].baseline.as_ref()
    }

    /// How much of the present state's baseline is learned, 0 to 1; none if it is known.
    #[must_use]
    pub fn learning(&self) -> Option<f32> {
        let state = &self.states[self.now?];
        state.baseline.is_none().then(|| state.learner.progress())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::baseline::BANDS;
    use crate::model::quantity::Quantity;
    use crate::model::vibration::Grade;

    fn now(s: u64) -> Now {
        Now { mono: Mono(s * 1_000_000_000), ..Now::default() }
    }

    fn reading(velocity: f64) -> Reading {
        Reading { velocity_rms_mm_s: Some(velocity), grade: Grade::Good, ..Reading::default() }
    }

    fn run(usual: &mut Usual, mut seconds: std::ops::Range<u64>, velocity: f64, calm: bool) -> Option<EventKind> {
        let bands = Some(Bands { band_hz: (0.4, 12.5), rms_px: [0.1; BANDS] });
        seconds.find_map(|s| usual.second(&"east".into(), Some(&reading(velocity)), bands, calm, now(s)))
    }

    #[test]
    fn learns_each_state_by_itself() {
        let mut u = Usual::new(60.0, Some(0.5));
        let running = run(&mut u, 0..100, 5.0, true).expect("learned");
        assert!(matches!(&running, EventKind::BaselineLearned { running: true, .. }), "{running:?}");
        u.apply(&running);
        let z = u.deviation(&reading(6.0), now(100).mono).and_then(|d| d.of(Quantity::VelocityRmsMmS)).unwrap();
        assert!((z - 4.0).abs() < 1e-6, "one is four times the least spread of a twentieth of five: {z}");
        let short = Reading { reasons: vec![Reason::Settling], ..reading(6.0) };
        assert_eq!(u.deviation(&short, now(100).mono), None, "a window that is not full yet is held against nothing");
        u.running(Some(false), true, now(101).mono);
        assert_eq!(u.deviation(&reading(0.1), now(102).mono), None, "it has just stopped");
        assert_eq!((u.baseline(), u.learning()), (None, Some(0.0)));
        let stopped = run(&mut u, 110..300, 0.1, true).expect("learned");
        assert!(matches!(&stopped, EventKind::BaselineLearned { running: false, .. }));
    }

    #[test]
    fn what_is_wrong_is_not_learned_as_usual() {
        let mut u = Usual::new(60.0, Some(0.5));
        assert_eq!(run(&mut u, 0..500, 9.0, false), None);
        u.running(None, true, now(500).mono);
        assert_eq!(run(&mut u, 520..900, 5.0, true), None, "nobody knows whether it runs");
        assert_eq!(u.learning(), None);
    }

    #[test]
    fn a_new_beginning_forgets() {
        let mut u = Usual::new(60.0, Some(0.5));
        let learned = run(&mut u, 0..100, 5.0, true).unwrap();
        u.apply(&learned);
        u.apply(&EventKind::BaselineBegun { roi: "east".into(), who: "a".into() });
        assert_eq!((u.baseline().is_some(), u.learning()), (false, Some(0.0)));
    }
}
