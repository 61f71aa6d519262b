//! A mail server that does as it is told and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does out of the ordinary.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a quirk by itself, and any may come with any other"
)]
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// TLS from the first byte.
    pub(crate) implicit_tls: bool,
    /// Offers STARTTLS.
    pub(crate) start_tls: bool,
    /// Sends this in clear, in one packet with the go-ahead for TLS.
    pub(crate) injected: Option<&'static str>,
    /// Offers AUTH.
    pub(crate) auth: bool,
    /// Offers SMTPUTF8.
    pub utf8: bool,
    /// Answers a command that begins with the first by the second.
    pub(crate) answers: Vec<(&'static str, &'static str)>,
    /// Accepts connections and says nothing.
    pub(crate) silent: bool,
    /// Never answers this command on the first connection.
    pub(crate) stalls_at: Option<&'static str>,
    /// Hangs up after so many mails on one connection.
    pub(crate) hang_up_after: Option<usize>,
}

/// What the server saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// Every command, with `tls ` before those that came encrypted.
    pub(crate) commands: Vec<String>,
    pub(crate) mails: Vec<String>,
    pub(crate) connections: usize,
}

pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    pub(crate) root_pem: String,
    seen: Arc<Mutex<Seen>>,
    stalled: Mutex<mpsc::Receiver<()>>,
}

impl SmtpServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls = tls_config(cert.der().clone(), signing_key.serialize_der());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (stall, stalled) = mpsc::channel();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            root_pem: cert.pem(),
            seen: Arc::default(),
            stalled: Mutex::new(stalled),
        };
        let seen = Arc::clone(&server.seen);
        thread::spawn(move || {
            let mut silenced = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                seen.lock().unwrap().connections += 1;
                if behaviour.silent {
                    silenced.push(stream);
                    continue;
                }
                let mut behaviour = behaviour.clone();
                if seen.lock().unwrap().connections > 1 {
                    behaviour.stalls_at = None;
                }
                let session = Session {
                    behaviour,
                    seen: Arc::clone(&seen),
                    tls: Arc::clone(&tls),
                    stall: stall.clone(),
                };
                thread::spawn(move || session.run(&stream));
            }
        });
        server
    }

    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Blocks until the command that is never answered has come.
    pub(crate) fn wait_for_stall(&self) {
        self.stalled.lock().unwrap().recv().unwrap();
    }

    /// How many mails came over how many connections.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.mails.len(), seen.connections)
    }
}

fn tls_config(certificate: CertificateDer<'static>, key: Vec<u8>) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Arc::new(
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap(),
    )
}

struct Session {
    behaviour: Behaviour,
    seen: Arc<Mutex<Seen>>,
    tls: Arc<ServerConfig>,
    stall: mpsc::Sender<()>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Session {
    fn run(self, tcp: &TcpStream) {
        let stream = if self.behaviour.implicit_tls {
            self.encrypt(tcp.try_clone().unwrap())
        } else {
            Box::new(tcp.try_clone().unwrap())
        };
        let mut stream = BufReader::new(stream);
        let mut tls = self.behaviour.implicit_tls;
        let mut mails = 0;
        if !say(&mut stream, self.answer("GREETING").unwrap_or("220 ready")) {
            return;
        }
        while let Some(line) = hear(&mut stream) {
            let prefix = if tls { "tls " } else { "" };
            self.seen
                .lock()
                .unwrap()
                .commands
                .push(format!("{prefix}{line}"));
            if self
                .behaviour
                .stalls_at
                .is_some_and(|at| line.starts_with(at))
            {
                // Nobody waits for it any more if the test is over.
                let _ = self.stall.send(());
                continue;
            }
            if let Some(answer) = self.answer(&line) {
                say(&mut stream, answer);
            } else if line.starts_with("EHLO") {
                say(&mut stream, &self.extensions(tls));
            } else if line == "STARTTLS" {
                let injected = self.behaviour.injected.unwrap_or_default();
                say(&mut stream, &format!("220 go ahead\r\n{injected}"));
                stream = BufReader::new(self.encrypt(tcp.try_clone().unwrap()));
                tls = true;
            } else if line.starts_with("AUTH") {
                say(&mut stream, "235 welcome");
            } else if line == "DATA" {
                say(&mut stream, "354 go on");
                let mut mail = String::new();
                while let Some(line) = hear(&mut stream).filter(|line| line != ".") {
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.push_str("\r\n");
                }
                let answer = self.answer("CONTENT").unwrap_or("250 taken");
                if answer.starts_with('2') {
                    self.seen.lock().unwrap().mails.push(mail);
                    mails += 1;
                }
                say(&mut stream, answer);
                if self.behaviour.hang_up_after == Some(mails) {
                    return;
                }
            } else if line == "QUIT" {
                say(&mut stream, "221 bye");
                return;
            } else {
                say(&mut stream, "250 ok");
            }
        }
    }

    fn encrypt(&self, tcp: TcpStream) -> Box<dyn Stream> {
        let connection = ServerConnection::new(Arc::clone(&self.tls)).unwrap();
        Box::new(StreamOwned::new(connection, tcp))
    }

    fn extensions(&self, tls: bool) -> String {
        let mut lines = vec!["localhost"];
        if self.behaviour.start_tls && !tls {
            lines.push("STARTTLS");
        }
        if self.behaviour.auth {
            lines.push("AUTH PLAIN LOGIN");
        }
        if self.behaviour.utf8 {
            lines.push("SMTPUTF8");
        }
        format!("250-{}\r\n250 8BITMIME", lines.join("\r\n250-"))
    }

    fn answer(&self, line: &str) -> Option<&'static str> {
        self.behaviour
            .answers
            .iter()
            .find(|(start, _)| line.starts_with(start))
            .map(|(_, answer)| *answer)
    }
}

/// Writes an answer in one packet.
fn say(stream: &mut BufReader<Box<dyn Stream>>, answer: &str) -> bool {
    let answer = format!("{}\r\n", answer.trim_end());
    stream.get_mut().write_all(answer.as_bytes()).is_ok() && stream.get_mut().flush().is_ok()
}

fn hear(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(read) if read > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}
