/** What accounting adds to the schema: more of each row, costs, prices, and sums from which every report is answered. */

/** Sums over rows, the same in each table of rollups; in the order in which `usage-store.ts` writes them. */
const sums = `
    requests INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    client_gone INTEGER NOT NULL,
    -- Requests that used tokens of a model whose price is unknown; \`cost_nano\`, in nano-dollars, is that of the others.
    unpriced INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    tool_prompt_tokens INTEGER NOT NULL,
    thoughts_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    -- Complete answers by finish reason.
    finish_stop INTEGER NOT NULL,
    finish_length INTEGER NOT NULL,
    finish_tool_calls INTEGER NOT NULL,
    finish_content_filter INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    first_tokens INTEGER NOT NULL,
    first_token_ms INTEGER NOT NULL,
    -- As \`histogram.ts\` encodes them; null where times were not kept.
    duration_histogram BLOB,
    first_token_histogram BLOB`;

const sumsOfRows = `
    count(*), count(*) FILTER (WHERE termination = 'complete'), count(*) FILTER (WHERE termination = 'client_gone'),
    count(*) FILTER (WHERE cost_nano IS NULL), coalesce(sum(cost_nano), 0),
    sum(prompt_tokens), sum(cached_tokens), sum(tool_prompt_tokens), sum(thoughts_tokens), sum(output_tokens),
    count(*) FILTER (WHERE finish_reason = 'stop'), count(*) FILTER (WHERE finish_reason = 'length'),
    count(*) FILTER (WHERE finish_reason IN ('tool_calls', 'function_call')),
    count(*) FILTER (WHERE finish_reason = 'content_filter'),
    sum(duration_ms), count(first_token_ms), coalesce(sum(first_token_ms), 0), NULL, NULL`;

const spans = `(SELECT 'minute' AS span, 60000 AS ms UNION ALL SELECT 'hour', 3600000 UNION ALL SELECT 'day', 86400000)`;

export const usageSchema = `
  ALTER TABLE requests ADD COLUMN ended_by TEXT NOT NULL DEFAULT 'gateway';
  ALTER TABLE requests ADD COLUMN phase TEXT NOT NULL DEFAULT '';
  ALTER TABLE requests ADD COLUMN error_message TEXT;
  ALTER TABLE requests ADD COLUMN error_param TEXT;
  ALTER TABLE requests ADD COLUMN warnings TEXT NOT NULL DEFAULT '';
  -- Nano-dollars; null when the price is unknown.
  ALTER TABLE requests ADD COLUMN cost_nano INTEGER;
  UPDATE requests SET cost_nano = 0 WHERE prompt_tokens + tool_prompt_tokens + thoughts_tokens + output_tokens = 0;

  -- Both are appended to, for rows come in the order of time; the second holds the few that went wrong. One by client key
  -- would have each row of a batch change a page of its own: rollups tell where the rows of a client key are.
  CREATE INDEX requests_by_time ON requests (at_ms);
  CREATE INDEX requests_not_completed ON requests (at_ms) WHERE termination <> 'complete';

  -- By span of UTC time, client key and model served ('' when none was); made anew from the rows there are.
  DROP TABLE rollups;
  CREATE TABLE rollups (
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    client_key_id TEXT NOT NULL,
    model TEXT NOT NULL,${sums},
    PRIMARY KEY (span, start_ms, client_key_id, model)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO rollups SELECT span, at_ms / ms * ms, client_key_id, coalesce(model_served, ''), ${sumsOfRows}
  FROM requests, ${spans} GROUP BY 1, 2, 3, 4;

  -- The same over all client keys and models.
  CREATE TABLE overall_rollups (
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,${sums},
    PRIMARY KEY (span, start_ms)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO overall_rollups SELECT span, at_ms / ms * ms, ${sumsOfRows}
  FROM requests, ${spans} GROUP BY 1, 2;

  -- The same by the Gemini key of the last attempt and by model.
  CREATE TABLE gemini_key_rollups (
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    gemini_key_id TEXT NOT NULL,
    model TEXT NOT NULL,${sums},
    PRIMARY KEY (span, start_ms, gemini_key_id, model)
  ) STRICT, WITHOUT ROWID;

  -- Failed requests by what the client was told.
  CREATE TABLE error_rollups (
    span TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    client_key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    error_code TEXT NOT NULL,
    status INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (span, start_ms, client_key_id, model, error_code, status)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO error_rollups
  SELECT span, at_ms / ms * ms, client_key_id, coalesce(model_served, ''), coalesce(error_code, 'unknown'), status, count(*)
  FROM requests, ${spans} WHERE termination NOT IN ('complete', 'client_gone') GROUP BY 1, 2, 3, 4, 5, 6;

  ALTER TABLE client_key_totals ADD COLUMN completed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE client_key_totals ADD COLUMN client_gone INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE client_key_totals ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE client_key_totals ADD COLUMN cost_nano INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE client_key_totals ADD COLUMN last_at_ms INTEGER;
  -- Totals may count requests of which there are no rows: what those cost is not known.
  UPDATE client_key_totals SET unpriced = requests;
  UPDATE client_key_totals
  SET completed = made.completed, client_gone = made.client_gone, unpriced = client_key_totals.requests - made.priced
  FROM (SELECT client_key_id AS id, sum(completed) AS completed, sum(client_gone) AS client_gone,
          sum(requests - unpriced) AS priced
        FROM rollups WHERE span = 'day' GROUP BY 1) AS made
  WHERE made.id = client_key_id;
  UPDATE client_key_totals
  SET last_at_ms = (SELECT max(at_ms) FROM requests WHERE requests.client_key_id = client_key_totals.client_key_id);

  -- The operator's prices in micro-dollars per million tokens, each from a time on; they stand before the built-in ones.
  CREATE TABLE prices (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    effective_from_ms INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cached_input INTEGER,
    long_prompt_tokens INTEGER,
    long_input INTEGER,
    long_output INTEGER,
    long_cached_input INTEGER,
    version INTEGER NOT NULL,
    UNIQUE (model, effective_from_ms)
  ) STRICT, WITHOUT ROWID;
`;
