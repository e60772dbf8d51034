//! The drawing characters, in Unicode and in ASCII.

/// Every character that is drawn and is not text.
#[derive(Debug)]
pub struct Glyphs {
    /// Horizontal rule.
    pub rule: &'static str,
    /// Vertical rule between two panes.
    pub bar: &'static str,
    /// Corners of a frame: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Before the selected row.
    pub select: &'static str,
    /// Stands for what did not fit.
    pub more: &'static str,
    /// Not known.
    pub unknown: &'static str,
    /// Sort direction: ascending, descending.
    pub sort: [&'static str; 2],
    /// Scroll bar: track, thumb.
    pub scroll: [&'static str; 2],
    /// Sparkline levels, lowest first.
    pub spark: [&'static str; 8],
    /// Parts of a horizontal bar in eighths, a full cell last.
    pub eighths: [&'static str; 8],
    /// The empty part of a bar.
    pub bar_empty: &'static str,
    /// A mark on a bar or scale (a limit).
    pub bar_mark: &'static str,
    /// Request and answer on a line.
    pub arrows: [&'static str; 2],
    /// Joins a request with its answer: first, middle, last.
    pub join: [&'static str; 3],
    /// Done or passed, failed, skipped, for a person to do.
    pub steps: [&'static str; 4],
    /// A folded (aliased) tone.
    pub folded: &'static str,
    /// Plus or minus.
    pub plus_minus: &'static str,
    /// Between two parts of a line.
    pub dot: &'static str,
    /// Times, as in 1280×720.
    pub times: &'static str,
    /// Up and down, for trends and hints.
    pub up_down: [&'static str; 2],
    /// The upper half of a cell, for pictures; empty where there is none.
    pub half: &'static str,
    /// Greys of pictures without colours, dark to light.
    pub ramp: &'static str,
    /// Whether dots of braille can be used for curves.
    pub braille: bool,
}

pub(super) const UNICODE: Glyphs = Glyphs {
    rule: "─",
    bar: "│",
    corners: ["┌", "┐", "└", "┘"],
    select: "›",
    more: "…",
    unknown: "–",
    sort: ["↑", "↓"],
    scroll: ["│", "┃"],
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    eighths: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    bar_empty: "·",
    bar_mark: "┃",
    arrows: ["→", "←"],
    join: ["┌", "│", "└"],
    steps: ["✓", "✗", "–", "●"],
    folded: "↺",
    plus_minus: "±",
    dot: "·",
    times: "×",
    up_down: ["↑", "↓"],
    half: "▀",
    ramp: " ░▒▓█",
    braille: true,
};

pub(super) const ASCII: Glyphs = Glyphs {
    rule: "-",
    bar: "|",
    corners: ["+", "+", "+", "+"],
    select: ">",
    more: "~",
    unknown: "-",
    sort: ["^", "v"],
    scroll: ["|", "#"],
    spark: ["_", ".", ":", "-", "=", "+", "*", "#"],
    eighths: [".", ".", ":", ":", "=", "=", "#", "#"],
    bar_empty: ".",
    bar_mark: "|",
    arrows: [">", "<"],
    join: ["/", "|", "\\"],
    steps: ["v", "x", "-", "o"],
    folded: "@",
    plus_minus: "+-",
    dot: "-",
    times: "x",
    up_down: ["^", "v"],
    half: "",
    ramp: " .:-=+*#%@",
    braille: false,
};

impl Glyphs {
    /// Every character, for tests.
    #[cfg(test)]
    pub(super) fn every(&self) -> Vec<&'static str> {
        let mut all = vec![self.rule, self.bar, self.select, self.more, self.unknown, self.bar_empty, self.bar_mark];
        all.extend([self.folded, self.plus_minus, self.dot, self.times, self.half, self.ramp]);
        all.extend(self.corners.iter().chain(&self.sort).chain(&self.scroll).chain(&self.arrows).chain(&self.up_down));
        all.extend(self.spark.iter().chain(&self.eighths).chain(&self.join).chain(&self.steps));
        all
    }
}

/// The ASCII form of one character; `?` where there is none.
pub(super) fn ascii(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '–' | '—' | '−' | '─' | '━' | '‐' | '‑' => '-',
        '×' | '✗' => 'x',
        '…' | '·' | '•' => '.',
        'µ' | 'μ' => 'u',
        '→' | '›' | '▶' | '≥' | '»' => '>',
        '←' | '‹' | '◀' | '≤' | '«' => '<',
        '↑' | '▲' => '^',
        '↓' | '▼' | '✓' => 'v',
        '│' | '┃' | '├' | '┤' => '|',
        '±' | '┌' | '┐' | '└' | '┘' | '┼' | '┬' | '┴' => '+',
        '°' | '●' | '○' | '◆' => 'o',
        '²' => '2',
        '³' => '3',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '█' | '▓' => '#',
        '\u{a0}' | '\u{2009}' | '\u{202f}' => ' ',
        _ => '?',
    }
}
