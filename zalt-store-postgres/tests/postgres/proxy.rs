//! A wire between a store and the server that counts what goes over it, and that can be cut at any point.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::schema::{Schema, url};

/// Where a request is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never gets it.
    Before,
    /// The server gets it and answers, and the answer is lost.
    After,
    /// The server never gets it, and nobody is told: the wire just falls silent.
    Silent,
}

#[derive(Debug, Default)]
struct State {
    /// What to do with requests that hold these words, in the order in which they come.
    cuts: VecDeque<(&'static str, Cut)>,
    /// Whether nobody is let in, and nothing through.
    is_away: bool,
    /// What each request was, by the words that its statements begin with.
    requests: Vec<String>,
}

/// A wire to the server of the tests.
pub(crate) struct Proxy {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(client, Arc::clone(&shared)));
            }
        });
        Self {
            address,
            state,
            listening,
        }
    }

    /// The URL of the database by way of this wire.
    pub(crate) fn url(&self, schema: &Schema) -> String {
        let options: PgConnectOptions = url().parse().unwrap();
        let database = options.get_database().unwrap();
        let user = options.get_username();
        schema.named(&format!(
            "postgres://{user}@{}/{database}?sslmode=disable",
            self.address
        ))
    }

    /// Cuts the connection of the next request that holds these words, an execution or a `COMMIT`.
    pub(crate) fn cut(&self, words: &'static str, cut: Cut) {
        self.state.lock().unwrap().cuts.push_back((words, cut));
    }

    /// Has the server be away, or be there again.
    pub(crate) fn be_away(&self, is_away: bool) {
        self.state.lock().unwrap().is_away = is_away;
    }

    /// The requests since this was last asked: each is a round trip.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What a request asks for: the words of a simple query, or what is done with a prepared statement.
fn name(kind: u8, body: &[u8]) -> String {
    let words = String::from_utf8_lossy(body);
    match kind {
        b'Q' => words.trim_end_matches('\0').to_owned(),
        b'P' => "parse".to_owned(),
        b'B' => "execute".to_owned(),
        b'S' => "sync".to_owned(),
        _ => String::new(),
    }
}

async fn serve(client: TcpStream, state: Arc<Mutex<State>>) {
    if state.lock().unwrap().is_away {
        return;
    }
    let options: PgConnectOptions = url().parse().unwrap();
    let server = TcpStream::connect((options.get_host(), options.get_port()))
        .await
        .unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_lost = Arc::new(Mutex::new(false));
    let answers_are_lost = Arc::clone(&is_lost);
    let answers = tokio::spawn(async move {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match from_server.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    if *answers_are_lost.lock().unwrap() {
                        // The server has answered, so it is done.
                        return;
                    }
                    if to_client.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    let outcome = requests(&mut from_client, &mut to_server, &state, &is_lost).await;
    if outcome == Some(Cut::After) {
        let _ = answers.await;
    } else {
        answers.abort();
    }
}

/// Passes requests on until one is cut off or the client is gone.
async fn requests(
    from_client: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
    state: &Mutex<State>,
    is_lost: &Mutex<bool>,
) -> Option<Cut> {
    // The first message has no kind.
    let first = message(from_client, Vec::new()).await?;
    to_server.write_all(&first).await.ok()?;
    loop {
        let mut request = Vec::new();
        let mut names = Vec::new();
        loop {
            let kind = from_client.read_u8().await.ok()?;
            let whole = message(from_client, vec![kind]).await?;
            names.push(name(kind, &whole[5..]));
            request.extend(whole);
            // A password or the end stands for itself; other messages come in groups that end with one of these.
            if matches!(kind, b'Q' | b'S' | b'p' | b'X') {
                break;
            }
        }
        names.retain(|name| !name.is_empty());
        let names = names.join(" ");
        let cut = {
            let mut state = state.lock().unwrap();
            if !names.is_empty() {
                state.requests.push(names.clone());
            }
            if state.is_away {
                return Some(Cut::Before);
            }
            match state.cuts.front() {
                Some((words, cut)) if names.contains(words) => {
                    let cut = *cut;
                    state.cuts.pop_front();
                    Some(cut)
                }
                _ => None,
            }
        };
        match cut {
            Some(Cut::Before) => return cut,
            Some(Cut::Silent) => continue,
            _ => {}
        }
        *is_lost.lock().unwrap() = cut == Some(Cut::After);
        to_server.write_all(&request).await.ok()?;
        if cut == Some(Cut::After) {
            return cut;
        }
    }
}

/// The rest of a message, of which the kind was read.
async fn message(from: &mut OwnedReadHalf, mut message: Vec<u8>) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + usize::try_from(length).unwrap() - 4, 0);
    from.read_exact(&mut message[start..]).await.ok()?;
    Some(message)
}
