-- Times are milliseconds since the Unix epoch, UTC. Ids are text as in protocol::id.
-- Every sequence number grows and is never given twice, so lists and event replay order by it, not by the clock.

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT,
    email TEXT,
    role TEXT NOT NULL,
    -- PHC string of Argon2id.
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE networks (
    network_id TEXT PRIMARY KEY,
    network_name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (user_id),
    description TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (owner_id, network_name)
);

CREATE TABLE network_members (
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    user_id TEXT NOT NULL REFERENCES users (user_id),
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (network_id, user_id)
);
CREATE INDEX network_members_of_user ON network_members (user_id);

CREATE TABLE nodes (
    node_id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    alias TEXT NOT NULL,
    node_name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (user_id),
    runtime TEXT,
    model TEXT,
    hostname TEXT,
    project_dir TEXT,
    version TEXT,
    pid BIGINT,
    -- The run that holds the node.
    instance_id TEXT,
    status TEXT NOT NULL,
    -- Tasks delivered and not claimed: kept by triggers of `tasks`, never counted by a scan.
    inbox_count BIGINT NOT NULL,
    last_seen_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (network_id, alias)
);

CREATE TABLE api_tokens (
    token_id TEXT PRIMARY KEY,
    -- SHA-256 of the whole token, lower-case hex; the token itself is nowhere.
    digest TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    network_id TEXT REFERENCES networks (network_id),
    node_id TEXT REFERENCES nodes (node_id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX api_tokens_of_node ON api_tokens (node_id) WHERE node_id IS NOT NULL;

CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL UNIQUE,
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    from_name TEXT NOT NULL,
    from_user_id TEXT NOT NULL,
    from_node_id TEXT,
    -- The channel that is told of the end: `node:<alias>` or `user:<username>`.
    reply_to TEXT NOT NULL,
    to_name TEXT NOT NULL,
    -- No foreign key: a task outlives the node it was sent to.
    to_node_id TEXT NOT NULL,
    -- 0 high, 1 normal, 2 low.
    priority BIGINT NOT NULL,
    status TEXT NOT NULL,
    content TEXT NOT NULL,
    result TEXT,
    -- JSON of protocol::rest::TaskError.
    error TEXT,
    -- JSON list of protocol::rest::Artifact.
    artifacts TEXT NOT NULL,
    parent_task_id TEXT,
    hop_count BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    -- The run that holds the task; with lease_expires_at both or neither.
    lease_instance_id TEXT,
    lease_expires_at BIGINT,
    -- Whose key it is: the sending node's id, else the user's.
    sender_id TEXT NOT NULL,
    idempotency_key TEXT,
    -- SHA-256 of what was asked for under the key.
    request_digest TEXT,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT,
    pushed_at BIGINT,
    received_at BIGINT,
    acked_at BIGINT,
    started_at BIGINT,
    completed_at BIGINT,
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tasks_of_network ON tasks (network_id, seq);
CREATE INDEX tasks_by_status ON tasks (network_id, status, seq);
CREATE INDEX tasks_to ON tasks (network_id, to_name, seq);
CREATE INDEX tasks_from ON tasks (network_id, from_name, seq);
CREATE INDEX tasks_of_parent ON tasks (parent_task_id, seq) WHERE parent_task_id IS NOT NULL;
CREATE INDEX tasks_waiting ON tasks (to_node_id, priority, seq) WHERE status = 'delivered' AND lease_expires_at IS NULL;
CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE status = 'delivered' AND lease_expires_at IS NULL;
CREATE INDEX tasks_leased ON tasks (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
CREATE INDEX tasks_held ON tasks (to_node_id) WHERE lease_expires_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_by_key ON tasks (network_id, sender_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- How many tasks of a network are in a state: kept by triggers of `tasks`, never counted by a scan.
CREATE TABLE task_counts (
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    status TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (network_id, status)
);

CREATE TRIGGER tasks_count_new AFTER INSERT ON tasks
BEGIN
    INSERT INTO task_counts (network_id, status, count) VALUES (NEW.network_id, NEW.status, 1)
    ON CONFLICT (network_id, status) DO UPDATE SET count = count + 1;
    UPDATE nodes SET inbox_count = inbox_count + 1
    WHERE node_id = NEW.to_node_id AND NEW.status = 'delivered' AND NEW.lease_expires_at IS NULL;
END;

CREATE TRIGGER tasks_count_status AFTER UPDATE OF status ON tasks WHEN OLD.status <> NEW.status
BEGIN
    UPDATE task_counts SET count = count - 1 WHERE network_id = OLD.network_id AND status = OLD.status;
    INSERT INTO task_counts (network_id, status, count) VALUES (NEW.network_id, NEW.status, 1)
    ON CONFLICT (network_id, status) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER tasks_count_gone AFTER DELETE ON tasks
BEGIN
    UPDATE task_counts SET count = count - 1 WHERE network_id = OLD.network_id AND status = OLD.status;
    UPDATE nodes SET inbox_count = inbox_count - 1
    WHERE node_id = OLD.to_node_id AND OLD.status = 'delivered' AND OLD.lease_expires_at IS NULL;
END;

CREATE TRIGGER tasks_count_waiting AFTER UPDATE OF status, lease_expires_at ON tasks
WHEN (OLD.status = 'delivered' AND OLD.lease_expires_at IS NULL)
  <> (NEW.status = 'delivered' AND NEW.lease_expires_at IS NULL)
BEGIN
    UPDATE nodes SET inbox_count = inbox_count + iif(NEW.status = 'delivered' AND NEW.lease_expires_at IS NULL, 1, -1)
    WHERE node_id = NEW.to_node_id;
END;

CREATE TABLE task_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT NOT NULL,
    actor TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    detail TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX task_events_of_task ON task_events (task_id, id);
CREATE INDEX task_events_of_network ON task_events (network_id, id);

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    network_id TEXT NOT NULL REFERENCES networks (network_id),
    kind TEXT NOT NULL,
    from_name TEXT NOT NULL,
    to_name TEXT NOT NULL,
    -- Absent where the text stands in the task: the content of a `task`, the result of a `reply`.
    content TEXT,
    -- The task that a `task` carries or a `reply` answers.
    task_id TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX messages_of_network ON messages (network_id, seq);
CREATE INDEX messages_by_time ON messages (created_at, seq);

-- What listeners are told; replayed from Last-Event-ID.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network_id TEXT NOT NULL,
    -- `node:<alias>` or `user:<username>`: an agent and a person of one name are two channels.
    channel TEXT NOT NULL,
    -- JSON of protocol::event::Event.
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX events_of_channel ON events (network_id, channel, id);
CREATE INDEX events_by_time ON events (created_at);

-- The highest event id of a network that is gone: who asks for less is told of the gap.
CREATE TABLE event_floors (
    network_id TEXT PRIMARY KEY,
    pruned_through BIGINT NOT NULL
);

CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT,
    username TEXT,
    action TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT,
    detail TEXT,
    ip TEXT,
    network_id TEXT,
    created_at BIGINT NOT NULL
);
