/** Prices in the admin API. A change holds for the requests that arrive from its time on; what was priced stays as it is. */
import {
  type CreatePriceRequest,
  createPriceRequest,
  type PriceEntry,
  type PriceList,
  type UpdatePriceRequest,
  updatePriceRequest,
} from '../shared/admin-usage.ts';
import type { Deleted } from '../shared/admin-wire.ts';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import type { Price, Rates } from '../shared/price.ts';
import { bodyReader, wrongField } from './admin-body.ts';
import { type AdminParts, auditOrigin, replyAdmin, replyStale } from './admin-plane.ts';
import { readTime } from './admin-time.ts';
import type { Call } from './call.ts';
import type { Route } from './route-table.ts';

const microsPerDollar = 1_000_000;
/** Entries of the operator's; the list is held in memory. */
const pricesMax = 10_000;

const readCreate = bodyReader(createPriceRequest);
const readUpdate = bodyReader(updatePriceRequest);

type PriceBody = CreatePriceRequest | UpdatePriceRequest;

/** To stand behind the check of the session. */
export function priceRoutes(parts: AdminParts): Route[] {
  return [
    {
      path: '/admin/api/prices',
      methods: { GET: (call) => list(call, parts), POST: (call) => create(call, parts) },
    },
    {
      path: '/admin/api/prices/{id}',
      methods: {
        GET: (call) => get(call, parts),
        PUT: (call) => update(call, parts),
        DELETE: (call) => remove(call, parts),
      },
    },
  ];
}

function list({ down }: Call, { clock, prices }: AdminParts): void {
  const nowMs = clock.wallMs();
  const answer: PriceList = { prices: prices.book.all().map((price) => entryOf(price, prices, nowMs)) };
  replyAdmin(down, answer);
}

function get({ id, down }: Call, { clock, prices }: AdminParts): void {
  const price = prices.book.all().find((known) => known.id === id);
  if (price === undefined) throw missing();
  replyAdmin(down, entryOf(price, prices, clock.wallMs()));
}

async function create(call: Call, parts: AdminParts): Promise<void> {
  const { clock, nextId, prices, writer } = parts;
  const by = auditOrigin(call, parts);
  const body = await readCreate(call, limits.adminBodyBytesMax);
  if (prices.size >= pricesMax)
    throw new GatewayError('invalid_value', { message: `There are ${pricesMax} prices already; delete some.` });
  const nowMs = clock.wallMs();
  const price: Price = {
    id: nextId(),
    model: body.model,
    effectiveFromMs: effectiveFromOf(body, nowMs),
    ...ratesOf(body),
    source: 'operator',
    version: 1,
  };
  if ((await writer.command({ op: 'create_price', price, by })) !== 'ok') throw exists();
  replyAdmin(call.down, entryOf(price, prices, nowMs));
}

async function update(call: Call, parts: AdminParts): Promise<void> {
  const { clock, prices, writer } = parts;
  const { id, down } = call;
  const by = auditOrigin(call, parts);
  const body = await readUpdate(call, limits.adminBodyBytesMax);
  const before = operatorsPrice(id, parts);
  const price: Price = {
    ...before,
    effectiveFromMs: effectiveFromOf(body, before.effectiveFromMs),
    ...ratesOf(body),
    version: before.version + 1,
  };
  // Without a version it is applied to what is there now: should another change come first, it is refused and said again.
  const result = await writer.command({
    op: 'update_price',
    price,
    expectedVersion: body.version ?? before.version,
    by,
  });
  const now = prices.get(id);
  if (result === 'stale' && now !== null) replyStale(down, entryOf(now, prices, clock.wallMs()));
  else if (result === 'exists') throw exists();
  else if (result !== 'ok') throw missing();
  else replyAdmin(down, entryOf(price, prices, clock.wallMs()));
}

async function remove(call: Call, parts: AdminParts): Promise<void> {
  const { id, down } = call;
  const by = auditOrigin(call, parts);
  operatorsPrice(id, parts);
  if ((await parts.writer.command({ op: 'delete_price', id, by })) !== 'ok') throw missing();
  replyAdmin(down, { id, deleted: true } satisfies Deleted);
}

/** Throws for an entry that is not there, or came with the program. */
function operatorsPrice(id: string, { prices }: AdminParts): Price {
  const price = prices.get(id);
  if (price !== null) return price;
  if (prices.book.all().some((known) => known.id === id))
    throw new GatewayError('invalid_value', {
      message: 'This price came with the program. Add one of your own for the model: it stands before this one.',
      param: 'id',
    });
  throw missing();
}

function missing(): GatewayError {
  return new GatewayError('entity_not_found', { message: 'There is no such price.' });
}

function exists(): GatewayError {
  return new GatewayError('entity_exists', {
    message: 'There is a price of this model from the same time on already.',
    param: 'effective_from',
  });
}

function effectiveFromOf({ effective_from: text }: PriceBody, otherwise: number): number {
  if (text === undefined) return otherwise;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : readTime(text);
  if (ms === null) throw wrongField('invalid_value', createPriceRequest, 'effective_from');
  return ms;
}

function ratesOf(body: PriceBody): Pick<Price, 'rates' | 'long'> {
  const { long_prompt_tokens: promptTokens, long_input: input, long_output: output } = body;
  const rates = toRates(body.input, body.output, body.cached_input);
  const given = [promptTokens, input, output, body.long_cached_input].filter((value) => value !== undefined).length;
  if (given === 0) return { rates, long: null };
  if (promptTokens === undefined || input === undefined || output === undefined)
    throw new GatewayError('missing_required_parameter', {
      message: 'Prices of long prompts need all of long_prompt_tokens, long_input and long_output.',
      param: promptTokens === undefined ? 'long_prompt_tokens' : input === undefined ? 'long_input' : 'long_output',
    });
  return { rates, long: { promptTokens, rates: toRates(input, output, body.long_cached_input) } };
}

function toRates(input: number, output: number, cachedInput: number | undefined): Rates {
  const micro = (dollars: number): number => Math.round(dollars * microsPerDollar);
  return {
    input: micro(input),
    output: micro(output),
    cachedInput: cachedInput === undefined ? null : micro(cachedInput),
  };
}

function entryOf(price: Price, { book }: AdminParts['prices'], nowMs: number): PriceEntry {
  const { id, model, effectiveFromMs, rates, long, source, version } = price;
  const dollars = (micro: number | null | undefined): number | null => (micro == null ? null : micro / microsPerDollar);
  return {
    id,
    model,
    effective_from: new Date(effectiveFromMs).toISOString(),
    input: rates.input / microsPerDollar,
    output: rates.output / microsPerDollar,
    cached_input: dollars(rates.cachedInput),
    long_prompt_tokens: long?.promptTokens ?? null,
    long_input: dollars(long?.rates.input),
    long_output: dollars(long?.rates.output),
    long_cached_input: dollars(long?.rates.cachedInput),
    source,
    in_force: book.at(model, nowMs)?.id === id,
    version,
  };
}
