-- Accounts, tokens, networks and the audit log, complete.

-- The name as it is compared: NFKC and case-folded, so that no two people look alike. Names were ASCII and CJK until
-- now; where two differ by case alone, the younger one is found by its exact spelling.
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE users SET name_key = lower(username);
UPDATE users SET name_key = name_key || ' ' || user_id
WHERE EXISTS (SELECT 1 FROM users AS older WHERE older.name_key = users.name_key AND older.rowid < users.rowid);
CREATE UNIQUE INDEX users_by_key ON users (name_key);
-- How `password_hash` was made: 1 is upstream's SHA-256, 2 is Argon2id.
ALTER TABLE users ADD COLUMN password_scheme BIGINT NOT NULL DEFAULT 2;
ALTER TABLE users ADD COLUMN must_change_password BIGINT NOT NULL DEFAULT 0;
-- SHA-256 of the recovery key.
ALTER TABLE users ADD COLUMN recovery_digest TEXT;

ALTER TABLE network_members ADD COLUMN invited_by TEXT;

-- user, network; full, agent or readonly for an API key.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '';
UPDATE api_tokens SET scope = CASE kind WHEN 'user' THEN 'user' WHEN 'node' THEN 'network' ELSE 'full' END;
ALTER TABLE api_tokens ADD COLUMN client_label TEXT;
ALTER TABLE api_tokens ADD COLUMN user_agent TEXT;
-- To the minute: a write per call would buy nothing.
ALTER TABLE api_tokens ADD COLUMN last_used_at BIGINT;
ALTER TABLE api_tokens ADD COLUMN last_address TEXT;
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);
CREATE INDEX api_tokens_of_network ON api_tokens (network_id) WHERE network_id IS NOT NULL;
CREATE INDEX api_tokens_expiring ON api_tokens (expires_at) WHERE expires_at IS NOT NULL;

-- What renews a browser session. A spent one that comes again was stolen, from the browser or by it.
CREATE TABLE refresh_tokens (
    digest TEXT PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES api_tokens (token_id) ON DELETE CASCADE,
    spent BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX refresh_tokens_of_token ON refresh_tokens (token_id);

-- To a network, or to the hub if there is a system role.
CREATE TABLE invites (
    invite_id TEXT PRIMARY KEY,
    -- SHA-256 of the code; the code itself is nowhere.
    code_digest TEXT NOT NULL UNIQUE,
    network_id TEXT REFERENCES networks (network_id),
    role TEXT,
    system_role TEXT,
    -- -1 is without limit.
    max_uses BIGINT NOT NULL,
    used_count BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (user_id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX invites_of_network ON invites (network_id);

-- A node's change of name in two phases. Committed rows lead from a former name to the node.
CREATE TABLE renames (
    txn_id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    node_id TEXT NOT NULL,
    old_alias TEXT NOT NULL,
    new_alias TEXT NOT NULL,
    status TEXT NOT NULL,
    -- Whoever alone may finish it: the node's id, else the user's.
    prepared_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX renames_reserved ON renames (network_id, new_alias) WHERE status = 'prepared';
CREATE INDEX renames_of_alias ON renames (network_id, old_alias) WHERE status = 'committed';
CREATE INDEX renames_of_node ON renames (node_id);

-- Wrong passwords in a row, for an account as typed, and apart from others for addresses that it has logged in from:
-- whoever guesses elsewhere does not lock the owner out.
CREATE TABLE login_failures (
    account TEXT NOT NULL,
    source TEXT NOT NULL,
    failures BIGINT NOT NULL,
    delayed_until BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    PRIMARY KEY (account, source)
);
CREATE INDEX login_failures_by_time ON login_failures (failed_at);
CREATE TABLE login_sources (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    address TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, address)
);
CREATE INDEX login_sources_by_time ON login_sources (used_at);

-- Where the limits per address stand (hub/src/limits.rs): kept in memory, written down now and then.
CREATE TABLE rate_limits (
    key TEXT PRIMARY KEY,
    empty_at BIGINT NOT NULL
);

-- What an administrator has set while the hub runs.
CREATE TABLE hub_settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Grows with every change that may take access away. Whoever sees it change looks at the open streams again; the
-- change may come from another process on the hub's host.
CREATE TABLE access_revision (revision BIGINT NOT NULL);
INSERT INTO access_revision (revision) VALUES (0);
CREATE TRIGGER access_token_gone AFTER DELETE ON api_tokens
BEGIN
    UPDATE access_revision SET revision = revision + 1;
END;
CREATE TRIGGER access_token_unbound AFTER UPDATE OF node_id ON api_tokens
BEGIN
    UPDATE access_revision SET revision = revision + 1;
END;
CREATE TRIGGER access_member_gone AFTER DELETE ON network_members
BEGIN
    UPDATE access_revision SET revision = revision + 1;
END;
CREATE TRIGGER access_member_changed AFTER UPDATE OF role ON network_members
BEGIN
    UPDATE access_revision SET revision = revision + 1;
END;
CREATE TRIGGER access_user_changed AFTER UPDATE OF role ON users
BEGIN
    UPDATE access_revision SET revision = revision + 1;
END;

-- The audit log only grows, and every row carries the hash of the one before. Rows from before the chain have none.
ALTER TABLE audit_log ADD COLUMN actor_kind TEXT NOT NULL DEFAULT 'anonymous';
ALTER TABLE audit_log ADD COLUMN actor_id TEXT;
ALTER TABLE audit_log ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_log_of_user ON audit_log (user_id, id);
CREATE INDEX audit_log_of_network ON audit_log (network_id, id);
CREATE INDEX audit_log_by_time ON audit_log (created_at);

-- Old rows, moved here whole.
CREATE TABLE audit_archive (
    id INTEGER PRIMARY KEY,
    user_id TEXT,
    username TEXT,
    action TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT,
    detail TEXT,
    ip TEXT,
    network_id TEXT,
    created_at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    hash TEXT NOT NULL
);

-- The last row of the chain, so that rows missing at its end show too.
CREATE TABLE audit_chain (
    begins_after BIGINT NOT NULL,
    head_id BIGINT NOT NULL,
    head_hash TEXT NOT NULL
);
INSERT INTO audit_chain (begins_after, head_id, head_hash)
SELECT COALESCE(MAX(id), 0), COALESCE(MAX(id), 0), '' FROM audit_log;
