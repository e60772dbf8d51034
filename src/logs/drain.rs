//! Templates mined from lines as they come (Drain: He et al., ICWS 2017): a tree of fixed depth, bounded in every direction.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::mask::mask;

/// Most templates kept; the ones not seen for the longest time go first.
pub const MAX_TEMPLATES: usize = 2000;
/// Most words of a template; what follows counts as one that changes.
const MAX_WORDS: usize = 40;
/// Words without a mask that lead to a leaf.
const LEADING: usize = 2;
/// Most leaves; further lines share one by source and length.
const MAX_LEAVES: usize = 4000;
/// Lines remembered word for word, so that a known one is found at once.
const MAX_KNOWN: usize = 1 << 15;
/// A template fits when this share of its words is the same, in percent.
const ALIKE_PERCENT: usize = 60;
/// Stands for a word that changes.
pub const ANY: &str = "<*>";

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its number; never given twice.
    pub id: u64,
    /// Which source it belongs to.
    pub source: u64,
    /// Its words.
    pub words: Vec<Box<str>>,
    leaf: u64,
    used: u64,
}

impl Template {
    /// As one line.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// Passes keys that are hashes already through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |h, b| step(h, u64::from(*b)));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

type Map<V> = HashMap<u64, V, BuildHasherDefault<Ready>>;

/// The templates of all sources.
#[derive(Debug, Default)]
pub struct Drain {
    templates: HashMap<u64, Template>,
    leaves: Map<Vec<u64>>,
    known: Map<u64>,
    buffer: Vec<u8>,
    next: u64,
    clock: u64,
    forgotten: Vec<u64>,
}

fn step(h: u64, word: u64) -> u64 {
    (h ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

/// A hash of bytes; good enough to tell lines apart, not meant against someone who looks for collisions.
#[must_use]
pub fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut h = step(seed ^ 0x51_7C_C1_B7, bytes.len() as u64);
    let mut chunks = bytes.chunks_exact(8);
    for c in &mut chunks {
        let mut word = [0u8; 8];
        word.copy_from_slice(c);
        h = step(h, u64::from_le_bytes(word));
    }
    for b in chunks.remainder() {
        h = step(h, u64::from(*b));
    }
    h ^ (h >> 31)
}

impl Drain {
    /// The template of a line: its number, and whether it was made just now.
    pub fn add(&mut self, source: u64, line: &[u8]) -> (u64, bool) {
        self.clock += 1;
        let mut masked = std::mem::take(&mut self.buffer);
        mask(line, &mut masked);
        let key = hash(source, &masked);
        let found = match self.known.get(&key) {
            Some(id) => (*id, false),
            None => self.learn(source, key, &String::from_utf8_lossy(&masked)),
        };
        self.buffer = masked;
        found
    }

    fn learn(&mut self, source: u64, key: u64, masked: &str) -> (u64, bool) {
        let words = words(masked);
        let leaf = self.leaf(source, &words);
        let best = self.leaves.get(&leaf).into_iter().flatten().filter_map(|id| {
            let t = self.templates.get(id)?;
            Some((alike(&t.words, &words), *id))
        });
        let best = best.max().filter(|(same, _)| same * 100 >= words.len() * ALIKE_PERCENT);
        let found = if let Some((_, id)) = best {
            if let Some(t) = self.templates.get_mut(&id) {
                merge(&mut t.words, &words);
                t.used = self.clock;
            }
            (id, false)
        } else {
            let words = words.into_iter().map(Into::into).collect();
            (self.put(Template { id: self.next, source, words, leaf, used: self.clock }), true)
        };
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(key, found.0);
        found
    }

    fn leaf(&self, source: u64, words: &[&str]) -> u64 {
        let length = step(source, words.len() as u64);
        let leading = words.iter().filter(|w| !w.contains('<')).take(LEADING);
        let leaf = leading.fold(length, |h, w| hash(h, w.as_bytes()));
        if self.leaves.contains_key(&leaf) || self.leaves.len() < MAX_LEAVES { leaf } else { length }
    }

    fn put(&mut self, template: Template) -> u64 {
        if self.templates.len() >= MAX_TEMPLATES {
            self.forget(MAX_TEMPLATES / 20);
        }
        let id = template.id;
        self.next = self.next.max(id + 1);
        self.leaves.entry(template.leaf).or_default().push(id);
        self.templates.insert(id, template);
        id
    }

    /// Makes room: the ones that no new line led to for the longest time go.
    fn forget(&mut self, count: usize) {
        let mut by_use: Vec<(u64, u64)> = self.templates.values().map(|t| (t.used, t.id)).collect();
        by_use.sort_unstable();
        for (_, id) in by_use.into_iter().take(count) {
            if let Some(t) = self.templates.remove(&id)
                && let Some(leaf) = self.leaves.get_mut(&t.leaf)
            {
                leaf.retain(|other| *other != id);
                if leaf.is_empty() {
                    self.leaves.remove(&t.leaf);
                }
            }
            self.forgotten.push(id);
        }
        self.known.clear();
    }

    /// Puts a template back as it was kept; its number is a new one.
    pub fn restore(&mut self, source: u64, text: &str) -> u64 {
        self.clock += 1;
        let parts = words(text);
        let leaf = self.leaf(source, &parts);
        let words = parts.into_iter().map(Into::into).collect();
        self.put(Template { id: self.next, source, words, leaf, used: self.clock })
    }

    /// The template of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Template> {
        self.templates.get(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The numbers of those that had to go since this was asked last.
    pub fn take_forgotten(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.forgotten)
    }
}

fn words(masked: &str) -> Vec<&str> {
    let mut words: Vec<&str> = masked.split(' ').filter(|w| !w.is_empty()).take(MAX_WORDS + 1).collect();
    if words.len() > MAX_WORDS {
        words.truncate(MAX_WORDS);
        words.push(ANY);
    }
    words
}

fn alike(template: &[Box<str>], words: &[&str]) -> usize {
    if template.len() != words.len() {
        return 0;
    }
    template.iter().zip(words).filter(|(t, w)| &***t == **w).count()
}

fn merge(template: &mut [Box<str>], words: &[&str]) {
    for (t, w) in template.iter_mut().zip(words) {
        if &**t != *w && &**t != ANY {
            *t = ANY.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mined(lines: &[&str]) -> Vec<String> {
        let mut d = Drain::default();
        for l in lines {
            d.add(1, l.as_bytes());
        }
        let mut all: Vec<&Template> = d.templates.values().collect();
        all.sort_by_key(|t| t.id);
        all.iter().map(|t| t.text()).collect()
    }

    #[test]
    fn lines_of_one_kind_share_a_template() {
        let got = mined(&[
            "2026-11-23T22:41:07Z INFO user alice logged in from 10.0.0.1",
            "2026-11-23T22:41:08Z INFO user bob logged in from 10.0.0.2",
            "2026-11-23T22:41:09Z WARN disk / is 91 % full",
            "2026-11-23T22:41:09Z WARN disk / is 92 % full",
            "2026-11-23T22:41:09Z ERROR port is gone",
        ]);
        assert!(got.contains(&"WARN disk / is <n> % full".to_owned()), "{got:?}");
        assert!(got.contains(&"ERROR port is gone".to_owned()), "{got:?}");
        assert_eq!(
            mined(&["send to alpha of the group failed now", "send to beta of the group failed now"]),
            ["send to <*> of the group failed now"].map(|_| "send to <*> of the group failed now".to_owned())
        );
    }

    #[test]
    fn sources_are_kept_apart_and_a_restored_template_is_found_again() {
        let mut d = Drain::default();
        let id = d.restore(7, "WARN disk <path> is <n> % full");
        assert_eq!(d.add(7, b"WARN disk /data is 93 % full"), (id, false));
        assert!(d.add(8, b"WARN disk /data is 93 % full").1, "another source");
        assert_eq!(d.get(id).unwrap().text(), "WARN disk <path> is <n> % full");
    }

    #[test]
    fn memory_is_bounded_and_what_goes_is_told() {
        let mut d = Drain::default();
        let name = |i: u32| i.to_string().bytes().map(|b| char::from(b'a' + b - b'0')).collect::<String>();
        for i in 0..20_000 {
            let n = name(i);
            d.add(1, format!("{n} {n} {n} {n}").as_bytes());
        }
        assert!(d.len() <= MAX_TEMPLATES && d.leaves.len() <= MAX_LEAVES && d.known.len() <= MAX_KNOWN);
        assert!(d.take_forgotten().len() >= 18_000);
        let in_leaves: usize = d.leaves.values().map(Vec::len).sum();
        assert_eq!(in_leaves, d.len());
    }

    proptest! {
        #[test]
        fn the_same_line_has_the_same_template(lines in proptest::collection::vec("[a-c0-9 ]{0,30}", 1..60)) {
            let mut d = Drain::default();
            for l in &lines {
                let (id, _) = d.add(1, l.as_bytes());
                prop_assert_eq!(d.add(1, l.as_bytes()), (id, false));
            }
        }
    }
}
