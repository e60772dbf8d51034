//! What people set while the engine runs: a camera's scale, its compensations, and what is learned of its regions.

use std::sync::Arc;

use tracing::{info, warn};

use super::{Core, Request};
use crate::base::text::plus_minus;
use crate::model::CameraId;
use crate::model::calibration::Length;
use crate::model::event::EventKind;
use crate::vibration::calibration;

impl Core {
    /// The scale that a known length tells, as an event and a sentence.
    pub(super) fn scale_event(
        &self,
        camera: CameraId,
        length: &Length,
        point_sigma_px: f64,
        who: Arc<str>,
    ) -> Result<(EventKind, String), String> {
        if !self.config.cameras.iter().any(|c| c.id == camera) {
            return Err(format!("there is no camera {camera}"));
        }
        let told = calibration::told(length, point_sigma_px).map_err(|e| e.to_string())?;
        let (mm_per_px, sigma_mm_per_px) = (told.mm_per_px, told.sigma_mm_per_px);
        if !calibration::SCALES.contains(&mm_per_px) {
            return Err(format!("{mm_per_px} mm per pixel is no scale; look at the length and its two points"));
        }
        let text = format!("{camera}: scale {} mm/px", plus_minus(mm_per_px, sigma_mm_per_px));
        let kind = EventKind::ScaleMeasured {
            camera,
            mm_per_px,
            sigma_mm_per_px,
            length_mm: length.length_mm,
            from_px: length.from_px,
            to_px: length.to_px,
            who,
        };
        Ok((kind, text))
    }

    /// A scale was measured: it holds from now on, and is put into the configuration for the next start.
    pub(super) fn scaled(&mut self, kind: &EventKind) {
        let EventKind::ScaleMeasured { camera, mm_per_px, sigma_mm_per_px, .. } = kind else { return };
        let Some(index) = self.config.cameras.iter().position(|c| c.id == *camera) else { return };
        for region in self.regions.iter_mut().filter(|r| r.camera == index) {
            region.scale(*mm_per_px);
        }
        self.shown.scale(index, *mm_per_px);
        let (camera, mm_per_px, sigma_mm_per_px) = (camera.clone(), *mm_per_px, *sigma_mm_per_px);
        (self.out.requests)(Request::WriteScale { camera, mm_per_px, sigma_mm_per_px });
    }

    /// A measured scale was put into the configuration, or could not be: that is shown beside it until it is.
    pub(super) fn scale_kept(&mut self, camera: &CameraId, text: Arc<str>, bad: bool) {
        if let Some(index) = self.config.cameras.iter().position(|c| c.id == *camera) {
            self.shown.scale_kept(index, bad.then(|| Arc::clone(&text)));
        }
        self.note(text, bad);
    }

    /// Something that was carried out, or could not be: into the log, and the record.
    pub(super) fn note(&mut self, text: Arc<str>, bad: bool) {
        if bad {
            warn!("{text}");
        } else {
            info!("{text}");
        }
        let now = self.clock.now();
        self.emit(EventKind::Note { text }, now);
    }

    /// A compensation was switched: the analysers and the streaming thread are told.
    pub(super) fn switched(&mut self, kind: &EventKind) {
        let EventKind::Compensation { camera, which, on, .. } = kind else { return };
        let Some(index) = self.config.cameras.iter().position(|c| c.id == *camera) else { return };
        let Some(compensations) = self.shown.compensations(index) else { return };
        compensations.set(*which, *on);
        let compensations = *compensations;
        for region in self.regions.iter_mut().filter(|r| r.camera == index) {
            region.compensate(compensations);
        }
        (self.out.requests)(Request::Compensate(index, compensations));
    }

    /// An event about what is usual of a region.
    pub(super) fn learned(&mut self, kind: &EventKind) {
        if let EventKind::BaselineBegun { roi, .. } | EventKind::BaselineLearned { roi, .. } = kind
            && let Some(region) = self.regions.iter_mut().find(|r| r.id == *roi)
        {
            region.usual.apply(kind);
        }
    }
}
