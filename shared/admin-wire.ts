/** Answers of the admin API that belong to no part of it alone: as schemas, from which their types follow. */
import Type, { type Static } from 'typebox';

export const dashboardAnswer = Type.Object({
  total_api_keys: Type.Integer(),
  active_keys: Type.Integer(),
  total_requests: Type.Integer(),
  total_tokens: Type.Integer({ description: 'Input and output together.' }),
  total_input_tokens: Type.Integer(),
  total_output_tokens: Type.Integer(),
  total_cost: Type.Number({ description: 'Of the requests whose price is known; the others are counted beside it.' }),
  unpriced_requests: Type.Integer(),
  requests_today: Type.Integer({ description: 'Of the present day, UTC.' }),
  cost_today: Type.Number(),
  cost_this_month: Type.Number(),
  requests_in_flight: Type.Integer(),
  gemini_keys: Type.Object({ total: Type.Integer(), enabled: Type.Integer(), leases: Type.Integer() }),
});
export type DashboardAnswer = Static<typeof dashboardAnswer>;

export const keyCreated = Type.Object({
  id: Type.String(),
  api_key: Type.String({
    description: 'Whole for a client key that was created, masked for a Gemini key that was added.',
  }),
});
export type KeyCreated = Static<typeof keyCreated>;

export const deleted = Type.Object({ id: Type.String(), deleted: Type.Literal(true) });
export type Deleted = Static<typeof deleted>;
