//! A small RTSP client (RFC 2326) for diagnosis: asks OPTIONS and DESCRIBE, answers a demand for credentials, and reads what the
//! server says in its own words. It opens no stream.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// Longest answer that is read, bytes.
const LONGEST: usize = 64 * 1024;
/// Longest header line that is told, characters.
const TOLD: usize = 120;

/// Whom to be at the camera.
pub struct Account<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
}

/// A server's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status code: 200, 401, 404…
    pub status: u16,
    /// Its words.
    pub reason: String,
    /// Headers, names in small letters, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum RtspError {
    /// The connection.
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    /// It took the connection and broke or went silent.
    #[error("the server took the connection and then {0}")]
    Broken(String),
    /// It speaks something else.
    #[error("the server does not speak RTSP: it answers {0}")]
    Foreign(String),
}

impl Reply {
    /// The first header of that name (small letters).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `404 Not Found`, short and without control characters.
    #[must_use]
    pub fn status_line(&self) -> String {
        told(&format!("{} {}", self.status, self.reason))
    }

    /// The video streams that a description (SDP, RFC 8866) offers: `H264/90000`, or the payload's number.
    #[must_use]
    pub fn videos(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut in_video = None::<String>;
        for line in self.body.lines().map(str::trim) {
            if let Some(media) = line.strip_prefix("m=") {
                found.extend(in_video.take());
                in_video = media.starts_with("video").then(|| told(media.rsplit(' ').next().unwrap_or("?")));
            } else if let Some(map) = line.strip_prefix("a=rtpmap:").filter(|_| in_video.is_some()) {
                in_video = map.split_once(' ').map(|(_, codec)| told(codec)).or(in_video);
            }
        }
        found.extend(in_video);
        found
    }
}

/// The first [`TOLD`] characters without control characters.
fn told(text: &str) -> String {
    text.trim().chars().take(TOLD).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A conversation with a camera.
pub struct Talk<'a> {
    stream: TcpStream,
    url: &'a str,
    account: Option<Account<'a>>,
    left: &'a dyn Fn() -> Duration,
    number: u32,
    challenge: Option<Challenge>,
}

impl<'a> Talk<'a> {
    /// Connects; `left` says how much time there is at any moment.
    ///
    /// # Errors
    /// There is no connection.
    pub fn open(
        address: SocketAddr,
        url: &'a str,
        account: Option<Account<'a>>,
        left: &'a dyn Fn() -> Duration,
    ) -> Result<Self, RtspError> {
        let wait = left().max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, wait).map_err(RtspError::Connect)?;
        Ok(Self { stream, url, account, left, number: 0, challenge: None })
    }

    /// Sends one request and reads the answer. A demand for credentials (401) is answered once, where there are any.
    ///
    /// # Errors
    /// The connection broke, the time is over, or the answer is none of RTSP's.
    pub fn ask(&mut self, method: &str) -> Result<Reply, RtspError> {
        let reply = self.once(method)?;
        if reply.status != 401 || self.account.is_none() || self.challenge.is_some() {
            return Ok(reply);
        }
        let offered = reply.headers.iter().filter(|(n, _)| n == "www-authenticate").map(|(_, v)| v.as_str());
        self.challenge = Challenge::best(offered);
        if self.challenge.is_none() { Ok(reply) } else { self.once(method) }
    }

    fn once(&mut self, method: &str) -> Result<Reply, RtspError> {
        self.number += 1;
        let mut request = format!("{method} {} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: vms\r\n", self.url, self.number);
        if method == "DESCRIBE" {
            request.push_str("Accept: application/sdp\r\n");
        }
        if let (Some(challenge), Some(account)) = (&self.challenge, &self.account) {
            let credentials = challenge.answer(method, self.url, account, self.number);
            let _ = write!(request, "Authorization: {credentials}\r\n");
        }
        request.push_str("\r\n");
        self.pace()?;
        self.stream.write_all(request.as_bytes()).map_err(|e| broken(&e))?;
        self.read()
    }

    /// No single read or write may outlast what is left.
    fn pace(&self) -> Result<(), RtspError> {
        let left = (self.left)();
        if left.is_zero() {
            return Err(RtspError::Broken("did not answer in time".into()));
        }
        let set = self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.set_write_timeout(Some(left)));
        set.map_err(|e| broken(&e))
    }

    fn read(&mut self) -> Result<Reply, RtspError> {
        let mut got = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            if let Some(reply) = parse(&got)? {
                return Ok(reply);
            }
            if got.len() > LONGEST {
                return Err(RtspError::Broken(format!("sent more than {LONGEST} bytes without an end")));
            }
            self.pace()?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(RtspError::Broken("closed it without an answer".into())),
                Ok(n) => got.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(&e)),
            }
        }
    }
}

fn broken(e: &std::io::Error) -> RtspError {
    use std::io::ErrorKind as K;
    RtspError::Broken(match e.kind() {
        K::WouldBlock | K::TimedOut => "did not answer in time".into(),
        _ => format!("broke it: {e}"),
    })
}

/// The answer in these bytes; none while some are missing.
fn parse(bytes: &[u8]) -> Result<Option<Reply>, RtspError> {
    let start = &bytes[..bytes.len().min(5)];
    if !b"RTSP/".starts_with(start) {
        let first = String::from_utf8_lossy(bytes);
        return Err(RtspError::Foreign(format!("\"{}\"", told(first.lines().next().unwrap_or("")))));
    }
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or("");
    let mut words = first.splitn(3, ' ').skip(1);
    let Some(status) = words.next().and_then(|s| s.parse().ok()) else {
        return Err(RtspError::Foreign(format!("\"{}\"", told(first))));
    };
    let reason = words.next().unwrap_or("").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse::<usize>().ok());
    let length = length.unwrap_or(0).min(LONGEST);
    let Some(body) = bytes.get(end + 4..end + 4 + length) else { return Ok(None) };
    let body = String::from_utf8_lossy(body).into_owned();
    Ok(Some(Reply { status, reason, headers, body }))
}

