//! The two faces that everything is set in, and how wide a text is in them.

use ttf_parser::Face;

use super::PaperError;

/// `DejaVu Sans`; its licence lies beside it.
const REGULAR: &[u8] = include_bytes!("../../config/fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../config/fonts/DejaVuSans-Bold.ttf");
/// Characters whose widths are looked up once: Latin with its accents.
const KNOWN: usize = 0x250;

/// A face with its widths.
pub struct Letters {
    face: Face<'static>,
    units: f32,
    known: Vec<Glyph>,
    /// The face as the PDF takes it.
    pub embedded: krilla::text::Font,
}

/// A letter's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    /// Its number in the face; 0 is the box that stands for what the face does not have.
    pub id: u16,
    /// Its width, in parts of the size.
    pub advance: f32,
}

/// The faces.
pub struct Fonts {
    /// For text.
    pub regular: Letters,
    /// For titles.
    pub bold: Letters,
}

impl Fonts {
    /// Reads the built-in faces.
    pub fn load() -> Result<Self, PaperError> {
        Ok(Self { regular: Letters::read(REGULAR)?, bold: Letters::read(BOLD)? })
    }

    /// The face of that weight.
    pub fn of(&self, bold: bool) -> &Letters {
        if bold { &self.bold } else { &self.regular }
    }
}

impl Letters {
    fn read(bytes: &'static [u8]) -> Result<Self, PaperError> {
        let face = Face::parse(bytes, 0).map_err(|_| PaperError::Font)?;
        let embedded = krilla::text::Font::new(bytes.into(), 0).ok_or(PaperError::Font)?;
        let units = f32::from(face.units_per_em()).max(1.0);
        let mut letters = Self { face, units, known: Vec::new(), embedded };
        letters.known = (0..KNOWN as u32)
            .map(|c| letters.look_up(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)))
            .collect();
        Ok(letters)
    }

    fn look_up(&self, c: char) -> Glyph {
        let id = self.face.glyph_index(c).unwrap_or_default();
        let advance = f32::from(self.face.glyph_hor_advance(id).unwrap_or_default()) / self.units;
        Glyph { id: id.0, advance }
    }

    /// The shape of a letter.
    pub fn glyph(&self, c: char) -> Glyph {
        self.known.get(c as usize).copied().unwrap_or_else(|| self.look_up(c))
    }

    /// Whether the face has the letter.
    pub fn has(&self, c: char) -> bool {
        self.glyph(c).id != 0
    }

    /// The width of a text at this size, in points.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.glyph(c).advance).sum::<f32>() * size
    }
}
