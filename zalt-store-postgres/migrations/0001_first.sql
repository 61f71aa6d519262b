-- The first schema. Instants are milliseconds since 1970 in UTC; a BYTEA of 32 bytes is a digest.
--
-- Tables are written as zalt.name here and get the schema and the prefix that the store was opened with. Only what every
-- engine that speaks the protocol has is used: no triggers, no functions, no extensions.
--
-- Rows that are written often leave room on their page, so that a write that touches no index stays on it (HOT).

CREATE TABLE zalt.users (
    id UUID NOT NULL PRIMARY KEY,
    suspended_at BIGINT,
    deleted_at BIGINT,
    session_epoch BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    active BOOLEAN NOT NULL GENERATED ALWAYS AS (suspended_at IS NULL AND deleted_at IS NULL) STORED,
    first_name TEXT,
    last_name TEXT,
    image_url TEXT,
    public_metadata JSON NOT NULL,
    private_metadata JSON NOT NULL,
    unsafe_metadata JSON NOT NULL,
    CHECK (suspended_at IS NULL OR deleted_at IS NULL)
) WITH (fillfactor = 80);

CREATE INDEX zalt_users_by_active ON zalt.users (active, id);
CREATE INDEX zalt_users_by_deletion ON zalt.users (deleted_at) WHERE deleted_at IS NOT NULL;

-- How many users there are, so that the first page of a list does not count a million rows. Every sign-up writes here, so
-- the number is spread over rows of which each has its share of the users.
CREATE TABLE zalt.user_counts (
    shard BIGINT NOT NULL CHECK (shard BETWEEN 0 AND 15),
    active BOOLEAN NOT NULL,
    users BIGINT NOT NULL,
    PRIMARY KEY (shard, active)
) WITH (fillfactor = 10);

INSERT INTO zalt.user_counts (shard, active, users)
SELECT shard, active, 0
FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15)) AS shards (shard)
CROSS JOIN (VALUES (true), (false)) AS states (active);

-- Keys are compared byte by byte, whatever the locale of the database: an index serves the search by a beginning.
CREATE TABLE zalt.identifiers (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES zalt.users (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    verified_at BIGINT,
    is_primary BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE UNIQUE INDEX zalt_identifiers_of_user ON zalt.identifiers (user_id, kind, key);
-- One verified owner each.
CREATE UNIQUE INDEX zalt_identifiers_verified ON zalt.identifiers (kind, key) WHERE verified_at IS NOT NULL;
-- For the search by the beginning of a key, of whatever kind.
CREATE INDEX zalt_identifiers_by_key ON zalt.identifiers (key, user_id);

CREATE TABLE zalt.passwords (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES zalt.users (id) ON DELETE CASCADE,
    phc TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE zalt.sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES zalt.users (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    refresh_generation BIGINT CHECK (refresh_generation BETWEEN 0 AND 4294967295),
    refresh_rotated_at BIGINT,
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    -- From when on the sweep looks at the row: not after it is over, and perhaps long before. A use that prolongs the session
    -- leaves it, which spares the busiest writes an index; the sweep moves it on.
    sweep_at BIGINT NOT NULL,
    transport TEXT NOT NULL,
    token BYTEA CHECK (octet_length(token) = 32),
    refresh_seed BYTEA CHECK (octet_length(refresh_seed) = 32),
    amr JSON NOT NULL,
    revoke_reason TEXT,
    ip TEXT,
    -- As sent, with backslashes doubled and U+0000, which text can't hold, written as \0.
    user_agent TEXT,
    CHECK (sweep_at <= LEAST(idle_expires_at, expires_at, COALESCE(revoked_at, expires_at))),
    CHECK ((refresh_seed IS NULL) = (refresh_generation IS NULL)),
    CHECK ((refresh_seed IS NULL) = (refresh_rotated_at IS NULL)),
    CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX zalt_sessions_of_user ON zalt.sessions (user_id, id);
CREATE INDEX zalt_sessions_by_sweep ON zalt.sessions (sweep_at);

CREATE TABLE zalt.attempts (
    id UUID NOT NULL PRIMARY KEY,
    failed_codes BIGINT NOT NULL,
    sent_messages BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    token BYTEA NOT NULL CHECK (octet_length(token) = 32),
    state JSON NOT NULL
) WITH (fillfactor = 60);

CREATE INDEX zalt_attempts_by_end ON zalt.attempts (expires_at);

-- Events outlive the user that they are about: no foreign key.
CREATE TABLE zalt.events (
    id UUID NOT NULL PRIMARY KEY,
    occurred_at BIGINT NOT NULL,
    user_id UUID,
    kind TEXT COLLATE "C" NOT NULL,
    actor JSON NOT NULL,
    data JSON,
    ip TEXT,
    -- Both escaped like the user agent of a session.
    request_id TEXT,
    user_agent TEXT
);

CREATE INDEX zalt_events_of_user ON zalt.events (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX zalt_events_by_kind ON zalt.events (kind, id);
CREATE INDEX zalt_events_by_time ON zalt.events (occurred_at);

CREATE TABLE zalt.messages (
    id UUID NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    version BIGINT NOT NULL,
    content BYTEA NOT NULL
);

CREATE INDEX zalt_messages_by_due ON zalt.messages (due_at, id);

CREATE TABLE zalt.signing_keys (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    private_key BYTEA NOT NULL
);

CREATE INDEX zalt_signing_keys_by_age ON zalt.signing_keys (created_at, kid);
CREATE INDEX zalt_signing_keys_by_end ON zalt.signing_keys (expires_at);

-- Whoever adds a signing key writes this row first: one at a time, each sees the keys of those before it.
CREATE TABLE zalt.signing_key_turn (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    turn BIGINT NOT NULL
);

INSERT INTO zalt.signing_key_turn (id, turn) VALUES (1, 0);

CREATE TABLE zalt.budgets (
    key BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(key) = 32),
    count BIGINT NOT NULL,
    until BIGINT NOT NULL,
    forget_at BIGINT NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX zalt_budgets_by_end ON zalt.budgets (forget_at);