/// How the server wants to be shown who asks (RFC 7616, RFC 7617).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Digest { realm: String, nonce: String, opaque: Option<String>, auth: bool, sha256: bool },
}

impl Challenge {
    /// The strongest of those offered that is known here.
    fn best<'o>(offered: impl Iterator<Item = &'o str>) -> Option<Self> {
        offered.filter_map(Self::parse).max_by_key(|c| match c {
            Self::Basic => 0,
            Self::Digest { sha256, .. } => 1 + u8::from(*sha256),
        })
    }

    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let fields = fields(rest);
        let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let algorithm = get("algorithm").unwrap_or_else(|| "MD5".into());
        let sha256 = algorithm.eq_ignore_ascii_case("SHA-256");
        if !sha256 && !algorithm.eq_ignore_ascii_case("MD5") {
            return None;
        }
        let auth = get("qop").is_some_and(|q| q.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
        Some(Self::Digest { realm: get("realm")?, nonce: get("nonce")?, opaque: get("opaque"), auth, sha256 })
    }

    fn answer(&self, method: &str, uri: &str, account: &Account<'_>, count: u32) -> String {
        let Account { user, password } = account;
        let Self::Digest { realm, nonce, opaque, auth, sha256 } = self else {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            return format!("Basic {pair}");
        };
        let hash = |text: String| if *sha256 { hex(&Sha256::digest(text)) } else { hex(&Md5::digest(text)) };
        let (who, what) = (hash(format!("{user}:{realm}:{password}")), hash(format!("{method}:{uri}")));
        let mut out = format!("Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\"");
        let response = if *auth {
            let (nc, cnonce) = (format!("{count:08x}"), hash(format!("{nonce}:{count}")));
            let cnonce = cnonce.get(..16).unwrap_or("0");
            let _ = write!(out, ", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
            hash(format!("{who}:{nonce}:{nc}:{cnonce}:auth:{what}"))
        } else {
            hash(format!("{who}:{nonce}:{what}"))
        };
        let _ = write!(out, ", response=\"{response}\"");
        if let Some(opaque) = opaque {
            let _ = write!(out, ", opaque=\"{opaque}\"");
        }
        if *sha256 {
            out.push_str(", algorithm=SHA-256");
        }
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// `a="x, y", b=z` as pairs; names in small letters.
fn fields(text: &str) -> Vec<(String, String)> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').map_or((after, ""), |(v, l)| (v.trim(), l)),
        };
        out.push((name.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned()));
        rest = left;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SDP: &str = "v=0\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 96\r\n\
                       a=rtpmap:96 H264/90000\r\nm=video 0 RTP/AVP 26\r\n";

    #[test]
    fn an_answer_is_read_whole_or_waited_for() {
        let text =
            format!("RTSP/1.0 200 OK\r\nCSeq: 2\r\nServer: Cam\r\nContent-Length: {}\r\n\r\n{SDP}left", SDP.len());
        for n in 0..text.len() - 4 {
            assert_eq!(parse(&text.as_bytes()[..n]).unwrap(), None, "{n}");
        }
        let r = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!((r.status_line().as_str(), r.header("server")), ("200 OK", Some("Cam")));
        assert_eq!(r.videos(), ["H264/90000", "26"]);
    }

    #[test]
    fn another_protocol_is_told() {
        let e = parse(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err().to_string();
        assert!(e.contains("does not speak RTSP") && e.contains("HTTP/1.1 400"), "{e}");
        assert!(parse(b"RTSP/1.0 what\r\n\r\n").is_err());
    }

    #[test]
    fn the_digest_of_the_standard_s_example() {
        // RFC 7616, 3.9.1, without the part that names the client's nonce: held against RFC 2069's form.
        let c = Challenge::parse(
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\"",
        )
        .unwrap();
        let account = Account { user: "Mufasa", password: "CircleOfLife" };
        let answer = c.answer("GET", "/dir/index.html", &account, 1);
        assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
        assert!(answer.contains("opaque=\"5ccc\"") && !answer.contains("CircleOfLife"), "{answer}");
    }

    #[test]
    fn the_strongest_known_way_is_taken() {
        let offered = ["Basic realm=\"x\"", "Digest realm=\"a, b\", nonce=\"n\", qop=\"auth\", algorithm=MD5"];
        let best = Challenge::best(offered.into_iter()).unwrap();
        assert!(matches!(&best, Challenge::Digest { realm, auth: true, sha256: false, .. } if realm == "a, b"));
        assert_eq!(Challenge::best(["Negotiate", "Basic realm=\"x\""].into_iter()), Some(Challenge::Basic));
        assert_eq!(Challenge::best(["Digest realm=\"r\", nonce=\"n\", algorithm=FOO"].into_iter()), None);
        let basic = Challenge::Basic.answer("OPTIONS", "u", &Account { user: "a", password: "b" }, 1);
        assert_eq!(basic, "Basic YTpi");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,80}") {
            let _ = parse(&bytes);
            let mut framed = b"RTSP/1.0 ".to_vec();
            framed.extend(&bytes);
            let _ = parse(&framed);
            let _ = Challenge::parse(&format!("Digest {text}"));
            let _ = Reply { body: text, ..Reply::default() }.videos();
        }
    }
}
