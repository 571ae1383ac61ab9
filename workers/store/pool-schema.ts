/** What a restart must not forget of the pool; what the values mean is the gateway's own business. */
export const poolSchema = `
  CREATE TABLE pool_state (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    model TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, id, model)
  ) STRICT, WITHOUT ROWID;
`;
