-- The views: derived tables, folded from the log and rebuilt whenever in doubt.
-- Times are microseconds since 1970 in UTC, money is micro-dollars, durations are milliseconds.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id                 INTEGER PRIMARY KEY,
  workspace_id       TEXT NOT NULL,
  run_id             TEXT NOT NULL,
  title              TEXT,
  status             TEXT NOT NULL,
  source             TEXT,
  agent_name         TEXT,
  cwd                TEXT,
  model              TEXT,
  started_us         INTEGER NOT NULL,
  last_us            INTEGER NOT NULL,
  -- Whether no event has said yet when it happened, so that both times are those of the import.
  is_time_assumed    INTEGER NOT NULL,
  ended_us           INTEGER,
  stated_duration_ms INTEGER,
  event_count        INTEGER NOT NULL,
  message_count      INTEGER NOT NULL,
  vendor_cost        INTEGER,
  error              TEXT,
  first_position     INTEGER NOT NULL,
  last_position      INTEGER NOT NULL,
  -- Who spoke of the run's models first, and whether somebody else did too.
  teller             TEXT,
  is_mixed           INTEGER NOT NULL,
  model_calls   INTEGER NOT NULL,
  model_errors  INTEGER NOT NULL,
  tool_calls    INTEGER NOT NULL,
  tool_errors   INTEGER NOT NULL,
  tool_open     INTEGER NOT NULL,
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  priced_calls  INTEGER NOT NULL,
  computed_cost INTEGER NOT NULL,
  stated_calls  INTEGER NOT NULL,
  stated_cost   INTEGER NOT NULL,
  UNIQUE (workspace_id, run_id)
) STRICT;
CREATE INDEX runs_by_last ON runs (workspace_id, last_us, id);

CREATE TABLE run_agents (
  id              INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL,
  agent_id        TEXT NOT NULL,
  name            TEXT,
  agent_type      TEXT,
  parent_agent_id TEXT,
  status          TEXT NOT NULL,
  first_us        INTEGER NOT NULL,
  last_us         INTEGER NOT NULL,
  is_time_assumed INTEGER NOT NULL,
  event_count     INTEGER NOT NULL,
  first_position  INTEGER NOT NULL,
  last_position   INTEGER NOT NULL,
  model_calls   INTEGER NOT NULL,
  model_errors  INTEGER NOT NULL,
  tool_calls    INTEGER NOT NULL,
  tool_errors   INTEGER NOT NULL,
  tool_open     INTEGER NOT NULL,
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  priced_calls  INTEGER NOT NULL,
  computed_cost INTEGER NOT NULL,
  stated_calls  INTEGER NOT NULL,
  stated_cost   INTEGER NOT NULL,
  UNIQUE (run, agent_id)
) STRICT;
CREATE INDEX run_agents_by_agent ON run_agents (agent_id);

-- Calls of tools and of models, what was reported as used apart from calls, and statements about
-- whole runs. A call that has no end is open.
CREATE TABLE calls (
  id             INTEGER PRIMARY KEY,
  run            INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  call_id        TEXT NOT NULL,
  -- Who says so; empty for calls of tools, of which all speak as one.
  source         TEXT NOT NULL,
  request_id     TEXT,
  agent_id       TEXT NOT NULL,
  name           TEXT,
  title          TEXT,
  status         TEXT NOT NULL,
  started_us     INTEGER,
  ended_us       INTEGER,
  duration_ms    INTEGER,
  first_position INTEGER NOT NULL,
  last_position  INTEGER NOT NULL,
  start_position INTEGER,
  end_position   INTEGER,
  error          TEXT,
  -- In which of the run's figures it counts: bits of `Parts`.
  parts          INTEGER NOT NULL,
  -- The model and agent that its figures go to where they are not its own.
  counted_name   TEXT,
  counted_agent  TEXT,
  -- Whether this run's is the workspace's newest statement about the call: a resumed session
  -- repeats the history of the one before it, and its usage must not count twice.
  is_counted     INTEGER NOT NULL,
  input_tokens       INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  cache_read_tokens  INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  vendor_cost    INTEGER,
  computed_cost  INTEGER,
  UNIQUE (run, kind, call_id, source)
) STRICT;
CREATE INDEX calls_by_call ON calls (call_id, is_counted);
CREATE INDEX calls_by_request ON calls (request_id, is_counted) WHERE request_id IS NOT NULL;
CREATE INDEX calls_by_order ON calls (run, first_position);
CREATE INDEX calls_by_name ON calls (kind, name);

-- Single moments of a run, such as a prompt.
CREATE TABLE marks (
  id       INTEGER PRIMARY KEY,
  run      INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  name     TEXT NOT NULL,
  at_us    INTEGER NOT NULL,
  position INTEGER NOT NULL
) STRICT;
CREATE INDEX marks_by_order ON marks (run, position);

-- Events of a type, by the dialect that they came in by.
CREATE TABLE types (
  id            INTEGER PRIMARY KEY,
  workspace_id  TEXT NOT NULL,
  event_type    TEXT NOT NULL,
  dialect       TEXT NOT NULL,
  event_count   INTEGER NOT NULL,
  last_us       INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  UNIQUE (workspace_id, event_type, dialect)
) STRICT;

-- Events of a type by the ten seconds of their recording, for an hour.
CREATE TABLE type_slots (
  slot         INTEGER NOT NULL,
  workspace_id TEXT NOT NULL,
  event_type   TEXT NOT NULL,
  event_count  INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, event_type, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX type_slots_by_slot ON type_slots (slot);

-- Metrics with their attributes, and what their points came to (`state`, JSON).
CREATE TABLE metric_series (
  id           INTEGER PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  key          BLOB NOT NULL,
  name         TEXT NOT NULL,
  unit         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  is_monotonic INTEGER NOT NULL,
  service      TEXT NOT NULL,
  instance     TEXT NOT NULL,
  attributes   TEXT NOT NULL,
  description  TEXT,
  state        TEXT NOT NULL,
  first_us     INTEGER NOT NULL,
  last_us      INTEGER NOT NULL,
  point_count  INTEGER NOT NULL,
  UNIQUE (workspace_id, key)
) STRICT;
CREATE INDEX metric_series_by_order ON metric_series (workspace_id, id);

-- Points that were not taken in.
CREATE TABLE metric_faults (
  workspace_id TEXT NOT NULL,
  fault        TEXT NOT NULL,
  point_count  INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, fault)
) STRICT, WITHOUT ROWID;
