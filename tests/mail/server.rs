//! A small mail server (RFC 5321, with STARTTLS after RFC 3207) that does what a test wants of it.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server does.
#[derive(Clone, Default)]
pub struct Manners {
    /// Offers STARTTLS with this certificate, and takes mail only over it.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Asks for this AUTH PLAIN text.
    pub auth: Option<&'static str>,
    /// So many first letters are put off with 450.
    pub put_off: u32,
    /// Receivers with this in their address are refused for good.
    pub refuses: Option<&'static str>,
    /// Never says a word.
    pub silent: bool,
}

/// A server on a port of its own.
pub struct Server {
    /// Its port.
    pub port: u16,
    /// Letters as they were taken.
    pub letters: Receiver<String>,
    /// Commands seen, secrets included.
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it; its threads end with the test's process.
    pub fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (tx, letters) = channel();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, put_off) = (Arc::clone(&seen), Arc::new(AtomicU32::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manners, tx, told, put_off) =
                    (manners.clone(), tx.clone(), Arc::clone(&told), Arc::clone(&put_off));
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_mins(1)));
                    let _ = Talk { manners, tx, told, put_off, secret: false }.serve(stream);
                });
            }
        });
        Self { port, letters, seen }
    }
}

struct Talk {
    manners: Manners,
    tx: Sender<String>,
    told: Arc<Mutex<Vec<String>>>,
    put_off: Arc<AtomicU32>,
    secret: bool,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Talk {
    fn serve(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        if self.manners.silent {
            let mut byte = [0];
            return stream.read(&mut byte).map(drop);
        }
        stream.write_all(b"220 test ESMTP\r\n")?;
        let plain: Box<dyn Stream> = Box::new(stream.try_clone()?);
        if self.session(plain)? {
            let Some(config) = self.manners.tls.clone() else { return Ok(()) };
            let connection = rustls::ServerConnection::new(config).map_err(std::io::Error::other)?;
            self.secret = true;
            self.session(Box::new(rustls::StreamOwned::new(connection, stream)))?;
        }
        Ok(())
    }

    /// Serves until the end (false) or until TLS is to begin (true). One command at a time: the client waits for each answer.
    fn session(&mut self, stream: Box<dyn Stream>) -> std::io::Result<bool> {
        let mut stream = BufReader::with_capacity(1 << 16, stream);
        let mut signed_in = self.manners.auth.is_none();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            let line = line.trim_end().to_owned();
            self.told.lock().expect("the list").push(line.clone());
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            let out = stream.get_mut();
            match word.as_str() {
                "EHLO" => {
                    let tls = if self.manners.tls.is_some() && !self.secret { "250-STARTTLS\r\n" } else { "" };
                    let auth = if self.manners.auth.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
                    write!(out, "250-test\r\n{tls}{auth}250 8BITMIME\r\n")?;
                }
                "STARTTLS" => {
                    out.write_all(b"220 go on\r\n")?;
                    return Ok(true);
                }
                "AUTH" => {
                    signed_in = self.manners.auth.is_some_and(|a| line.ends_with(a));
                    // A bad server repeats what it was given.
                    let answer = if signed_in { "235 ok".to_owned() } else { format!("535 no: {line}") };
                    write!(out, "{answer}\r\n")?;
                }
                "MAIL" if !signed_in || self.manners.tls.is_some() && !self.secret => {
                    out.write_all(b"530 first\r\n")?;
                }
                "RCPT" if self.manners.refuses.is_some_and(|r| line.contains(r)) => out.write_all(b"550 nobody\r\n")?,
                "RCPT" if self.put_off.fetch_add(1, Ordering::SeqCst) < self.manners.put_off => {
                    out.write_all(b"450 try again later\r\n")?;
                }
                "DATA" => {
                    out.write_all(b"354 go on\r\n")?;
                    out.flush()?;
                    let mut letter = String::new();
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line)? == 0 || line == ".\r\n" {
                            break;
                        }
                        letter.push_str(&line);
                    }
                    let _ = self.tx.send(letter);
                    stream.get_mut().write_all(b"250 taken\r\n")?;
                }
                "QUIT" => {
                    out.write_all(b"221 bye\r\n")?;
                    return Ok(false);
                }
                _ => out.write_all(b"250 ok\r\n")?,
            }
            stream.get_mut().flush()?;
        }
    }
}
