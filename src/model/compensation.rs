//! What is taken off a displacement that is not the machine's motion; each can be seen, and switched off.

use serde::{Deserialize, Serialize};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compensation {
    /// The camera's own motion, as the background regions show it.
    Shake,
    /// Hot air: the places of a region that disagree with the others count less, or not at all.
    Haze,
    /// Slow drift over the window.
    Drift,
    /// The light: brightness and contrast of every frame, and light that is uneven over the region.
    Flicker,
}

impl Compensation {
    /// All of them, in the order of display.
    pub const ALL: [Self; 4] = [Self::Shake, Self::Haze, Self::Drift, Self::Flicker];

    /// The word shown and written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Shake => "shake",
            Self::Haze => "haze",
            Self::Drift => "drift",
            Self::Flicker => "flicker",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == word)
    }
}

/// Which of them are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Compensations {
    /// See [`Compensation::Shake`].
    pub shake: bool,
    /// See [`Compensation::Haze`].
    pub haze: bool,
    /// See [`Compensation::Drift`].
    pub drift: bool,
    /// See [`Compensation::Flicker`].
    pub flicker: bool,
}

impl Default for Compensations {
    fn default() -> Self {
        Self { shake: true, haze: true, drift: true, flicker: true }
    }
}

impl Compensations {
    /// Whether one of them is on.
    #[must_use]
    pub fn is_on(&self, which: Compensation) -> bool {
        match which {
            Compensation::Shake => self.shake,
            Compensation::Haze => self.haze,
            Compensation::Drift => self.drift,
            Compensation::Flicker => self.flicker,
        }
    }

    /// Switches one of them.
    pub fn set(&mut self, which: Compensation, on: bool) {
        match which {
            Compensation::Shake => self.shake = on,
            Compensation::Haze => self.haze = on,
            Compensation::Drift => self.drift = on,
            Compensation::Flicker => self.flicker = on,
        }
    }

    /// Those that are off, in words; none while all are on.
    #[must_use]
    pub fn off(&self) -> Option<String> {
        let off: Vec<&str> =
            Compensation::ALL.into_iter().filter(|c| !self.is_on(*c)).map(Compensation::word).collect();
        (!off.is_empty()).then(|| off.join(", "))
    }

    /// As a number, so that it can be handed to a streaming thread without a lock.
    #[must_use]
    pub fn bits(&self) -> u8 {
        Compensation::ALL.into_iter().enumerate().map(|(i, c)| u8::from(self.is_on(c)) << i).sum()
    }

    /// From such a number.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        let mut out = Self::default();
        for (i, c) in Compensation::ALL.into_iter().enumerate() {
            out.set(c, bits >> i & 1 == 1);
        }
        out
    }
}

/// How much was taken off over the newest window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// The camera's shake at the region, RMS about its mean, in pixels; none where no background tells.
    pub shake_rms_px: Option<f64>,
    /// How far the drift reaches, peak to peak, in pixels.
    pub drift_px: f64,
    /// Smallest and largest contrast against the reference (1 where the light is as it was).
    pub gain: (f64, f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_survive_as_bits() {
        for bits in 0..16 {
            let c = Compensations::from_bits(bits);
            assert_eq!(c.bits(), bits);
            for which in Compensation::ALL {
                assert_eq!(Compensation::from_word(which.word()), Some(which));
                let mut other = c;
                other.set(which, !c.is_on(which));
                assert_eq!((other.bits() ^ bits).count_ones(), 1);
            }
        }
        assert_eq!(Compensations::default().off(), None);
        assert_eq!(
            Compensations { haze: false, drift: false, ..Compensations::default() }.off().as_deref(),
            Some("haze, drift")
        );
    }
}
