-- Version 1. Times are UTC text of fixed width, so that they sort and an operator can read them; lengths are
-- milliseconds. The CHECKs and unique indexes keep the state machines' promises a second time.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE keys (
    key_id          TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    scope           TEXT NOT NULL CHECK (scope IN ('api', 'cdp', 'operator', 'host')),
    hmac            BLOB NOT NULL CHECK (length(hmac) = 32),
    display_name    TEXT NOT NULL,
    create_time     TEXT NOT NULL,
    revoke_time     TEXT,
    host_id         TEXT NOT NULL CHECK (host_id = '' OR scope = 'host')
) STRICT;

CREATE TABLE hosts (
    host_id            TEXT PRIMARY KEY,
    state              TEXT NOT NULL CHECK (state IN ('ready', 'suspect', 'lost', 'draining', 'gone', 'recovering',
                                                       'quarantined')),
    state_time         TEXT NOT NULL,
    state_message      TEXT NOT NULL,
    incarnation        TEXT NOT NULL,
    boot_id            TEXT NOT NULL,
    stream_no          INTEGER NOT NULL,
    next_command_id    INTEGER NOT NULL,
    capacity           INTEGER NOT NULL CHECK (capacity >= 0),
    slots_used         INTEGER NOT NULL CHECK (slots_used >= 0),
    browsers           TEXT NOT NULL,
    build              TEXT NOT NULL,
    sandboxed          INTEGER NOT NULL,
    extensions         TEXT NOT NULL,
    isolation          TEXT NOT NULL,
    attach_time        TEXT,
    heartbeat_time     TEXT,
    drain_expire_time  TEXT,
    launch_failures    INTEGER NOT NULL CHECK (launch_failures >= 0),
    violations         INTEGER NOT NULL CHECK (violations >= 0),
    quarantine_message TEXT NOT NULL,
    silent_time        TEXT,
    CHECK (state != 'quarantined' OR quarantine_message != '')
) STRICT;
CREATE INDEX hosts_suspect ON hosts (state_time) WHERE state = 'suspect';

