/**
 * Every page as admin and as viewer, on a desktop and on a phone, while requests run: nothing is said on the console, the
 * policy is kept, nothing sticks out at the side, and axe-core finds nothing serious.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  accessibilityFaults,
  admin,
  overflow,
  type PanelStand,
  pageNames,
  type Size,
  show,
  startPanel,
  viewer,
} from './panel-stand.ts';

let stand: PanelStand;
let isOver = false;
let traffic: Promise<void>;

before(async () => {
  stand = await startPanel();
  await stand.stack.simulator.projects([
    { name: 'small', keys: ['AIzaTestKey0000000000000000000000000000'], quota: { rpm: 2, rpd: 10 } },
  ]);
  // A name that does harm wherever it is taken for markup.
  await stand.api('POST', '/api-keys', { key_name: `<img src=x onerror="document.title='broken'">` });
  for (let i = 0; i < 12; i++) await stand.complete(i % 2 === 0, i === 11 ? 'no-such-model' : undefined);
  traffic = (async () => {
    while (!isOver) await stand.complete(true);
  })();
});

after(async () => {
  isOver = true;
  await traffic;
  await stand.stop();
});

/** A chart has its old width until the browser tells of the new one: what sticks out must be gone a moment later. */
async function nothingSticksOut(page: Page, what: string): Promise<void> {
  let found = await overflow(page);
  const deadlineMs = performance.now() + 3_000;
  while (Array.isArray(found) && found.length > 0 && performance.now() < deadlineMs) found = await overflow(page);
  assert.deepEqual(found, [], `${what} sticks out`);
}

for (const user of [admin, viewer])
  for (const size of ['desktop', 'phone'] satisfies Size[])
    describe(`${user.username} on a ${size}`, () => {
      test('walks every page', async () => {
        const { page, context, problems } = await stand.open(user, size);
        for (const name of pageNames) {
          await show(page, name);
          await nothingSticksOut(page, name);
          assert.deepEqual(await accessibilityFaults(page), [], name);
        }
        await show(page, `client-keys/${stand.stack.clientKeyId}`);
        await page.getByText('Last requests').waitFor();
        await nothingSticksOut(page, 'the page of a client key');
        assert.deepEqual(await accessibilityFaults(page), [], 'the page of a client key');
        assert.deepEqual(problems, []);
        await context.close();
      });

      test('opens a request with its timeline and a Gemini key with its quotas', async () => {
        const { page, context, problems } = await stand.open(user, size);
        await show(page, 'requests');
        await page.locator('td.head a').first().click();
        await page.locator('dialog .timeline li').first().waitFor();
        assert.deepEqual(await overflow(page), []);
        assert.deepEqual(await accessibilityFaults(page), [], 'the timeline');
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        await show(page, 'gemini-keys');
        await page.locator('td.head a').first().click();
        await page.locator('dialog').getByText('gemini-3.8-flash').first().waitFor();
        assert.deepEqual(await accessibilityFaults(page), [], 'a Gemini key');
        assert.deepEqual(problems, []);
        await context.close();
      });
    });

describe('a viewer', () => {
  test('is offered nothing that changes anything', async () => {
    const { page, context } = await stand.open(viewer, 'desktop');
    for (const name of ['client-keys', 'gemini-keys', 'users', `client-keys/${stand.stack.clientKeyId}`]) {
      await show(page, name);
      await page.locator('main table, main .meters').first().waitFor();
      assert.deepEqual(await page.locator('main').getByRole('switch').count(), 0, `${name} has a switch`);
      assert.equal(await page.locator('main .button.primary, main .button.danger, main td.actions').count(), 0, name);
    }
    await context.close();
  });
});

describe('a hostile name', () => {
  test('is text', async () => {
    const { page, context, problems } = await stand.open(admin, 'desktop');
    await show(page, 'client-keys');
    await page.getByText('<img src=x onerror=').first().waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    assert.doesNotMatch(await page.title(), /broken/);
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('absurd values', () => {
  test('stay within the window', async () => {
    const { id } = await stand.api<{ id: string }>('POST', '/api-keys', {
      key_name: 'W'.repeat(200),
      note: `\u202e${'x'.repeat(150)}`,
      limits: { tokens_per_month: 1e12, cost_per_month: 1e6, requests_per_minute: 1 },
      allowed_models: Array.from({ length: 40 }, (_, i) => `gemini-of-a-long-name-${i}`),
    });
    for (const size of ['desktop', 'phone'] satisfies Size[]) {
      const { page, context, problems } = await stand.open(admin, size);
      for (const name of ['client-keys', `client-keys/${id}`, 'requests', 'dashboard']) {
        await show(page, name);
        assert.deepEqual(await overflow(page), [], `${name} on a ${size}`);
      }
      assert.deepEqual(problems, []);
      await context.close();
    }
  });
});

describe('Chinese', () => {
  test('is complete on every page', async () => {
    const { page, context } = await stand.open(admin, 'phone');
    await page.getByRole('button', { name: '中文' }).click();
    for (const name of pageNames) {
      await show(page, name);
      assert.match((await page.locator('main h1').textContent()) ?? '', /[\u4e00-\u9fff]/);
      assert.deepEqual(await overflow(page), [], name);
    }
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
    await context.close();
  });
});
