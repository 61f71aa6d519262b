//! The stream as one replica reads it.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};
use tokio::time::timeout;

use super::entry::{self, Entry};
use crate::connection::{RedisConnection, Target};
use crate::failure::Failure;
use crate::monotonic;

/// About how many entries the stream keeps; a replica that is further behind forgets everything.
pub(super) const LENGTH: usize = 10_000;
/// How many entries are read at once.
const PAGE: usize = 1000;
/// How many nodes of a cluster are asked which one has the stream.
const REDIRECTS: usize = 5;

/// Reads the stream from its end at the time that it was opened, over a connection of its own.
///
/// The node that has the stream is found by asking, not by the client for clusters: that one moves on to another node
/// without a word, and what the last one had not passed on by then would be missed.
pub(super) struct Reader {
    server: MultiplexedConnection,
    key: String,
    /// The last entry that was read. It is asked for each time: while it is there, nothing behind it was cut off, and the
    /// stream is still the same.
    last: Vec<u8>,
    block: Duration,
    limit: Duration,
}

/// Where else a stream may be found, learned from the cluster.
#[derive(Debug, Default)]
pub(super) struct KnownNodes(Vec<String>);

/// What was read, at one time.
#[derive(Debug)]
pub(super) struct News {
    pub(super) entries: Vec<Entry>,
    /// Everything that was announced before this is in these entries or those before.
    pub(super) complete_at: Option<Instant>,
}

/// Why reading has to begin anew.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Entries that were not read yet are gone, or the whole stream.
    #[error("the stream of invalidations was cut off, or is another one")]
    Gap,
}

impl Reader {
    /// Opens the stream at its end, and says at what instant that was. It is made if it is not there.
    pub(super) async fn open(
        connection: &RedisConnection,
        known: &mut KnownNodes,
        key: &str,
        from: &str,
        block: Duration,
    ) -> Result<(Self, Instant), Broken> {
        let limit = block + connection.response_timeout();
        // An entry that says nothing: to have one to hold on to, and to know that this server takes writes.
        let anchor = entry::add(key, LENGTH, from, &[]);
        let dial = Dial {
            target: connection.target(),
            limit,
            anchor: &anchor,
        };
        let opened = dial.open(known).await?;
        let Value::BulkString(last) = opened.anchor else {
            return Err(no_sense().into());
        };
        let reader = Self {
            server: opened.server,
            key: key.to_owned(),
            last,
            block,
            limit,
        };
        Ok((reader, opened.at))
    }

    /// The policy by which the server throws keys away when it is full, if it does.
    pub(super) async fn eviction(&mut self) -> Option<String> {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let answer = timeout(self.limit, self.server.send_packed_command(&info)).await;
        match answer {
            Ok(Ok(Value::BulkString(about))) => eviction(&String::from_utf8_lossy(&about)),
            // It may not tell, or the reader finds out soon that it is gone.
            _ => None,
        }
    }

    /// Waits for news, for as long as the block at most, and reads them.
    pub(super) async fn next(&mut self) -> Result<News, Broken> {
        let mut read = redis::pipe();
        // Only a primary that may write does this: what was announced elsewhere can't be missed by reading a stale copy.
        read.cmd("XTRIM").arg(&self.key);
        read.arg("MAXLEN").arg("~").arg(LENGTH);
        read.cmd("XREAD").arg("COUNT").arg(PAGE);
        read.arg("BLOCK").arg(millis(self.block));
        read.arg("STREAMS").arg(&self.key).arg(&self.last);
        read.cmd("XRANGE").arg(&self.key);
        read.arg(&self.last).arg(&self.last).arg("COUNT").arg(1);

        let sent_at = monotonic::now();
        let answers = timeout(self.limit, self.server.send_packed_commands(&read, 0, 3))
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(Failure::of_command)?;
        let [trimmed, news, last] = <[Value; 3]>::try_from(answers).map_err(|_| no_sense())?;
        succeeded(trimmed)?;
        let entries = entry::of_read(succeeded(news)?).ok_or_else(no_sense)?;
        let last = entry::of_range(succeeded(last)?).ok_or_else(no_sense)?;
        if last.is_empty() {
            return Err(Broken::Gap);
        }
        if let Some(entry) = entries.last() {
            self.last.clone_from(&entry.id);
        }
        Ok(News {
            complete_at: (entries.len() < PAGE).then_some(sent_at),
            entries,
        })
    }
}

/// Looks for the server that has the stream.
struct Dial<'d> {
    target: &'d Target,
    limit: Duration,
    anchor: &'d Cmd,
}

struct Opened {
    server: MultiplexedConnection,
    anchor: Value,
    at: Instant,
}

