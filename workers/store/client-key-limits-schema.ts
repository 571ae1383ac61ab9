/** What the limits of client keys add to the schema. Costs are nano-dollars; null is no limit, and no expiry. */
export const clientKeyLimitsSchema = `
  ALTER TABLE client_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE client_keys ADD COLUMN note TEXT NOT NULL DEFAULT '';
  ALTER TABLE client_keys ADD COLUMN expires_at_ms INTEGER;
  ALTER TABLE client_keys ADD COLUMN requests_per_minute INTEGER;
  ALTER TABLE client_keys ADD COLUMN tokens_per_minute INTEGER;
  ALTER TABLE client_keys ADD COLUMN tokens_per_day INTEGER;
  ALTER TABLE client_keys ADD COLUMN tokens_per_month INTEGER;
  ALTER TABLE client_keys ADD COLUMN cost_nano_per_day INTEGER;
  ALTER TABLE client_keys ADD COLUMN cost_nano_per_month INTEGER;
  ALTER TABLE client_keys ADD COLUMN concurrent_streams INTEGER;
  -- A JSON array of names; null allows every model.
  ALTER TABLE client_keys ADD COLUMN allowed_models TEXT;
`;
