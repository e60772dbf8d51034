//! The luma plane of one decoded frame, borrowed from the decoder.

/// Grey levels of a picture: rows of `width` bytes, `stride` bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> Luma<'a> {
    /// A view of a plane; none if `data` is too short for the stated size or the stride is less than the width.
    #[must_use]
    pub fn new(data: &'a [u8], stride: usize, width: usize, height: usize) -> Option<Self> {
        if width == 0 || height == 0 || stride < width {
            return None;
        }
        let need = stride.checked_mul(height - 1)?.checked_add(width)?;
        (data.len() >= need).then_some(Self { data, stride, width, height })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// One row; rows beyond the picture repeat its edge.
    #[must_use]
    pub fn row(&self, y: i64) -> &'a [u8] {
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        let start = y * self.stride;
        &self.data[start..start + self.width]
    }

    /// Copies `out.len()` pixels of row `y` from column `x` on as `f32`; what lies beyond the picture repeats its edge.
    pub fn copy_row(&self, x: i64, y: i64, out: &mut [f32]) {
        let n = out.len();
        let row = self.row(y);
        if x >= 0 && x as usize + n <= row.len() {
            let x = x as usize;
            for (o, &p) in out.iter_mut().zip(&row[x..x + n]) {
                *o = f32::from(p);
            }
        } else {
            let last = row.len() as i64 - 1;
            for (i, o) in out.iter_mut().enumerate() {
                *o = f32::from(row[(x + i as i64).clamp(0, last) as usize]);
            }
        }
    }

    /// The same as they are.
    pub fn copy_bytes(&self, x: i64, y: i64, out: &mut [u8]) {
        let row = self.row(y);
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
        let before = ((-x).max(0) as usize).min(out.len());
        let from = (x.max(0) as usize).min(row.len());
        let (left, rest) = out.split_at_mut(before);
        let inside = rest.len().min(row.len() - from);
        let (middle, right) = rest.split_at_mut(inside);
        left.fill(*first);
        middle.copy_from_slice(&row[from..from + inside]);
        right.fill(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_over_the_edges() {
        let data: Vec<u8> = (0..12).collect();
        let luma = Luma::new(&data, 4, 4, 3).unwrap();
        for x in -9..9 {
            let (mut bytes, mut floats) = ([0u8; 6], [0.0f32; 6]);
            luma.copy_bytes(x, 1, &mut bytes);
            luma.copy_row(x, 1, &mut floats);
            assert_eq!(bytes.map(f32::from), floats, "from {x}");
        }
    }

    #[test]
    fn refuses_planes_that_are_too_short() {
        assert!(Luma::new(&[0; 11], 4, 4, 3).is_none());
        assert!(Luma::new(&[0; 12], 4, 4, 3).is_some());
        assert!(Luma::new(&[0; 11], 4, 3, 3).is_some(), "the last row need not be padded");
        assert!(Luma::new(&[0; 12], 3, 4, 3).is_none());
        assert!(Luma::new(&[], 0, 0, 0).is_none());
    }

    #[test]
    fn repeats_the_edge() {
        let data: Vec<u8> = (0..12).collect();
        let l = Luma::new(&data, 4, 4, 3).unwrap();
        let mut out = [0.0; 6];
        l.copy_row(-1, -5, &mut out);
        assert_eq!(out, [0.0, 0.0, 1.0, 2.0, 3.0, 3.0]);
        l.copy_row(1, 9, &mut out[..3]);
        assert_eq!(out[..3], [9.0, 10.0, 11.0]);
    }
}