impl Dial<'_> {
    async fn open(&self, known: &mut KnownNodes) -> Result<Opened, Failure> {
        let mut failure = Failure::Away;
        for number in 0..self.target.servers() {
            let server = self.target.connect_to_server(number, self.limit).await;
            match self.follow(server).await {
                Ok(opened) => return Ok(self.learn(opened, known).await),
                Err(error) => failure = error,
            }
        }
        for node in &known.0 {
            let server = self.target.connect_to_node(node, self.limit).await;
            if let Ok(opened) = self.follow(server).await {
                return Ok(self.learn(opened, known).await);
            }
        }
        Err(failure)
    }

    /// Asks a server, and whom it points to.
    async fn follow(
        &self,
        mut server: RedisResult<MultiplexedConnection>,
    ) -> Result<Opened, Failure> {
        let mut failure = Failure::Away;
        for _ in 0..REDIRECTS {
            let mut asked = server.map_err(Failure::Connect)?;
            let at = monotonic::now();
            let error = match timeout(self.limit, asked.send_packed_command(self.anchor)).await {
                Ok(answer) => match answer.and_then(Value::extract_error) {
                    Ok(anchor) => {
                        return Ok(Opened {
                            server: asked,
                            anchor,
                            at,
                        });
                    }
                    Err(error) => error,
                },
                Err(_) => return Err(Failure::Timeout),
            };
            let Some(node) = moved_to(&error) else {
                return Err(Failure::of_command(error));
            };
            server = self.target.connect_to_node(&node, self.limit).await;
            failure = Failure::of_command(error);
        }
        Err(failure)
    }

    /// Notes where the other nodes of a cluster are, for when those that were known from the start are gone.
    async fn learn(&self, mut opened: Opened, known: &mut KnownNodes) -> Opened {
        if self.target.is_cluster() {
            let mut slots = redis::cmd("CLUSTER");
            slots.arg("SLOTS");
            let answer = timeout(self.limit, opened.server.send_packed_command(&slots)).await;
            if let Ok(Ok(answer)) = answer {
                let nodes = nodes_of_slots(&answer);
                if !nodes.is_empty() {
                    known.0 = nodes;
                }
            }
        }
        opened
    }
}

/// The address of the node that has the slot for good.
fn moved_to(error: &RedisError) -> Option<String> {
    if error.code() != Some("MOVED") {
        return None;
    }
    error.redirect_node().map(|(address, _)| address.to_owned())
}

/// The addresses in an answer to CLUSTER SLOTS.
fn nodes_of_slots(answer: &Value) -> Vec<String> {
    let mut nodes: Vec<_> = array(answer)
        .iter()
        .flat_map(|range| array(range).iter().skip(2))
        .filter_map(|node| match array(node) {
            [Value::BulkString(host), Value::Int(port), ..] => {
                Some(format!("{}:{port}", String::from_utf8_lossy(host)))
            }
            _ => None,
        })
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The policy in an answer to INFO.
fn eviction(about: &str) -> Option<String> {
    let field = |name: &str| about.lines().find_map(|line| line.strip_prefix(name));
    let policy = field("maxmemory_policy:").filter(|policy| *policy != "noeviction")?;
    // Without a limit it is never full.
    field("maxmemory:").filter(|limit| *limit != "0")?;
    Some(policy.to_owned())
}

fn array(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        _ => &[],
    }
}

fn succeeded(value: Value) -> Result<Value, Failure> {
    value.extract_error().map_err(Failure::of_command)
}

fn no_sense() -> Failure {
    Failure::Refused(
        (
            ErrorKind::UnexpectedReturnType,
            "the stream of invalidations is not one",
        )
            .into(),
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_evicts_is_recognised() {
        let about = |limit: &str, policy: &str| {
            format!("# Memory\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n")
        };
        let evicts = eviction(&about("1048576", "allkeys-lru"));
        assert_eq!(evicts.as_deref(), Some("allkeys-lru"));
        for (limit, policy) in [("0", "allkeys-lru"), ("1048576", "noeviction")] {
            assert_eq!(eviction(&about(limit, policy)), None);
        }
        assert_eq!(eviction(""), None);
    }

    #[test]
    fn nodes_are_learned_from_the_slots() {
        let node = |host: &str, port| {
            let host = Value::BulkString(host.as_bytes().to_vec());
            Value::Array(vec![host, Value::Int(port)])
        };
        let range = |from, to, nodes: Vec<Value>| {
            let mut range = vec![Value::Int(from), Value::Int(to)];
            range.extend(nodes);
            Value::Array(range)
        };
        let answer = Value::Array(vec![
            range(0, 99, vec![node("10.0.0.2", 7), node("10.0.0.1", 7)]),
            range(100, 16_383, vec![node("10.0.0.2", 7)]),
        ]);
        assert_eq!(nodes_of_slots(&answer), ["10.0.0.1:7", "10.0.0.2:7"]);
        assert_eq!(nodes_of_slots(&Value::Nil), Vec::<String>::new());
    }
}
