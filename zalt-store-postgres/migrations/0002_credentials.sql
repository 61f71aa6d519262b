-- Credentials beside the password. `state` is JSON, with every secret in it sealed or a digest.

CREATE TABLE zalt.credentials (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES zalt.users (id) ON DELETE CASCADE,
    -- The SHA-256 of what an authenticator calls the credential.
    handle BYTEA CHECK (length(handle) = 32),
    name TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    version BIGINT NOT NULL,
    state JSON NOT NULL
);

CREATE INDEX zalt_credentials_of_user ON zalt.credentials (user_id);
CREATE UNIQUE INDEX zalt_credentials_by_handle ON zalt.credentials (handle) WHERE handle IS NOT NULL;
