use rusqlite::types::Value;
use rusqlite::{Connection, Error, params, params_from_iter};
use serde_json::json;
use zalt_core::event::{Event, EventKind};
use zalt_core::id::{EventId, UserId};
use zalt_core::store::{EventFilter, Page, PageRequest};

use crate::session::address;
use crate::sql::{Columns, all, execute, statements};
use crate::user::to_json;

statements! {
    /// Ids are random, so a second row of one id is a defect and fails as such.
    INSERT =
        "INSERT INTO zalt_events (id, occurred_at, user_id, kind, actor, data, ip, request_id, user_agent) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
}

/// Events, newest first.
pub(crate) fn list(
    db: &Connection,
    filter: &EventFilter,
    page: PageRequest,
) -> Result<Page<Event>, Error> {
    let mut values = Vec::new();
    values.extend(filter.user_id.map(|id| Value::Blob(id.as_bytes().to_vec())));
    values.extend(filter.kind.clone().map(Value::Text));
    values.extend(page.after.map(|after| Value::Blob(after.id().to_vec())));
    // One more than the page holds tells whether another follows.
    values.push(Value::Integer(i64::from(page.limit.rows()) + 1));
    let sql = list_sql(filter, page);
    let rows = all(db, &sql, params_from_iter(values), read)?;
    Ok(Page::from_rows(rows, page.limit, |event| {
        *event.id.as_bytes()
    }))
}

fn list_sql(filter: &EventFilter, page: PageRequest) -> String {
    let mut conditions = Vec::new();
    if filter.user_id.is_some() {
        conditions.push("user_id = ?");
    }
    match (&filter.kind, filter.user_id) {
        (None, _) => {}
        (Some(_), None) => conditions.push("kind = ?"),
        // One user has few events, one kind has many: the plus keeps SQLite off the index of the kinds.
        (Some(_), Some(_)) => conditions.push("+kind = ?"),
    }
    if page.after.is_some() {
        conditions.push("id < ?");
    }
    let conditions = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    format!(
        "SELECT id, occurred_at, user_id, kind, data, actor, ip, request_id, user_agent FROM zalt_events{conditions} \
         ORDER BY id DESC LIMIT ?"
    )
}

pub(crate) fn append(db: &Connection, event: &Event) -> Result<(), Error> {
    execute(
        db,
        INSERT,
        params![
            event.id.as_bytes(),
            event.occurred_at.unix_millis(),
            event.user_id.as_ref().map(UserId::as_bytes),
            event.kind.name(),
            to_json(&event.actor)?,
            data(&event.kind)?,
            address(event.ip),
            event.request_id,
            event.user_agent,
        ],
    )?;
    Ok(())
}

/// What the kind says beyond its name, as JSON text.
fn data(kind: &EventKind) -> Result<Option<String>, Error> {
    let failed = |error: serde_json::Error| Error::ToSqlConversionFailure(error.into());
    let whole = serde_json::to_value(kind).map_err(failed)?;
    whole.get("data").map(to_json).transpose()
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Event, Error> {
    Ok(Event {
        id: EventId::from_bytes(columns.value()?),
        occurred_at: columns.instant()?,
        user_id: columns.value::<Option<_>>()?.map(UserId::from_bytes),
        kind: kind(columns)?,
        actor: columns.json("actor")?,
        ip: columns.maybe_ip()?,
        request_id: columns.value()?,
        user_agent: columns.value()?,
    })
}

fn kind(columns: &mut Columns<'_, '_>) -> Result<EventKind, Error> {
    const EXPECTED: &str = "data of an event";
    let name: String = columns.value()?;
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

    /// Every statement that a filter can turn into.
    pub(crate) fn searches() -> Vec<(String, String)> {
        let mut statements = Vec::new();
        for user_id in [None, Some(UserId::from_bytes([1; 16]))] {
            for kind in [None, Some("user.created".to_owned())] {
                for after in [None, Some(Cursor::after([2; 16]))] {
                    let filter = EventFilter {
                        user_id,
                        kind: kind.clone(),
                    };
                    let limit = PageLimit::default();
                    let sql = list_sql(&filter, PageRequest { after, limit });
                    statements.push((format!("{filter:?} {after:?}"), sql));
                }
            }
        }
        statements
    }
}
