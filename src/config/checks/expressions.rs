//! Regular expressions can be read.

use super::fault;
use crate::config::fault::Fault;
use crate::config::tree::Sect;

/// `mail.log_patterns` is a regular expression.
pub fn readable(root: &Sect, out: &mut Vec<Fault>) {
    let Some(mail) = root.table("mail") else { return };
    if let Some(Err(e)) = mail.text("log_patterns").map(|t| regex::Regex::new(t)) {
        let last = e.to_string();
        let why = last.lines().last().unwrap_or("it is none").trim().trim_start_matches("error: ").to_owned();
        let right = "write a regular expression such as \"PANIC|No space left\"; \\ before ( ) [ ] . * + ? takes them as they are";
        out.push(fault(mail, "log_patterns", format!("this is no regular expression: {why}"), right));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn an_expression_that_cannot_be_read_is_told() {
        let with = |text: &str| {
            faults(&format!(
                "[mail]\nserver = \"smtp://m:25\"\nfrom = \"a@b.c\"\nto = [\"a@b.c\"]\nlog_patterns = {text}\n"
            ))
        };
        assert_eq!(with("\"PANIC|No space left\""), "");
        let got = with("\"PANIC(\"");
        assert!(
            got.contains("vms.toml:5:1: mail.log_patterns: this is no regular expression: unclosed group"),
            "{got}"
        );
    }
}
