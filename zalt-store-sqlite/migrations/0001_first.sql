-- The first schema. Instants are milliseconds since 1970 in UTC; ids are the 16 bytes of a UUID; a BLOB of 32 bytes is a digest.
--
-- Rows are small and always found by their key, so every table is clustered on it (WITHOUT ROWID), and every index ends
-- with that key without naming it. Columns that can be long come last: what a read does not reach stays on its overflow page.

CREATE TABLE zalt_users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    suspended_at INTEGER,
    deleted_at INTEGER,
    session_epoch INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    image_url TEXT,
    public_metadata TEXT NOT NULL,
    private_metadata TEXT NOT NULL,
    unsafe_metadata TEXT NOT NULL,
    active INTEGER NOT NULL GENERATED ALWAYS AS (suspended_at IS NULL AND deleted_at IS NULL) VIRTUAL,
    CHECK (suspended_at IS NULL OR deleted_at IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_users_by_active ON zalt_users (active);
CREATE INDEX zalt_users_by_deletion ON zalt_users (deleted_at) WHERE deleted_at IS NOT NULL;

-- How many users there are, so that the first page of a list does not count a million rows.
CREATE TABLE zalt_user_counts (
    active INTEGER NOT NULL PRIMARY KEY CHECK (active IN (0, 1)),
    users INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO zalt_user_counts (active, users) VALUES (0, 0), (1, 0);

CREATE TRIGGER zalt_users_inserted AFTER INSERT ON zalt_users BEGIN
    UPDATE zalt_user_counts SET users = users + 1 WHERE active = NEW.active;
END;

CREATE TRIGGER zalt_users_status AFTER UPDATE OF suspended_at, deleted_at ON zalt_users
WHEN OLD.active <> NEW.active BEGIN
    UPDATE zalt_user_counts SET users = users - 1 WHERE active = OLD.active;
    UPDATE zalt_user_counts SET users = users + 1 WHERE active = NEW.active;
END;

CREATE TRIGGER zalt_users_deleted AFTER DELETE ON zalt_users BEGIN
    UPDATE zalt_user_counts SET users = users - 1 WHERE active = OLD.active;
END;

CREATE TABLE zalt_identifiers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    verified_at INTEGER,
    is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX zalt_identifiers_of_user ON zalt_identifiers (user_id, kind, key);
-- One verified owner each.
CREATE UNIQUE INDEX zalt_identifiers_verified ON zalt_identifiers (kind, key) WHERE verified_at IS NOT NULL;
-- For the search by the beginning of a key, of whatever kind.
CREATE INDEX zalt_identifiers_by_key ON zalt_identifiers (key, user_id);

CREATE TABLE zalt_passwords (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES zalt_users (id) ON DELETE CASCADE,
    phc TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE zalt_sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    transport TEXT NOT NULL,
    token BLOB CHECK (length(token) = 32),
    refresh_seed BLOB CHECK (length(refresh_seed) = 32),
    refresh_generation INTEGER CHECK (refresh_generation BETWEEN 0 AND 4294967295),
    refresh_rotated_at INTEGER,
    amr TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoke_reason TEXT,
    -- From when on the sweep looks at the row: not after it is over, and perhaps long before. A use that prolongs the session
    -- leaves it, which spares the busiest writes an index; the sweep moves it on.
    sweep_at INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT,
    -- From when on the session is over, for whichever of the three reasons comes first.
    over_at INTEGER NOT NULL GENERATED ALWAYS AS (min(idle_expires_at, expires_at, coalesce(revoked_at, expires_at))) VIRTUAL,
    CHECK (sweep_at <= over_at),
    CHECK ((refresh_seed IS NULL) = (refresh_generation IS NULL)),
    CHECK ((refresh_seed IS NULL) = (refresh_rotated_at IS NULL)),
    CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_sessions_of_user ON zalt_sessions (user_id);
CREATE INDEX zalt_sessions_by_sweep ON zalt_sessions (sweep_at);

CREATE TABLE zalt_attempts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    token BLOB NOT NULL CHECK (length(token) = 32),
    failed_codes INTEGER NOT NULL,
    sent_messages INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_attempts_by_end ON zalt_attempts (expires_at);

-- Events outlive the user that they are about: no foreign key.
CREATE TABLE zalt_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    occurred_at INTEGER NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT,
    ip TEXT,
    request_id TEXT,
    user_agent TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_events_of_user ON zalt_events (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX zalt_events_by_kind ON zalt_events (kind);
CREATE INDEX zalt_events_by_time ON zalt_events (occurred_at);

CREATE TABLE zalt_messages (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_messages_by_due ON zalt_messages (due_at);

CREATE TABLE zalt_signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    private_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_signing_keys_by_age ON zalt_signing_keys (created_at);
CREATE INDEX zalt_signing_keys_by_end ON zalt_signing_keys (expires_at);

CREATE TABLE zalt_budgets (
    key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    count INTEGER NOT NULL,
    until INTEGER NOT NULL,
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX zalt_budgets_by_end ON zalt_budgets (forget_at);
