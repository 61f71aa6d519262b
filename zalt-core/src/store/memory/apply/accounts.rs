use super::{Applied, absent, found, next_version, same_version};
use crate::credential::Credential;
use crate::id::{CredentialId, IdentifierId, UserId};
use crate::identifier::Identifier;
use crate::store::GuardReason;
use crate::store::memory::state::State;
use crate::user::{PasswordCredential, User};

pub(super) fn insert_user(state: &mut State, user: User) -> Applied {
    absent(state.users.contains(&user.id))?;
    state.users.put(user.id, user);
    Ok(())
}

pub(super) fn update_user(state: &mut State, user: User) -> Applied {
    let stored = found(state.users.get(&user.id))?;
    let version = next_version(stored.version, user.version)?;
    // Only RevokeUserSessions moves the epoch. It leaves the version alone, so an update that was decided before it
    // would pass its guard and turn the epoch back. The same goes for the last sign-in, which InsertSession moves.
    let user = User {
        session_epoch: stored.session_epoch,
        last_sign_in_at: stored.last_sign_in_at,
        version,
        ..user
    };
    state.users.put(user.id, user);
    Ok(())
}

pub(super) fn purge_user(state: &mut State, id: UserId, version: u64) -> Applied {
    same_version(found(state.users.get(&id))?.version, version)?;
    let identifiers: Vec<_> = state.identifiers_of(id).map(|row| row.id).collect();
    for identifier in identifiers {
        state.remove_identifier(identifier);
    }
    let sessions: Vec<_> = state.sessions_of(id, None).map(|row| row.id).collect();
    for session in sessions {
        state.remove_session(session);
    }
    let credentials: Vec<_> = state.credentials_of(id).map(|row| row.id).collect();
    for credential in credentials {
        state.remove_credential(credential);
    }
    state.passwords.remove(&id);
    state.users.remove(&id);
    Ok(())
}

pub(super) fn insert_identifier(state: &mut State, identifier: Identifier) -> Applied {
    absent(state.identifier(identifier.id).is_some())?;
    found(state.users.get(&identifier.user_id))?;
    let key = identifier.value.key();
    let has_it = state
        .identifiers_of(identifier.user_id)
        .any(|other| other.value.key() == key);
    let owned = identifier.verified_at.is_some() && state.owners.contains(&key);
    if has_it || owned {
        return Err(GuardReason::IdentifierTaken.into());
    }
    state.put_identifier(identifier);
    Ok(())
}

pub(super) fn update_identifier(state: &mut State, identifier: &Identifier) -> Applied {
    let stored = found(state.identifier(identifier.id))?;
    let version = next_version(stored.version, identifier.version)?;
    let owner = state.owners.get(&stored.value.key());
    let taken = owner.is_some_and(|owner| *owner != stored.id);
    if identifier.verified_at.is_some() && taken {
        return Err(GuardReason::IdentifierTaken.into());
    }
    let identifier = Identifier {
        user_id: stored.user_id,
        value: stored.value.clone(),
        version,
        ..*identifier
    };
    state.put_identifier(identifier);
    Ok(())
}

pub(super) fn delete_identifier(state: &mut State, id: IdentifierId, version: u64) -> Applied {
    same_version(found(state.identifier(id))?.version, version)?;
    state.remove_identifier(id);
    Ok(())
}

pub(super) fn insert_password(state: &mut State, password: PasswordCredential) -> Applied {
    found(state.users.get(&password.user_id))?;
    absent(state.passwords.contains(&password.user_id))?;
    state.passwords.put(password.user_id, password);
    Ok(())
}

pub(super) fn update_password(state: &mut State, password: PasswordCredential) -> Applied {
    let stored = found(state.passwords.get(&password.user_id))?.version;
    let version = next_version(stored, password.version)?;
    state.passwords.put(
        password.user_id,
        PasswordCredential {
            version,
            ..password
        },
    );
    Ok(())
}

pub(super) fn insert_credential(state: &mut State, credential: Credential) -> Applied {
    absent(state.credential(credential.id).is_some())?;
    found(state.users.get(&credential.user_id))?;
    if credential
        .handle
        .is_some_and(|handle| state.handles.contains(&handle))
    {
        return Err(GuardReason::CredentialTaken.into());
    }
    state.put_credential(credential);
    Ok(())
}

pub(super) fn update_credential(state: &mut State, credential: Credential) -> Applied {
    let stored = found(state.credential(credential.id))?;
    let credential = Credential {
        user_id: stored.user_id,
        handle: stored.handle,
        version: next_version(stored.version, credential.version)?,
        ..credential
    };
    state.put_credential(credential);
    Ok(())
}

pub(super) fn delete_credential(state: &mut State, id: CredentialId, version: u64) -> Applied {
    same_version(found(state.credential(id))?.version, version)?;
    state.remove_credential(id);
    Ok(())
}
