use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// A mail server for one test: it takes every mail and keeps it. It lives longer than the servers that write to it.
pub(crate) struct Mailbox {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    letters: Mutex<Vec<Letter>>,
    /// How long it takes to say that it has a mail.
    slowness: Mutex<Duration>,
    arrived: Notify,
}

/// A mail as it came.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) to: String,
    /// Header and body, with quoted-printable undone.
    pub(crate) text: String,
    came_at: SystemTime,
    /// Somebody made use of it, or it is the same mail once more.
    read: bool,
}

/// A worker that was killed with a mail in its hands leaves it to the next one after a minute.
const PATIENCE: Duration = Duration::from_secs(90);

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            accepting,
        }
    }

    /// For `SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// For `SMTP_URL`: a mail server that is away.
    pub(crate) fn closed() -> String {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        url(listener.local_addr().unwrap().port())
    }

    /// Takes this long from now on to say that it has a mail.
    pub(crate) fn answer_after(&self, slowness: Duration) {
        *self.shared.slowness.lock().unwrap() = slowness;
    }

    /// The code of the next unread mail to this address that has one.
    pub(crate) async fn code(&self, to: &str) -> String {
        self.next(to, Letter::code).await
    }

    /// The same, if it comes in this time.
    pub(crate) async fn code_within(&self, to: &str, patience: Duration) -> Option<String> {
        let code = self.next(to, Letter::code);
        timeout(patience, code).await.ok()
    }

    /// The token in the link of the next unread mail to this address that has one.
    pub(crate) async fn link_token(&self, to: &str) -> String {
        self.next(to, Letter::link_token).await
    }

    /// The next unread mail to this address that has these words in it.
    pub(crate) async fn about(&self, to: &str, words: &str) -> Letter {
        self.next(to, |letter| {
            letter.text.contains(words).then(|| letter.clone())
        })
        .await
    }

    /// Waits until there is a mail to this address, read or not.
    pub(crate) async fn holds_one_for(&self, to: &str) {
        self.wait(to, |letters| {
            letters.iter().any(|letter| letter.to == to).then_some(())
        })
        .await;
    }

    /// Everything that came so far.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.shared.letters.lock().unwrap().clone()
    }

    async fn next<T: Send>(
        &self,
        to: &str,
        what: impl Fn(&Letter) -> Option<T> + Send + Sync,
    ) -> T {
        self.wait(to, |letters| {
            let unread = letters
                .iter_mut()
                .filter(|letter| letter.to == to && !letter.read);
            unread.into_iter().find_map(|letter| {
                let found = what(letter)?;
                letter.read = true;
                Some(found)
            })
        })
        .await
    }

    async fn wait<T: Send>(
        &self,
        to: &str,
        find: impl Fn(&mut [Letter]) -> Option<T> + Send + Sync,
    ) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(found) = find(&mut self.shared.letters.lock().unwrap()) {
                    return found;
                }
                arrived.await;
            }
        });
        let Ok(found) = found.await else {
            panic!("no such mail to {to} within {PATIENCE:?}");
        };
        found
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Letter {
    /// The six digits that stand alone on a line.
    pub(crate) fn code(&self) -> Option<String> {
        let is_code =
            |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        self.text
            .lines()
            .map(str::trim)
            .find(is_code)
            .map(str::to_owned)
    }

    /// The address of the link.
    pub(crate) fn link(&self) -> Option<&str> {
        self.text.split_ascii_whitespace().find(|word| {
            word.starts_with("http") && word.contains("token=") && !word.contains("/safety/")
        })
    }

    /// What tells whether it is the same mail once more.
    pub(crate) fn message_id(&self) -> Option<&str> {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: "))
    }

    /// How long it took from when it was queued, which its id begins with: milliseconds, in Crockford's base 32.
    pub(crate) fn underway(&self) -> Duration {
        const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";
        let id = self.message_id().expect("a mail has an id");
        let (_, digits) = id.split_once("msg_").expect("it is one of a message");
        let queued_at = digits[..10].chars().fold(0_u64, |number, digit| {
            let digit = DIGITS.find(digit).expect("a digit of base 32");
            number * 32 + u64::try_from(digit).unwrap()
        });
        let queued_at = UNIX_EPOCH + Duration::from_millis(queued_at);
        self.came_at.duration_since(queued_at).unwrap_or_default()
    }

    fn link_token(&self) -> Option<String> {
        let (_, token) = self.link()?.split_once("token=")?;
        Some(token.to_owned())
    }
}

fn url(port: u16) -> String {
    format!("smtp://127.0.0.1:{port}?tls=none&from=no-reply@example.com")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A server that is killed breaks off in the middle, and its mail was not taken.
            let _ = serve(stream, &shared).await;
        });
    }
}

/// Just enough of RFC 5321.
async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut recipients = Vec::new();
    writer.write_all(b"220 mailbox.test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let upper = line.to_ascii_uppercase();
        let answer = if upper.starts_with("RCPT TO:") {
            let address = line
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'));
            recipients.extend(address.map(|(address, _)| address.to_owned()));
            "250 ok\r\n"
        } else if upper == "DATA" {
            writer.write_all(b"354 go on\r\n").await?;
            let mut data = String::new();
            while let Some(line) = lines.next_line().await? {
                if line == "." {
                    break;
                }
                data.push_str(line.strip_prefix('.').unwrap_or(&line));
                data.push('\n');
            }
            shared.keep(std::mem::take(&mut recipients), &data);
            let slowness = *shared.slowness.lock().unwrap();
            sleep(slowness).await;
            "250 kept\r\n"
        } else if upper == "QUIT" {
            writer.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            "250 ok\r\n"
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

impl Shared {
    fn keep(&self, recipients: Vec<String>, data: &str) {
        let text = if data.contains("quoted-printable") {
            decode(data)
        } else {
            data.to_owned()
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "servers tell by the clock of the machine when they queued a mail"
        )]
        let came_at = SystemTime::now();
        let mut letters = self.letters.lock().unwrap();
        for to in recipients {
            let mut letter = Letter {
                to,
                text: text.clone(),
                came_at,
                read: false,
            };
            letter.read = letters
                .iter()
                .any(|known| known.message_id() == letter.message_id());
            letters.push(letter);
        }
        drop(letters);
        self.arrived.notify_waiters();
    }
}

/// Undoes quoted-printable (RFC 2045, section 6.7). What is none stays as it is.
fn decode(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(Ok(byte)) = after.get(..2).map(|digits| u8::from_str_radix(digits, 16)) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(b'=');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
