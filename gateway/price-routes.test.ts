/** Prices in the admin API: versions by date, two administrators at once, and what is no price. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PriceEntry, PriceList } from '../shared/admin-usage.ts';
import { AdminStand, refusal } from './e2e/admin-stand.ts';

const admin = new AdminStand();
const path = '/admin/api/prices';

async function send(method: string, to: string, body?: unknown): Promise<{ status: number; price: PriceEntry }> {
  const { status, body: answer } = await admin.ask(method, to, body);
  return { status, price: answer as unknown as PriceEntry };
}

async function listOf(model: string): Promise<PriceEntry[]> {
  const { body } = await admin.ask('GET', path);
  return (body as unknown as PriceList).prices.filter((price) => price.model === model);
}

describe('prices in the admin API', () => {
  before(() => admin.start());
  after(() => admin.stop());

  test('built-in prices are listed and stay', async () => {
    const [first, later] = await listOf('gemini-4-argon');
    assert.deepEqual([first?.input, first?.in_force, later?.input, later?.in_force], [2, true, 4, false]);
    assert.equal(later?.effective_from, '2026-12-01T00:00:00.000Z');
    const to = `${path}/${encodeURIComponent(first?.id ?? '')}`;
    assert.deepEqual(refusal(await admin.ask('PUT', to, { input: 1, output: 1 })), [400, 'invalid_value', 'id']);
    assert.deepEqual(refusal(await admin.ask('DELETE', to)), [400, 'invalid_value', 'id']);
  });

  test('an entry is made, replaced and deleted; each is in force from its time on, at once', async () => {
    const made = await send('POST', path, { model: 'my-model', input: 1.5, output: 2, cached_input: 0.15 });
    assert.equal(made.status, 200);
    assert.deepEqual([made.price.in_force, made.price.version, made.price.long_input], [true, 1, null]);
    assert.equal(admin.prices.book.at('my-model', admin.clock.wallMs())?.rates.cachedInput, 150_000);
    const later = await send('POST', path, {
      model: 'my-model',
      effective_from: '2027-01-01T00:00:00Z',
      input: 3,
      output: 4,
    });
    assert.deepEqual([later.price.in_force, later.price.cached_input], [false, null]);
    const long = { long_prompt_tokens: 1_000, long_input: 9, long_output: 10 };
    const changed = await send('PUT', `${path}/${made.price.id}`, { input: 2, output: 5, ...long, version: 1 });
    assert.deepEqual([changed.status, changed.price.version, changed.price.long_output], [200, 2, 10]);
    assert.equal(changed.price.cached_input, null);
    assert.equal(changed.price.effective_from, made.price.effective_from);
    assert.equal((await admin.ask('DELETE', `${path}/${made.price.id}`)).status, 200);
    assert.equal((await listOf('my-model')).length, 1);
    assert.equal(admin.prices.book.at('my-model', admin.clock.wallMs()), null);
    assert.equal((await admin.ask('GET', `${path}/${made.price.id}`)).status, 404);
  });

  test('of two administrators the second is shown what the first made of it', async () => {
    const { price } = await send('POST', path, { model: 'shared', input: 1, output: 1 });
    const to = `${path}/${price.id}`;
    assert.equal((await send('PUT', to, { input: 2, output: 2, version: 1 })).status, 200);
    const second = await admin.ask('PUT', to, { input: 3, output: 3, version: 1 });
    assert.deepEqual(refusal(second), [409, 'entity_changed', null]);
    assert.equal((second.body as unknown as { current: PriceEntry }).current.input, 2);
    assert.equal((await send('PUT', to, { input: 3, output: 3 })).price.version, 3, 'without a version it applies');
  });

  test('what is no price is refused with its field', async () => {
    const whole = { model: 'm', input: 1, output: 1 };
    const cases: [object, string | null][] = [
      [{ ...whole, model: undefined }, 'model'],
      [{ ...whole, model: 'a b' }, 'model'],
      [{ ...whole, model: 'x'.repeat(200) }, 'model'],
      [{ ...whole, input: -1 }, 'input'],
      [{ ...whole, output: 1e9 }, 'output'],
      [{ ...whole, input: '1' }, 'input'],
      [{ ...whole, effective_from: 'tomorrow' }, 'effective_from'],
      [{ ...whole, long_input: 3 }, 'long_prompt_tokens'],
      [{ ...whole, long_prompt_tokens: 1_000, long_input: 3 }, 'long_output'],
    ];
    for (const [body, param] of cases) {
      const [status, , named] = refusal(await admin.ask('POST', path, body));
      assert.deepEqual([status, named], [400, param], JSON.stringify(body));
    }
    assert.equal((await send('POST', path, whole)).status, 200);
    assert.deepEqual(refusal(await admin.ask('POST', path, whole)), [409, 'already_exists', 'effective_from']);
  });
});
