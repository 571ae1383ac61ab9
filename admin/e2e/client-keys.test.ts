/** What an operator does with client keys, and what happens when two do it at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClientKeyEntry, ClientKeyList } from '../../shared/admin-client-keys.ts';
import { admin, type PanelStand, show, startPanel } from './panel-stand.ts';

let stand: PanelStand;

before(async () => {
  stand = await startPanel();
});
after(() => stand.stop());

async function entryNamed(name: string): Promise<ClientKeyEntry | undefined> {
  const { api_keys } = await stand.api<ClientKeyList>('GET', '/api-keys');
  return api_keys.find(({ key_name }) => key_name === name);
}

async function madeKey(name: string): Promise<string> {
  return (await stand.api<{ id: string }>('POST', '/api-keys', { key_name: name })).id;
}

describe('client keys', () => {
  test('a new key is shown once, copied, and works', async () => {
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/client-keys');
    await page.locator('table').waitFor();
    await page.keyboard.press('n');
    await page.getByLabel('Name', { exact: true }).fill('billing service');
    await page.locator('dialog').getByLabel('Requests a minute').fill('7');
    await page.getByLabel('Allowed models').fill('gemini-3.8-flash, gemini-3.6-flash');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    const shown = page.locator('.secret code').first();
    await shown.waitFor();
    const key = (await shown.textContent()) ?? '';
    assert.match(key, /^gp_/);
    await page.getByRole('button', { name: 'Copy' }).first().click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), key);
    await page.getByRole('button', { name: 'I have saved it' }).click();
    await page.getByRole('link', { name: 'billing service' }).waitFor();
    assert.equal(await page.getByText(key).count(), 0);
    const entry = await entryNamed('billing service');
    assert.equal(entry?.limits.requests_per_minute, 7);
    assert.deepEqual(entry?.allowed_models, ['gemini-3.8-flash', 'gemini-3.6-flash']);
    const models = await fetch(`${stand.stack.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(models.status, 200);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('a name of spaces is refused in the form, with what is expected', async () => {
    const { page, context } = await stand.open(admin, 'desktop', '#/client-keys');
    await page.getByRole('button', { name: 'New client key' }).click();
    await page.getByLabel('Name', { exact: true }).fill('   ');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.locator('dialog [role=alert]').waitFor();
    assert.match((await page.locator('dialog .field.wrong').textContent()) ?? '', /1 to 200 characters/);
    await context.close();
  });

  test('is renamed, limited, given an end and cleared of it again', async () => {
    const id = await madeKey('old name');
    const { page, context, problems } = await stand.open(admin, 'desktop', `#/client-keys/${id}`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Name', { exact: true }).fill('new name');
    await page.locator('dialog').getByLabel('Tokens a day').fill('1000000');
    await page.getByLabel('Expires').fill('2031-01-31T12:00');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('heading', { name: 'new name' }).waitFor();
    assert.equal((await entryNamed('new name'))?.limits.tokens_per_day, 1_000_000);
    assert.match((await entryNamed('new name'))?.expires_at ?? '', /^2031-01-31/);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.locator('dialog').getByLabel('Tokens a day').fill('');
    await page.getByLabel('Expires').fill('');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal((await entryNamed('new name'))?.limits.tokens_per_day, null);
    assert.equal((await entryNamed('new name'))?.expires_at, null);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('two admins at one key: the second sees what the first left, and decides', async () => {
    const id = await madeKey('contested');
    const { page, context } = await stand.open(admin, 'desktop', `#/client-keys/${id}`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Name', { exact: true }).fill('mine');
    await page.getByLabel('Note').fill('my note');
    await stand.api('PUT', `/api-keys/${id}`, { key_name: 'theirs' });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const conflict = page.locator('.conflict');
    await conflict.waitFor();
    assert.match((await conflict.textContent()) ?? '', /theirs/);
    assert.match((await conflict.textContent()) ?? '', /mine/);
    assert.equal((await stand.api<ClientKeyEntry>('GET', `/api-keys/${id}`)).key_name, 'theirs');
    await page.getByRole('button', { name: 'Keep mine' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    const entry = await stand.api<ClientKeyEntry>('GET', `/api-keys/${id}`);
    assert.deepEqual([entry.key_name, entry.note], ['mine', 'my note']);
    await context.close();
  });

  test('is switched off in the list, and its client is refused', async () => {
    const { page, context } = await stand.open(admin, 'desktop', '#/client-keys?search=tests');
    const toggle = page.getByRole('switch', { name: 'tests active' });
    await toggle.click();
    await page.locator('[role=switch][aria-checked=false]').waitFor();
    assert.equal(await stand.complete(), 401);
    await toggle.click();
    await page.locator('[role=switch][aria-checked=true]').waitFor();
    assert.equal(await stand.complete(), 200);
    await context.close();
  });

  test('one that was never used is deleted at once, a used one after confirmation, and its history stays', async () => {
    await madeKey('never used');
    assert.equal(await stand.complete(), 200);
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/client-keys');
    await page.getByRole('button', { name: 'Delete never used' }).click();
    await page.getByRole('link', { name: 'never used' }).waitFor({ state: 'detached' });
    assert.equal(await entryNamed('never used'), undefined);
    await page.getByRole('button', { name: 'Delete tests' }).click();
    const dialog = page.locator('dialog');
    await dialog.waitFor();
    assert.ok((await entryNamed('tests')) !== undefined);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('link', { name: 'tests', exact: true }).waitFor({ state: 'detached' });
    assert.equal(await entryNamed('tests'), undefined);
    await show(page, 'requests');
    await page.locator('td.head a').first().waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('three hundred are searched and sorted by keyboard', async () => {
    await Promise.all(Array.from({ length: 300 }, (_, i) => madeKey(`service ${String(i).padStart(3, '0')}`)));
    const { page, context } = await stand.open(admin, 'desktop', '#/client-keys');
    await page
      .getByRole('link', { name: /^service/ })
      .first()
      .waitFor();
    assert.equal(await page.locator('tbody tr').count(), 50);
    await page.keyboard.press('/');
    await page.keyboard.type('service 12');
    await page.getByRole('link', { name: 'service 000' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Name/ }).click();
    const names = await page.locator('td.head a').allInnerTexts();
    assert.ok(names.includes('service 123') && names.length < 50, names.join());
    assert.deepEqual(names, [...names].sort());
    await page.getByRole('button', { name: /^Name/ }).click();
    assert.deepEqual(await page.locator('td.head a').allInnerTexts(), names.reverse());
    await context.close();
  });
});
