//! Advice from rules that can be read: `config/advice.toml`.

use serde::Deserialize;

/// The rules that come with the program.
pub const BUILT_IN: &str = include_str!("../../../config/advice.toml");

/// Figures that a rule may ask for.
pub const FIGURES: [&str; 9] = [
    "over_percent",
    "touched_percent",
    "days_to_limit",
    "known_percent",
    "rise_percent",
    "per_day",
    "mean_ms",
    "max_ms",
    "calls",
];

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// A health indicator.
    Indicator,
    /// An alarm.
    Alarm,
    /// A query of the database.
    Query,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub about: About,
    /// Which of these; `*` at the end stands for any continuation.
    pub name: String,
    /// Which figure.
    pub figure: String,
    /// It fits above this.
    pub above: Option<f64>,
    /// It fits below this.
    pub below: Option<f64>,
    /// What to do.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

/// A thing that rules look at.
#[derive(Clone, Debug)]
pub struct Thing<'a> {
    /// Of which kind it is.
    pub about: About,
    /// Its id.
    pub name: &'a str,
    /// Its name for people.
    pub title: String,
    /// Its limit in words.
    pub limit: String,
    /// Its figures.
    pub figures: Vec<(&'static str, f64)>,
}

/// Reads rules.
///
/// # Errors
/// What is wrong, with the rule's name where it has one.
pub fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let rules = toml::from_str::<File>(text).map_err(|e| e.to_string())?.rule;
    for r in &rules {
        if !FIGURES.contains(&r.figure.as_str()) {
            return Err(format!(
                "rule \"{}\": there is no figure \"{}\"; there are {}",
                r.id,
                r.figure,
                FIGURES.join(", ")
            ));
        }
        if r.above.is_some() == r.below.is_some() {
            return Err(format!("rule \"{}\": write either above or below", r.id));
        }
    }
    Ok(rules)
}

/// The advice for these things: for each the first rule that fits, in the order of the things.
#[must_use]
pub fn advise(rules: &[Rule], things: &[Thing<'_>]) -> Vec<String> {
    things.iter().filter_map(|t| rules.iter().find_map(|r| r.fits(t))).collect()
}

impl Rule {
    fn fits(&self, thing: &Thing<'_>) -> Option<String> {
        let named = match self.name.strip_suffix('*') {
            Some(start) => thing.name.starts_with(start),
            None => thing.name == self.name,
        };
        if self.about != thing.about || !named {
            return None;
        }
        let value = thing.figures.iter().find(|(n, _)| *n == self.figure).map(|f| f.1)?;
        let beyond = self.above.is_some_and(|a| value > a) || self.below.is_some_and(|b| value < b);
        beyond.then(|| {
            let value = if value.abs() >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") };
            self.text.replace("{title}", &thing.title).replace("{value}", &value).replace("{limit}", &thing.limit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing<'a>(name: &'a str, figures: &[(&'static str, f64)]) -> Thing<'a> {
        Thing {
            about: About::Indicator,
            name,
            title: format!("<{name}>"),
            limit: "20 %".into(),
            figures: figures.to_vec(),
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = parse(BUILT_IN).unwrap();
        let got = advise(
            &rules,
            &[
                thing("disk./", &[("over_percent", 0.0), ("days_to_limit", 41.0)]),
                thing("cpu", &[("over_percent", 0.5)]),
                thing("plc.x", &[("over_percent", 12.4)]),
            ],
        );
        assert_eq!(got.len(), 2, "{got:?}");
        assert!(got[0].starts_with("<disk./> reaches its limit of 20 % in about 41 days"), "{got:?}");
        assert!(got[1].contains("12 % of the hours"), "{got:?}");
    }

    #[test]
    fn a_bad_rule_is_named() {
        let rule =
            |rest: &str| parse(&format!("[[rule]]\nid = \"x\"\nabout = \"alarm\"\nname = \"*\"\ntext = \"t\"\n{rest}"));
        assert!(rule("figure = \"fun\"\nabove = 1.0").unwrap_err().contains("rule \"x\": there is no figure \"fun\""));
        assert!(rule("figure = \"per_day\"").unwrap_err().contains("either above or below"));
        assert!(rule("figure = \"per_day\"\nabove = 1.0\nwhat = 1").is_err());
        assert!(rule("figure = \"per_day\"\nabove = 1.0").is_ok());
    }
}
