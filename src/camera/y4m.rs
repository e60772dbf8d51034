//! YUV4MPEG2 files: header and frames, luma only, of 8 to 16 bits a sample. GStreamer's own reader refuses the monochrome kind.

use std::io::{BufRead, Read};

use thiserror::Error;

/// Why a file cannot be read on.
#[derive(Debug, Error)]
pub enum Y4mError {
    /// It is not such a file, or of a kind that is not known.
    #[error("not a YUV4MPEG2 file that can be read: {0}")]
    Header(String),
    /// It could not be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Largest side of a picture, pixels.
const LARGEST: usize = 16_384;

/// An opened file.
#[derive(Debug)]
pub struct Y4m<R> {
    source: R,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Frames a second.
    pub fps: f64,
    chroma_bytes: usize,
    /// Bits of a sample beyond eight; such samples take two bytes, the lower first.
    beyond: u32,
    wide: Vec<u8>,
    luma: Vec<u8>,
}

impl<R: BufRead> Y4m<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Anything but planar video of 8 to 16 bits and a sensible size.
    pub fn open(mut source: R) -> Result<Self, Y4mError> {
        let bad = |text: &str| Y4mError::Header(text.to_owned());
        let header = line(&mut source, 256)?.ok_or_else(|| bad("it is empty"))?;
        let mut words = header.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(bad("it does not begin with YUV4MPEG2"));
        }
        let (mut width, mut height, mut fps, mut chroma) = (0usize, 0usize, 25.0, "420".to_owned());
        for word in words.filter(|w| !w.is_empty()) {
            let (tag, value) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            match tag {
                "W" => width = value.parse().map_err(|_| bad("its width is no number"))?,
                "H" => height = value.parse().map_err(|_| bad("its height is no number"))?,
                "F" => {
                    let (n, d) = value.split_once(':').ok_or_else(|| bad("its frame rate is no fraction"))?;
                    let (n, d): (f64, f64) = (n.parse().unwrap_or(0.0), d.parse().unwrap_or(0.0));
                    if n > 0.0 && d > 0.0 {
                        fps = n / d;
                    }
                }
                "C" => value.clone_into(&mut chroma),
                _ => {}
            }
        }
        if !(1..=LARGEST).contains(&width) || !(1..=LARGEST).contains(&height) {
            return Err(bad("its width or height is missing or beyond reason"));
        }
        let half = width.div_ceil(2) * height.div_ceil(2);
        let (kind, bits) = depth(&chroma);
        let chroma_samples = match (kind, bits) {
            ("mono", 8..=16) => 0,
            ("420", 8..=16) | ("420jpeg" | "420mpeg2" | "420paldv", 8) => 2 * half,
            ("422", 8..=16) => 2 * width.div_ceil(2) * height,
            ("444", 8..=16) => 2 * width * height,
            _ => {
                return Err(Y4mError::Header(format!("its colours are coded as {chroma}; convert it to 8-bit 4:2:0")));
            }
        };
        let bytes = if bits > 8 { 2 } else { 1 };
        Ok(Self {
            source,
            width,
            height,
            fps,
            chroma_bytes: bytes * chroma_samples,
            beyond: bits - 8,
            wide: if bits > 8 { vec![0; 2 * width * height] } else { Vec::new() },
            luma: vec![0; width * height],
        })
    }

    /// The luma of the next frame; none at the end. A frame that is cut short ends the file as well.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than a frame.
    pub fn frame(&mut self) -> Result<Option<&[u8]>, Y4mError> {
        let Some(header) = line(&mut self.source, 256)? else { return Ok(None) };
        if !header.starts_with("FRAME") {
            return Err(Y4mError::Header("a frame does not begin with FRAME".into()));
        }
        let room = if self.beyond > 0 { &mut self.wide } else { &mut self.luma };
        match self.source.read_exact(room) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        if self.beyond > 0 {
            narrow(&self.wide, self.beyond, &mut self.luma);
        }
        let skipped = std::io::copy(&mut (&mut self.source).take(self.chroma_bytes as u64), &mut std::io::sink())?;
        Ok((skipped == self.chroma_bytes as u64).then_some(&self.luma))
    }
}

