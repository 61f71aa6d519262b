-- Identifiers beside their user. Whoever looks one up wants its user next, and whoever has a user wants all of theirs: clustered
-- on the user, the index of verified ones holds the user's id itself, and a sign-in reads one page of this table and none besides.
-- In a large store each page that is spared is one that no cache of the machine holds.

CREATE TABLE zalt_identifiers_by_user (
    id BLOB NOT NULL CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    verified_at INTEGER,
    is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind, key)
) STRICT, WITHOUT ROWID;

INSERT INTO zalt_identifiers_by_user (id, user_id, kind, key, value, verified_at, is_primary, created_at, version)
SELECT id, user_id, kind, key, value, verified_at, is_primary, created_at, version
FROM zalt_identifiers ORDER BY user_id, kind, key;

DROP TABLE zalt_identifiers;
ALTER TABLE zalt_identifiers_by_user RENAME TO zalt_identifiers;

CREATE UNIQUE INDEX zalt_identifiers_by_id ON zalt_identifiers (id);
-- One verified owner each.
CREATE UNIQUE INDEX zalt_identifiers_verified ON zalt_identifiers (kind, key) WHERE verified_at IS NOT NULL;
-- For the search by the beginning of a key, of whatever kind.
CREATE INDEX zalt_identifiers_by_key ON zalt_identifiers (key, user_id);
