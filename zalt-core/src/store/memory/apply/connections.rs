use super::{Applied, absent, found, next_version, same_version};
use crate::connection::Connection;
use crate::id::ConnectionId;
use crate::store::memory::state::State;

pub(super) fn insert_connection(state: &mut State, connection: Connection) -> Applied {
    let taken = |(id, stored): (&ConnectionId, &Connection)| {
        *id == connection.id || stored.key == connection.key
    };
    absent(state.connections.iter().any(taken))?;
    state.connections.put(connection.id, connection);
    Ok(())
}

pub(super) fn update_connection(state: &mut State, connection: Connection) -> Applied {
    let stored = found(state.connections.get(&connection.id))?;
    let connection = Connection {
        key: stored.key.clone(),
        version: next_version(stored.version, connection.version)?,
        ..connection
    };
    state.connections.put(connection.id, connection);
    Ok(())
}

pub(super) fn delete_connection(state: &mut State, id: ConnectionId, version: u64) -> Applied {
    same_version(found(state.connections.get(&id))?.version, version)?;
    state.connections.remove(&id);
    Ok(())
}