/// The kind of a colour coding and the bits of a sample: `420p10` is 4:2:0 of ten bits; `mono12` has them at its end.
fn depth(chroma: &str) -> (&str, u32) {
    let split = |at: &str| chroma.split_once(at).and_then(|(kind, bits)| Some((kind, bits.parse().ok()?)));
    match chroma.strip_prefix("mono").filter(|b| !b.is_empty()) {
        Some(bits) => ("mono", bits.parse().unwrap_or(0)),
        None => split("p").filter(|_| !chroma.starts_with("420pal")).unwrap_or((chroma, 8)),
    }
}

/// Samples of more than eight bits, rounded to eight: the bits that go are far below the noise of any sensor in this place.
fn narrow(wide: &[u8], beyond: u32, out: &mut [u8]) {
    let half = 1u32 << (beyond - 1);
    for (o, pair) in out.iter_mut().zip(wide.chunks_exact(2)) {
        let v = u32::from(u16::from_le_bytes([pair[0], pair[1]]));
        *o = ((v + half) >> beyond).min(255) as u8;
    }
}

/// One line of at most `most` bytes; none at the end.
fn line(source: &mut impl BufRead, most: u64) -> Result<Option<String>, Y4mError> {
    let mut bytes = Vec::new();
    source.take(most).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(Y4mError::Header("a line is too long or cut short".into()));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Y4mError::Header("a line is no text".into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_frames_of_both_kinds() {
        for (tag, chroma) in [("Cmono", 0), ("C420jpeg", 4), ("C444", 12)] {
            let mut file = format!("YUV4MPEG2 W3 H2 F30000:1001 Ip {tag}\n").into_bytes();
            for k in 0..2u8 {
                file.extend(b"FRAME\n");
                file.extend([k; 6]);
                file.extend(vec![128; chroma]);
            }
            let mut y = Y4m::open(&file[..]).unwrap();
            assert!((y.fps - 29.97).abs() < 0.01 && (y.width, y.height) == (3, 2));
            assert_eq!(y.frame().unwrap(), Some(&[0u8; 6][..]));
            assert_eq!(y.frame().unwrap(), Some(&[1u8; 6][..]));
            assert_eq!(y.frame().unwrap(), None);
            // Cut short.
            let mut y = Y4m::open(&file[..file.len() - 1]).unwrap();
            assert!(y.frame().unwrap().is_some());
            assert_eq!(y.frame().unwrap(), None);
        }
    }

    #[test]
    fn more_than_eight_bits_are_rounded_to_eight() {
        for (tag, bits, chroma) in [("C420p10", 10, 2), ("Cmono12", 12, 0), ("C422p16", 16, 4), ("C444p10", 10, 8)] {
            let mut file = format!("YUV4MPEG2 W2 H2 F25:1 {tag}\n").into_bytes();
            for _ in 0..2 {
                file.extend(b"FRAME\n");
                for v in [0u32, 100, 200, 255] {
                    // A little less than half a step off: it must not matter.
                    file.extend(((v << (bits - 8)) as u16).saturating_add(1).to_le_bytes());
                }
                file.extend(vec![1; 2 * chroma]);
            }
            let mut y = Y4m::open(&file[..]).unwrap();
            for _ in 0..2 {
                assert_eq!(y.frame().unwrap(), Some(&[0u8, 100, 200, 255][..]), "{tag}");
            }
            assert_eq!(y.frame().unwrap(), None);
        }
    }

    #[test]
    fn other_files_are_refused() {
        for text in [
            "",
            "RIFF",
            "YUV4MPEG2 W0 H2\n",
            "YUV4MPEG2 H2\n",
            "YUV4MPEG2 W4 H4 C420p17\n",
            "YUV4MPEG2 W4 H4 C420p\n",
            "YUV4MPEG2 W4 H4 Cmono7\n",
            "YUV4MPEG2 W4 H4 C420palp10\n",
            "YUV4MPEG2 W99999 H99999\n",
        ] {
            assert!(Y4m::open(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(head in "YUV4MPEG2[ WHFC0-9:a-z]{0,40}\n", body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut file = head.into_bytes();
            file.extend(body);
            if let Ok(mut y) = Y4m::open(&file[..]) && y.width * y.height < 100_000 {
                while let Ok(Some(_)) = y.frame() {}
            }
        }
    }
}
