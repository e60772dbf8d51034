//! Credentials stand beside an address, never in it, and a password goes with a user name.

use url::Url;

use super::fault;
use crate::config::fault::Fault;
use crate::config::tree::Sect;

/// Names of query parameters that carry a password.
const PASSWORD_KEYS: [&str; 5] = ["password", "passwd", "passphrase", "pwd", "pass"];

/// No password in an address; for cameras and mail no user name either.
pub fn not_in_addresses(root: &Sect, out: &mut Vec<Fault>) {
    for camera in root.tables("camera") {
        check(camera, "url", true, out);
    }
    if let Some(historian) = root.table("historian") {
        check(historian, "url", false, out);
    }
    if let Some(mail) = root.table("mail") {
        check(mail, "server", true, out);
    }
}

fn check(sect: &Sect, key: &str, name_too: bool, out: &mut Vec<Fault>) {
    let Some(url) = sect.text(key).and_then(|t| Url::parse(t).ok()) else { return };
    let in_query = url.query_pairs().any(|(k, _)| PASSWORD_KEYS.contains(&k.to_lowercase().as_str()));
    if url.password().is_some() || in_query {
        let right = "remove it and write password = { env = \"NAME\" } or { file = \"PATH\" }";
        out.push(fault(sect, key, "a password stands in the address", right));
    } else if name_too && !url.username().is_empty() {
        out.push(fault(sect, key, "a user name stands in the address", "remove it and write username = \"…\""));
    }
}

/// A password without a user name is of no use.
pub fn user_with_password(root: &Sect, out: &mut Vec<Fault>) {
    for sect in root.tables("camera").iter().chain(root.table("mail")) {
        if sect.written("password") && !sect.written("username") {
            out.push(fault(
                sect,
                "password",
                "there is a password but no username",
                "write username = \"…\" beside it",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::checks::testing::faults;

    #[test]
    fn addresses_hold_no_credentials_and_messages_neither() {
        for url in ["rtsp://vms:hunter2@h/s", "rtsp://:hunter2@h/s", "rtsp://h/s?user=a&password=hunter2"] {
            let got = faults(&format!("[[camera]]\nid = \"c\"\nurl = \"{url}\"\n"));
            assert!(got.starts_with("vms.toml:3:1: camera[0].url: a password stands in the address; "), "{got}");
            assert!(!got.contains("hunter2"));
        }
        assert!(
            faults("[[camera]]\nid = \"c\"\nurl = \"rtsp://vms@h/s\"\n").contains("a user name stands in the address")
        );
        assert!(
            faults("[historian]\nurl = \"postgres://vms:hunter2@h/db\"\n")
                .starts_with("vms.toml:2:1: historian.url: a password")
        );
        assert_eq!(faults("[historian]\nurl = \"postgres://vms@h/db\"\npassword = { env = \"SET_DB\" }\n"), "");
    }

    #[test]
    fn a_password_needs_a_user() {
        let t = "[[camera]]\nid = \"c\"\nurl = \"rtsp://h/s\"\npassword = { env = \"SET\" }\n";
        assert_eq!(
            faults(t),
            "vms.toml:4:1: camera[0].password: there is a password but no username; write username = \"…\" beside it"
        );
    }

    #[test]
    fn secrets_are_never_written_down_nor_missing() {
        let plain = "[[camera]]\nid = \"c\"\nurl = \"rtsp://h/s\"\nusername = \"u\"\npassword = \"hunter2\"\n";
        let got = faults(plain);
        assert!(
            got.starts_with(
                "vms.toml:5:1: camera[0].password: a secret stands in the configuration itself; write { env"
            )
        );
        assert!(!got.contains("hunter2"));
        let unset = plain.replace("\"hunter2\"", "{ env = \"NOT_THERE\" }");
        assert!(faults(&unset).contains("the environment variable NOT_THERE is not set"));
        let file = plain.replace("\"hunter2\"", "{ file = \"cam.password\" }");
        assert!(faults(&file).contains("the file /nonexistent/cam.password does not exist"));
        for odd in ["{ }", "{ env = \"A\", file = \"b\" }", "{ value = \"hunter2\" }", "{ env = 3 }", "7"] {
            let got = faults(&plain.replace("\"hunter2\"", odd));
            assert!(got.contains("it does not say where the secret is") && !got.contains("hunter2"), "{got}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("db.password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let text = "[historian]\nurl = \"postgres://vms@h/db\"\npassword = { file = \"db.password\" }\n";
        let load = || crate::config::Config::parse(text, "vms.toml", dir.path(), &|_| None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let got = load().unwrap_err().to_string();
        assert!(got.contains("is readable by others (mode 644); run: chmod 600 "), "{got}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let loaded = load().unwrap();
        let secret = loaded.config.historian.unwrap().password.unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&secret), "hunter2");
    }
}
