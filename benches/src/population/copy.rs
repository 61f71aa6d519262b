use std::fmt::{Display, Write as _};

use serde_json::json;
use sqlx::{Connection, PgConnection};
use zalt_core::Timestamp;
use zalt_core::event::Event;
use zalt_core::identifier::Identifier;
use zalt_core::session::{Session, Transport};
use zalt_core::store::{Batch, Change};
use zalt_core::user::{PasswordCredential, User};

use super::Rows;

/// Rows of PostgreSQL in its text format. It knows the tables of `zalt-store-postgres`, which a test holds it against.
pub(super) struct Copies {
    db: PgConnection,
    schema: String,
    waiting: usize,
    tables: [Table; 5],
}

struct Table {
    name: &'static str,
    columns: &'static str,
    rows: String,
}

const USERS: usize = 0;
const IDENTIFIERS: usize = 1;
const PASSWORDS: usize = 2;
const SESSIONS: usize = 3;
const EVENTS: usize = 4;

/// How many people are sent at once.
const AT_ONCE: usize = 10_000;

impl Copies {
    pub(super) async fn begin(url: &str, schema: &str) -> Self {
        let mut db = PgConnection::connect(url).await.unwrap();
        // Only a superuser may leave the foreign keys unchecked. They hold either way.
        let unchecked = sqlx::query("SET session_replication_role = replica");
        let _ = unchecked.execute(&mut db).await;
        let table = |name, columns| Table {
            name,
            columns,
            rows: String::new(),
        };
        Self {
            db,
            schema: schema.to_owned(),
            waiting: 0,
            tables: [
                table(
                    "users",
                    "id, session_epoch, created_at, updated_at, version, public_metadata, private_metadata, \
                     unsafe_metadata",
                ),
                table(
                    "identifiers",
                    "id, user_id, kind, key, value, verified_at, is_primary, created_at, version",
                ),
                table("passwords", "user_id, phc, set_at, version"),
                table(
                    "sessions",
                    "id, user_id, epoch, refresh_generation, refresh_rotated_at, authenticated_at, last_seen_at, \
                     idle_expires_at, expires_at, created_at, sweep_at, transport, token, refresh_seed, amr, ip, user_agent",
                ),
                table("events", "id, occurred_at, user_id, kind, actor"),
            ],
        }
    }

    /// Sends the rest, and counts.
    pub(super) async fn end(mut self, users: u32) {
        self.send().await;
        // Each row counts its share of the users; which are whose matters to nobody here.
        let count = format!(
            "UPDATE {0}.user_counts SET users = users + {1} WHERE active AND shard = 0",
            self.schema, users
        );
        sqlx::query(sqlx::AssertSqlSafe(count))
            .execute(&mut self.db)
            .await
            .unwrap();
        self.db.close().await.unwrap();
    }

    async fn send(&mut self) {
        self.waiting = 0;
        for table in &mut self.tables {
            let statement = format!(
                "COPY {}.{} ({}) FROM STDIN",
                self.schema, table.name, table.columns
            );
            let mut copy = self.db.copy_in_raw(&statement).await.unwrap();
            copy.send(std::mem::take(&mut table.rows).into_bytes())
                .await
                .unwrap();
            copy.finish().await.unwrap();
        }
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::InsertUser(new) => user(&mut self.tables[USERS].rows, new),
            Change::InsertIdentifier(new) => identifier(&mut self.tables[IDENTIFIERS].rows, new),
            Change::InsertPassword(new) => password(&mut self.tables[PASSWORDS].rows, new),
            Change::InsertSession(new) => session(&mut self.tables[SESSIONS].rows, new),
            other => panic!("people are not made of {other:?}"),
        }
    }
}

impl Rows for Copies {
    async fn write(&mut self, batch: Batch) {
        for change in &batch.changes {
            self.add(change);
        }
        for new in &batch.events {
            event(&mut self.tables[EVENTS].rows, new);
        }
        self.waiting += batch.events.len();
        if self.waiting >= AT_ONCE {
            self.send().await;
        }
    }
}

/// A line of columns. No value here holds a tab, a backslash of its own or the end of a line.
struct Line<'r> {
    rows: &'r mut String,
    begun: bool,
}

impl<'r> Line<'r> {
    const fn of(rows: &'r mut String) -> Self {
        Self { rows, begun: false }
    }

    fn put(mut self, value: impl Display) -> Self {
        let before = if self.begun { "\t" } else { "" };
        let _ = write!(self.rows, "{before}{value}");
        self.begun = true;
        self
    }

    fn maybe(self, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.put(value),
            None => self.put("\\N"),
        }
    }

    fn id(self, id: &[u8; 16]) -> Self {
        self.put(hex(id))
    }

    fn instant(self, at: Timestamp) -> Self {
        self.put(at.unix_millis())
    }

    fn end(self) {
        self.rows.push('\n');
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes(bytes: &[u8]) -> String {
    // The backslash is doubled for the format of the copy.
    format!("\\\\x{}", hex(bytes))
}

fn user(rows: &mut String, new: &User) {
    Line::of(rows)
        .id(new.id.as_bytes())
        .put(new.session_epoch)
        .instant(new.created_at)
        .instant(new.updated_at)
        .put(new.version)
        .put("{}")
        .put("{}")
        .put("{}")
        .end();
}

fn identifier(rows: &mut String, new: &Identifier) {
    let key = new.value.key();
    Line::of(rows)
        .id(new.id.as_bytes())
        .id(new.user_id.as_bytes())
        .put(key.kind.as_str())
        .put(key.key)
        .put(new.value.as_str())
        .maybe(new.verified_at.map(Timestamp::unix_millis))
        .put(new.primary)
        .instant(new.created_at)
        .put(new.version)
        .end();
}

fn password(rows: &mut String, new: &PasswordCredential) {
    Line::of(rows)
        .id(new.user_id.as_bytes())
        .put(new.phc.as_str())
        .instant(new.set_at)
        .put(new.version)
        .end();
}

fn session(rows: &mut String, new: &Session) {
    let refresh = new.refresh.as_ref();
    Line::of(rows)
        .id(new.id.as_bytes())
        .id(new.user_id.as_bytes())
        .put(new.epoch)
        .maybe(refresh.map(|refresh| refresh.generation))
        .maybe(refresh.map(|refresh| refresh.rotated_at.unix_millis()))
        .instant(new.authenticated_at)
        .instant(new.last_seen_at)
        .instant(new.idle_expires_at)
        .instant(new.expires_at)
        .instant(new.created_at)
        .instant(new.idle_expires_at.min(new.expires_at))
        .put(match new.transport {
            Transport::Cookie => "cookie",
            Transport::Bearer => "bearer",
        })
        .maybe(new.token.as_ref().map(|token| bytes(token.as_bytes())))
        .maybe(refresh.map(|refresh| bytes(&refresh.seed)))
        .put(json!(new.amr))
        .maybe(new.ip)
        .maybe(new.user_agent.as_deref())
        .end();
}

fn event(rows: &mut String, new: &Event) {
    Line::of(rows)
        .id(new.id.as_bytes())
        .instant(new.occurred_at)
        .maybe(new.user_id.map(|id| hex(id.as_bytes())))
        .put(new.kind.name())
        .put(json!(new.actor))
        .end();
}
