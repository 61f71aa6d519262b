use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A mail server of this machine's own: it takes every mail and hands the last one to an address out, once. Cheap to clone.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Ends with the last clone.
    _accepting: Arc<Accepting>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<HashMap<String, Arc<Slot>>>,
}

/// What came for an address. Whoever waits makes it as well as what arrives.
#[derive(Default)]
struct Slot {
    mail: Mutex<Option<String>>,
    arrived: Notify,
}

/// Mails that nobody asks for are dropped past this many addresses.
const MOST_ADDRESSES: usize = 100_000;
/// The longest mail that is kept.
const LONGEST_MAIL: usize = 256 * 1024;

struct Accepting(JoinHandle<()>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Mailbox {
    /// Takes mail at this port of the machine; 0 is a free one.
    pub async fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self {
            shared,
            address,
            _accepting: Arc::new(Accepting(accepting)),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next mail to this address, waited for as long as it takes.
    pub async fn next(&self, to: &str) -> String {
        let slot = self.shared.slot(to);
        loop {
            let arrived = slot.arrived.notified();
            if let Some(mail) = slot.mail.lock().unwrap().take() {
                self.shared.mails.lock().unwrap().remove(to);
                return mail;
            }
            arrived.await;
        }
    }

    /// Puts a mail in, as if it had come by SMTP.
    pub fn put(&self, to: &str, text: &str) {
        self.shared.put(to, text.to_owned());
    }
}

impl Shared {
    fn slot(&self, to: &str) -> Arc<Slot> {
        let mut mails = self.mails.lock().unwrap();
        mails.entry(to.to_owned()).or_default().clone()
    }

    fn put(&self, to: &str, text: String) {
        let known = self.mails.lock().unwrap().len();
        if known < MOST_ADDRESSES {
            let slot = self.slot(to);
            *slot.mail.lock().unwrap() = Some(text);
            slot.arrived.notify_one();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // A server that ends breaks off, and its mail was not taken.
            let _ = serve(stream, &shared).await;
        });
    }
}

/// Just enough of RFC 5321.
async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut recipients = Vec::new();
    writer.write_all(b"220 zalt-benches\r\n").await?;
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
                if data.len() < LONGEST_MAIL {
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push('\n');
                }
            }
            let text = decode(&data);
            for to in recipients.drain(..) {
                shared.put(&to, text.clone());
            }
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

/// Undoes quoted-printable (RFC 2045, section 6.7) where a mail says that it is.
fn decode(text: &str) -> String {
    if !text.to_ascii_lowercase().contains("quoted-printable") {
        return text.to_owned();
    }
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if let Some(byte) = digits {
            bytes.push(byte);
            after.get(2..).unwrap_or("")
        } else {
            bytes.push(b'=');
            after
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_reaches_whoever_waits_for_it() {
        let mailbox = Mailbox::open(0).await.unwrap();
        let waiting = {
            let mailbox = mailbox.clone();
            tokio::spawn(async move { mailbox.next("ada@example.com").await })
        };
        let mut stream = TcpStream::connect(mailbox.address()).await.unwrap();
        let dialogue = "EHLO x\r\nMAIL FROM:<z@example.com>\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\ncode=3D\r\n..123=\r\n456\r\n.\r\nQUIT\r\n";
        stream.write_all(dialogue.as_bytes()).await.unwrap();
        let text = waiting.await.unwrap();
        assert!(text.ends_with("\ncode=\n.123456\n"), "{text:?}");
        // It was handed out: the next one is another.
        mailbox.put("ada@example.com", "second");
        assert_eq!(mailbox.next("ada@example.com").await, "second");
    }
}
