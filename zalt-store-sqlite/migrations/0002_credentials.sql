-- Credentials beside the password. `state` is JSON, with every secret in it sealed or a digest.

CREATE TABLE zalt_credentials (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE,
    -- The SHA-256 of what an authenticator calls the credential.
    handle BLOB CHECK (length(handle) = 32),
    name TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_credentials_of_user ON zalt_credentials (user_id);
CREATE UNIQUE INDEX zalt_credentials_by_handle ON zalt_credentials (handle) WHERE handle IS NOT NULL;
