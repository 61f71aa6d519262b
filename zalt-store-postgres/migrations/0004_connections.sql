-- Connections to providers that were set up at run time. `state` is JSON, with the client secret in it sealed.

CREATE TABLE zalt.connections (
    id UUID NOT NULL PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state JSON NOT NULL
);
