use std::fmt::Write;

use serde_json::json;
use sqlx::Error;
use zalt_core::event::{Event, EventKind};
use zalt_core::id::{EventId, UserId};
use zalt_core::store::{EventFilter, Page, PageRequest, StoreError};

use crate::database::Database;
use crate::sql::{Columns, Value};
use crate::user::cannot_be_kept;

/// How many parameters an event has.
const PARAMETERS: usize = 9;

/// Events, newest first.
pub(crate) async fn list(
    db: &Database,
    filter: &EventFilter,
    page: PageRequest,
) -> Result<Page<Event>, StoreError> {
    let unknown = filter.kind.as_deref().is_some_and(cannot_be_kept);
    let rows = if unknown {
        Vec::new()
    } else {
        let (sql, values) = search(filter, page);
        db.listed(&sql, &values, read).await?
    };
    Ok(Page::from_rows(rows, page.limit, |event| {
        *event.id.as_bytes()
    }))
}

fn search(filter: &EventFilter, page: PageRequest) -> (String, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    if let Some(user_id) = filter.user_id {
        values.push(Value::id(user_id.as_bytes()));
        conditions.push(format!("user_id = ${}", values.len()));
    }
    if let Some(kind) = &filter.kind {
        values.push(Value::text(&**kind));
        // One user has few events, one kind has many: as a value that it computes, the kind keeps PostgreSQL off its index.
        let column = if filter.user_id.is_some() {
            "kind || ''"
        } else {
            "kind"
        };
        conditions.push(format!("{column} = ${}", values.len()));
    }
    if let Some(cursor) = page.after {
        values.push(Value::id(cursor.id()));
        conditions.push(format!("id < ${}", values.len()));
    }
    let conditions = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    // One more than the page holds tells whether another follows.
    values.push(Value::Number(Some(i64::from(page.limit.rows()) + 1)));
    let sql = format!(
        "SELECT id, occurred_at, user_id, kind, data, actor, ip, request_id, user_agent FROM zalt.events{conditions} \
         ORDER BY id DESC LIMIT ${}",
        values.len()
    );
    (sql, values)
}

/// Writes the part of a statement that appends so many events. Ids are random, so a second row of one id is a defect and
/// fails as such.
pub(crate) fn push_insert(sql: &mut String, offset: usize, events: usize) {
    sql.push_str(
        "e AS (INSERT INTO zalt.events (id, occurred_at, user_id, kind, actor, data, ip, request_id, user_agent) VALUES ",
    );
    for event in 0..events {
        for parameter in 0..PARAMETERS {
            let before = match (event, parameter) {
                (0, 0) => "(",
                (_, 0) => "), (",
                _ => ", ",
            };
            let place = offset + event * PARAMETERS + parameter + 1;
            // Writing to a string can't fail.
            let _ = write!(sql, "{before}${place}");
        }
    }
    sql.push_str("))");
}

pub(crate) fn values(event: &Event) -> Result<[Value; PARAMETERS], Error> {
    Ok([
        Value::id(event.id.as_bytes()),
        Value::instant(event.occurred_at),
        Value::maybe_id(event.user_id.as_ref().map(UserId::as_bytes)),
        Value::text(event.kind.name()),
        Value::json(&event.actor)?,
        data(&event.kind)?,
        Value::address(event.ip),
        Value::sent(event.request_id.as_deref()),
        Value::sent(event.user_agent.as_deref()),
    ])
}

/// What the kind says beyond its name.
fn data(kind: &EventKind) -> Result<Value, Error> {
    let whole = serde_json::to_value(kind).map_err(|error| Error::Encode(error.into()))?;
    match whole.get("data") {
        Some(data) => Value::json(data),
        None => Ok(Value::Json(None)),
    }
}

fn read(columns: &mut Columns<'_>) -> Result<Event, Error> {
    Ok(Event {
        id: EventId::from_bytes(columns.id()?),
        occurred_at: columns.instant()?,
        user_id: columns.maybe_id()?.map(UserId::from_bytes),
        kind: kind(columns)?,
        actor: columns.json("actor")?,
        ip: columns.maybe_ip()?,
        request_id: columns.sent()?,
        user_agent: columns.sent()?,
    })
}

fn kind(columns: &mut Columns<'_>) -> Result<EventKind, Error> {
    const EXPECTED: &str = "data of an event";
    let name = columns.text()?;
    let data = columns.maybe_parsed(EXPECTED, |text| {
        serde_json::from_str::<serde_json::Value>(text).ok()
    })?;
    let whole = match data {
        Some(data) => json!({ "type": name, "data": data }),
        None => json!({ "type": name }),
    };
    serde_json::from_value(whole).map_err(|_| columns.contradiction(EXPECTED))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use zalt_core::store::{Cursor, PageLimit};

    /// Every statement that a filter can turn into, with its parameters.
    pub(crate) fn searches() -> Vec<(String, String, Vec<Value>)> {
        let mut statements = Vec::new();
        for user_id in [None, Some(UserId::from_bytes([1; 16]))] {
            for kind in [None, Some("user.created".to_owned())] {
                for after in [None, Some(Cursor::after([0x80; 16]))] {
                    let filter = EventFilter {
                        user_id,
                        kind: kind.clone(),
                    };
                    let limit = PageLimit::default();
                    let (sql, values) = search(&filter, PageRequest { after, limit });
                    statements.push((format!("{filter:?} {after:?}"), sql, values));
                }
            }
        }
        statements
    }

    #[test]
    fn each_event_has_its_parameters() {
        let mut sql = String::new();
        push_insert(&mut sql, 3, 2);
        let (_, values) = sql.split_once("VALUES ").unwrap();
        assert_eq!(
            values,
            "($4, $5, $6, $7, $8, $9, $10, $11, $12), ($13, $14, $15, $16, $17, $18, $19, $20, $21))"
        );
    }
}
