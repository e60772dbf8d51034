//! Frames of a recording held back around one region, to be measured once the reference is made of all of them.

use super::luma::Luma;

/// Pixels kept around the region: how far the target may move in a held frame.
const AROUND: i64 = 32;
/// Memory for the frames of one region, in bytes.
const MEMORY: usize = 64 << 20;

/// Pieces of frames around one region.
#[derive(Clone, Debug)]
pub struct Held {
    from: (i64, i64),
    w: usize,
    h: usize,
    most: usize,
    picture: (usize, usize),
    pieces: Vec<u8>,
}

impl Held {
    /// Room for `frames` pieces around the region of `w` by `h` pixels at `corner`.
    #[must_use]
    pub fn new(corner: (i64, i64), w: usize, h: usize, frames: usize) -> Self {
        let (w, h) = (w + 2 * AROUND as usize, h + 2 * AROUND as usize);
        Self {
            from: (corner.0 - AROUND, corner.1 - AROUND),
            w,
            h,
            most: frames.min(MEMORY / (w * h)),
            picture: (0, 0),
            pieces: Vec::new(),
        }
    }

    /// Where a place of the picture lies within a piece.
    #[must_use]
    pub fn place(&self, of: (i64, i64)) -> (i64, i64) {
        (of.0 - self.from.0, of.1 - self.from.1)
    }

    /// Width and height of the pictures that the pieces are of.
    #[must_use]
    pub fn picture(&self) -> (usize, usize) {
        self.picture
    }

    /// How many pieces there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pieces.len() / (self.w * self.h)
    }

    /// Whether another piece finds room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pieces.len() < self.most * self.w * self.h
    }

    /// Takes a frame; false where there is no room. What lies beyond the picture repeats its edge.
    pub fn push(&mut self, luma: &Luma<'_>) -> bool {
        if !self.has_room() {
            return false;
        }
        self.picture = (luma.width(), luma.height());
        let last = luma.width() as i64 - 1;
        for i in 0..self.h {
            let row = luma.row(self.from.1 + i as i64);
            let x = self.from.0;
            if x >= 0 && x as usize + self.w <= row.len() {
                self.pieces.extend_from_slice(&row[x as usize..x as usize + self.w]);
            } else {
                self.pieces.extend((0..self.w as i64).map(|j| row[(x + j).clamp(0, last) as usize]));
            }
        }
        true
    }

    /// A piece.
    #[must_use]
    pub fn frame(&self, index: usize) -> Option<Luma<'_>> {
        let n = self.w * self.h;
        Luma::new(self.pieces.get(index * n..(index + 1) * n)?, self.w, self.w, self.h)
    }

    /// All pieces, oldest first.
    pub fn frames(&self) -> impl Iterator<Item = Luma<'_>> {
        (0..).map_while(|i| self.frame(i))
    }
}