CREATE TABLE sessions (
    browser_session_id TEXT PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN ('pending', 'launching', 'aborting', 'running', 'closed')),
    timeout            INTEGER NOT NULL,
    queue_timeout      INTEGER NOT NULL,
    browser_type       TEXT NOT NULL,
    url                TEXT NOT NULL,
    viewport_width     INTEGER NOT NULL,
    viewport_height    INTEGER NOT NULL,
    labels             TEXT NOT NULL,
    create_time        TEXT NOT NULL,
    update_time        TEXT NOT NULL,
    due_time           TEXT,
    close_reason       TEXT,
    close_message      TEXT NOT NULL,
    start_time         TEXT,
    expire_time        TEXT,
    close_time         TEXT,
    browser_gone_time  TEXT,
    host_id            TEXT NOT NULL,
    fence              INTEGER NOT NULL,
    launch_attempts    INTEGER NOT NULL,
    active_run_id      TEXT NOT NULL,
    owner_run_id       TEXT NOT NULL,
    current_url        TEXT NOT NULL,
    page_title         TEXT NOT NULL,
    tab_count          INTEGER NOT NULL,
    browser_version    TEXT NOT NULL,
    sandboxed          INTEGER NOT NULL,
    isolation          TEXT NOT NULL,
    warm_start         INTEGER NOT NULL,
    extensions         TEXT NOT NULL,
    traceparent        TEXT NOT NULL,
    network            BLOB NOT NULL,
    network_sealed     BLOB NOT NULL,
    page_options        BLOB NOT NULL,
    page_options_sealed BLOB NOT NULL,
    pages              BLOB NOT NULL,
    page_conditions    BLOB NOT NULL,
    browser_profile_id      TEXT NOT NULL,
    browser_profile_version INTEGER NOT NULL,
    browser_profile_notes   TEXT NOT NULL,
    save_profile            INTEGER NOT NULL,
    profile_save_state      TEXT CHECK (profile_save_state IN ('pending', 'saved', 'saved_earlier', 'failed')),
    profile_save_message    TEXT NOT NULL,
    profile_save_version    INTEGER NOT NULL,
    profile_save_time       TEXT,
    profile_save_no         INTEGER NOT NULL,
    profile_due_time        TEXT,
    cdp_client_id      TEXT NOT NULL,
    cdp_attach_time    TEXT,
    cdp_run_id         TEXT NOT NULL,
    CHECK (save_profile = (profile_save_state IS NOT NULL)),
    CHECK (profile_save_state IS NOT 'saved' OR profile_save_time IS NOT NULL),
    CHECK (profile_due_time IS NULL OR profile_save_state = 'pending'),
    CHECK ((cdp_client_id != '') = (cdp_attach_time IS NOT NULL)),
    CHECK (cdp_client_id = '' OR (state = 'running' AND active_run_id IN ('', cdp_run_id))),
    CHECK ((state = 'closed') = (close_reason IS NOT NULL)),
    CHECK ((state = 'closed') = (close_time IS NOT NULL)),
    CHECK (state != 'running' OR (expire_time IS NOT NULL AND due_time IS NOT NULL)),
    CHECK (state NOT IN ('launching', 'aborting', 'running') OR (host_id != '' AND fence > 0)),
    CHECK (state != 'closed' OR (due_time IS NULL AND active_run_id = ''))
) STRICT;
CREATE INDEX sessions_of_organization ON sessions (organization_id, browser_session_id);
CREATE INDEX sessions_due ON sessions (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX sessions_profile_due ON sessions (profile_due_time) WHERE profile_due_time IS NOT NULL;
CREATE INDEX sessions_pending ON sessions (browser_session_id) WHERE state = 'pending';

-- One row for each time a session was given to a host. Not released: the host owes the place.
CREATE TABLE placements (
    fence              INTEGER PRIMARY KEY AUTOINCREMENT,
    browser_session_id TEXT NOT NULL REFERENCES sessions,
    host_id            TEXT NOT NULL REFERENCES hosts,
    incarnation        TEXT NOT NULL,
    create_time        TEXT NOT NULL,
    release_time       TEXT
) STRICT;
CREATE UNIQUE INDEX one_place_per_session ON placements (browser_session_id) WHERE release_time IS NULL;
CREATE INDEX places_taken ON placements (host_id) WHERE release_time IS NULL;

CREATE TABLE runs (
    run_id               TEXT PRIMARY KEY,
    organization_id      TEXT NOT NULL,
    run_type             TEXT NOT NULL CHECK (run_type IN ('task', 'workflow')),
    status               TEXT NOT NULL CHECK (status IN ('created', 'queued', 'running', 'paused', 'completed', 'failed',
                                                         'terminated', 'canceled', 'timed_out')),
    browser_session_id   TEXT NOT NULL REFERENCES sessions,
    owns_browser_session INTEGER NOT NULL,
    plan                 BLOB NOT NULL,
    prompt               TEXT NOT NULL,
    url                  TEXT NOT NULL,
    labels               TEXT NOT NULL,
    max_steps            INTEGER NOT NULL,
    timeout              INTEGER NOT NULL,
    create_time          TEXT NOT NULL,
    update_time          TEXT NOT NULL,
    workflow_id          TEXT NOT NULL,
    workflow_version     INTEGER NOT NULL,
    parameters           BLOB NOT NULL,
    failure_reason       TEXT NOT NULL,
    failure_message      TEXT NOT NULL,
    output               BLOB NOT NULL,
    step_count           INTEGER NOT NULL,
    last_seq             INTEGER NOT NULL,
    start_time           TEXT,
    end_time             TEXT,
    due_time             TEXT,
    cancel_time          TEXT,
    approval             BLOB NOT NULL,
    approval_id          TEXT NOT NULL,
    approval_answer      TEXT NOT NULL,
    traceparent          TEXT NOT NULL,
    step_open            INTEGER NOT NULL,
    turn_lent            INTEGER NOT NULL,
    irreversible_policy  TEXT NOT NULL,
    CHECK ((status IN ('completed', 'failed', 'terminated', 'canceled', 'timed_out')) = (end_time IS NOT NULL)),
    CHECK (end_time IS NULL OR due_time IS NULL),
    CHECK (status != 'completed' OR failure_reason = '')
) STRICT;
-- Runs are listed and take their turns in the order of their rowids, which is the order of their making.
CREATE INDEX runs_of_organization ON runs (organization_id);
CREATE INDEX runs_of_session ON runs (browser_session_id);
CREATE INDEX runs_waiting ON runs (browser_session_id) WHERE status IN ('created', 'queued');
CREATE UNIQUE INDEX one_active_run_per_session ON runs (browser_session_id) WHERE status IN ('running', 'paused');
CREATE INDEX runs_due ON runs (due_time) WHERE due_time IS NOT NULL;

-- The body is the event as the host sent it, a serialized tabkeep.v1.RunEvent.
CREATE TABLE run_events (
    run_id TEXT NOT NULL REFERENCES runs,
    seq    INTEGER NOT NULL CHECK (seq > 0),
    body   BLOB NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- What hosts still have to do or to answer; a row goes when its result is stored.
CREATE TABLE commands (
    host_id            TEXT NOT NULL REFERENCES hosts,
    command_id         INTEGER NOT NULL,
    browser_session_id TEXT NOT NULL,
    fence              INTEGER NOT NULL,
    kind               TEXT NOT NULL CHECK (kind IN ('launch', 'close', 'start_run', 'cancel_run', 'resolve_approval',
                                                     'set_timeout', 'set_network', 'set_page_options')),
    arguments          TEXT NOT NULL,
    create_time        TEXT NOT NULL,
    traceparent        TEXT NOT NULL,
    PRIMARY KEY (host_id, command_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_of_session ON commands (browser_session_id);

CREATE TABLE workflows (
    organization_id TEXT NOT NULL,
    workflow_id     TEXT NOT NULL,
    version         INTEGER NOT NULL,
    title           TEXT NOT NULL,
    definition      TEXT NOT NULL,
    create_time     TEXT NOT NULL,
    update_time     TEXT NOT NULL,
    PRIMARY KEY (organization_id, workflow_id, version)
) STRICT, WITHOUT ROWID;
-- The newest version of each workflow that is not deleted.
CREATE TABLE workflow_heads (
    organization_id TEXT NOT NULL,
    workflow_id     TEXT NOT NULL,
    version         INTEGER NOT NULL,
    create_time     TEXT NOT NULL,
    delete_time     TEXT,
    PRIMARY KEY (organization_id, workflow_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX workflows_newest_first ON workflow_heads (organization_id, create_time, workflow_id) WHERE delete_time IS NULL;

CREATE TABLE artifacts (
    artifact_id     TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    browser_session_id TEXT NOT NULL REFERENCES sessions,
    run_id          TEXT NOT NULL,
    artifact_type   TEXT NOT NULL,
    file_name       TEXT NOT NULL,
    content_type    TEXT NOT NULL,
    size            INTEGER NOT NULL CHECK (size >= 0),
    sha256          TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('stored', 'expired', 'refused')),
    state_message   TEXT NOT NULL,
    on_disk         INTEGER NOT NULL,
    create_time     TEXT NOT NULL,
    expire_time     TEXT,
    truncation      TEXT NOT NULL,
    CHECK (state != 'stored' OR (on_disk AND expire_time IS NOT NULL)),
    CHECK (state != 'refused' OR (NOT on_disk AND expire_time IS NULL))
) STRICT;
CREATE INDEX artifacts_of_run ON artifacts (run_id, create_time, artifact_id);
CREATE INDEX artifacts_of_session ON artifacts (browser_session_id, create_time, artifact_id);
CREATE INDEX artifacts_oldest ON artifacts (organization_id, create_time) WHERE state = 'stored';
CREATE INDEX artifacts_due ON artifacts (expire_time) WHERE state = 'stored';
CREATE INDEX artifacts_to_remove ON artifacts (artifact_id) WHERE state = 'expired' AND on_disk;
-- What an organization's stored artifacts take on the disk.
CREATE TABLE artifact_usage (organization_id TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0)) STRICT;

-- Answers by request_id, so that a retry gets the same one.
CREATE TABLE requests (
    organization_id TEXT NOT NULL,
    method          TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    resource_id     TEXT NOT NULL,
    create_time     TEXT NOT NULL,
    PRIMARY KEY (organization_id, method, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_oldest ON requests (create_time);

CREATE TABLE browser_profiles (
    browser_profile_id TEXT PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    name               TEXT NOT NULL CHECK (name != ''),
    description        TEXT NOT NULL,
    version            INTEGER NOT NULL CHECK (version > 0),
    last_version       INTEGER NOT NULL CHECK (last_version >= version),
    create_time        TEXT NOT NULL,
    update_time        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX profile_names ON browser_profiles (organization_id, name);
CREATE INDEX profiles_of_organization ON browser_profiles (organization_id, browser_profile_id);

-- Sealed; the bytes are files named after state_id.
CREATE TABLE browser_states (
    state_id           TEXT PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    owner_id           TEXT NOT NULL,
    version            INTEGER NOT NULL,
    finished           INTEGER NOT NULL,
    browser_session_id TEXT NOT NULL,
    browser_version    TEXT NOT NULL,
    state_time         TEXT NOT NULL,
    size               INTEGER NOT NULL,
    cookie_count       INTEGER NOT NULL,
    origin_count       INTEGER NOT NULL,
    key_id             TEXT NOT NULL,
    wrapped_key        BLOB NOT NULL,
    create_time        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_state_per_version ON browser_states (owner_id, version);
-- For usage: an organization's sessions of a month, without reading those of all others.
CREATE INDEX sessions_started ON sessions (organization_id, start_time) WHERE start_time IS NOT NULL;

-- One row for each telling of a run's end. `sealed` is encrypted: the URL and, until it is over, the key that signs.
CREATE TABLE webhook_deliveries (
    webhook_delivery_id TEXT PRIMARY KEY,
    organization_id     TEXT NOT NULL,
    run_id              TEXT NOT NULL REFERENCES runs,
    state               TEXT NOT NULL CHECK (state IN ('waiting', 'pending', 'delivered', 'failed')),
    replay              INTEGER NOT NULL,
    sealed              BLOB NOT NULL,
    attempt_count       INTEGER NOT NULL CHECK (attempt_count >= 0),
    create_time         TEXT NOT NULL,
    due_time            TEXT,
    end_time            TEXT,
    CHECK ((state = 'pending') = (due_time IS NOT NULL)),
    CHECK ((state IN ('delivered', 'failed')) = (end_time IS NOT NULL))
) STRICT;
CREATE INDEX webhook_deliveries_of_organization ON webhook_deliveries (organization_id, webhook_delivery_id);
CREATE INDEX webhook_deliveries_of_run ON webhook_deliveries (run_id, webhook_delivery_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_time) WHERE due_time IS NOT NULL;

CREATE TABLE webhook_attempts (
    webhook_delivery_id TEXT NOT NULL REFERENCES webhook_deliveries,
    attempt             INTEGER NOT NULL CHECK (attempt > 0),
    create_time         TEXT NOT NULL,
    duration            INTEGER NOT NULL,
    status_code         INTEGER NOT NULL,
    error               TEXT NOT NULL,
    response_body       TEXT NOT NULL,
    PRIMARY KEY (webhook_delivery_id, attempt)
) STRICT, WITHOUT ROWID;

-- The ciphertext is the password and the seed of one-time codes, sealed like a browser state.
CREATE TABLE credentials (
    credential_id   TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    origin          TEXT NOT NULL,
    username        TEXT NOT NULL,
    has_totp        INTEGER NOT NULL,
    key_id          TEXT NOT NULL,
    wrapped_key     BLOB NOT NULL,
    ciphertext      BLOB NOT NULL,
    create_time     TEXT NOT NULL,
    UNIQUE (organization_id, origin, username)
) STRICT;

-- What callers have brought for their runs; the bytes are files named after file_id.
CREATE TABLE files (
    file_id         TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    file_name       TEXT NOT NULL CHECK (file_name != ''),
    content_type    TEXT NOT NULL,
    size            INTEGER NOT NULL CHECK (size >= 0),
    sha256          TEXT NOT NULL CHECK (length(sha256) = 64),
    create_time     TEXT NOT NULL
) STRICT;
CREATE INDEX files_of_organization ON files (organization_id, file_id, size);
CREATE INDEX files_by_name ON files (organization_id, file_name, file_id);

-- Tasks that were done, with holes for their values; no secret is in one. `task` is a serialized RecordedTask.
CREATE TABLE recordings (
    recording_id    TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    origin          TEXT NOT NULL,
    template_key    BLOB NOT NULL CHECK (length(template_key) = 32),
    template        TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('candidate', 'trusted', 'demoted')),
    version         INTEGER NOT NULL CHECK (version > 0),
    run_id          TEXT NOT NULL,
    success_count   INTEGER NOT NULL CHECK (success_count > 0),
    failure_count   INTEGER NOT NULL CHECK (failure_count >= 0),
    task            BLOB NOT NULL,
    create_time     TEXT NOT NULL,
    update_time     TEXT NOT NULL,
    UNIQUE (organization_id, template_key, origin),
    CHECK (state != 'trusted' OR success_count > 1),
    CHECK (state != 'demoted' OR failure_count > 1)
) STRICT;
CREATE INDEX recordings_of_organization ON recordings (organization_id, recording_id);
CREATE INDEX recordings_oldest ON recordings (organization_id, update_time, recording_id);
