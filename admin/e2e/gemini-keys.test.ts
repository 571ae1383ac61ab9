/** What an operator does with Gemini keys: pasting thousands, testing, tagging, switching, deleting. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { GeminiKeyEntry, GeminiKeyList } from '../../shared/admin-gemini-keys.ts';
import { admin, type PanelStand, startPanel } from './panel-stand.ts';

let stand: PanelStand;

before(async () => {
  stand = await startPanel();
});
after(() => stand.stop());

async function keys(): Promise<GeminiKeyEntry[]> {
  return (await stand.api<GeminiKeyList>('GET', '/gemini-keys')).gemini_keys;
}

/** Text into a field at once, as a paste does it. */
const paste = (selector: string, text: string): string => `(() => {
  const field = document.querySelector(${JSON.stringify(selector)});
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
})()`;

describe('Gemini keys', () => {
  test('one is added with its project, tested without quota, switched off and deleted', async () => {
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/gemini-keys');
    await page.getByRole('button', { name: 'Add Gemini keys' }).click();
    await page.locator('dialog textarea').fill('AIzaSyStoredKeyOfTheBrowserTest00000001');
    await page.locator('dialog').getByLabel('Project').fill('night shift');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('1 added, 0 duplicates, 0 malformed.').waitFor();
    await page.locator('dialog .form-footer button').click();
    await page.getByText('night shift').first().waitFor();
    assert.equal(await page.getByText('AIzaSyStoredKeyOfTheBrowserTest00000001').count(), 0);

    const stored = (await keys()).find(({ source }) => source === 'stored');
    assert.equal(stored?.project, 'night shift');
    await page.evaluate(`location.hash = '#/gemini-keys/${stored?.id}'`);
    const before = (await stand.stack.simulator.log()).filter(({ method }) => method !== 'listModels').length;
    await page.getByRole('button', { name: 'Test' }).click();
    await page.getByText(/The key works: \d+ models/).waitFor();
    assert.equal((await stand.stack.simulator.log()).filter(({ method }) => method !== 'listModels').length, before);

    await page.locator('dialog').getByRole('switch').click();
    await page.locator('dialog [role=switch][aria-checked=false]').waitFor();
    assert.equal((await keys()).find(({ id }) => id === stored?.id)?.disabled_by, 'operator');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.locator('dialog').last().getByRole('button', { name: 'Delete' }).click();
    await page.locator('dialog').first().waitFor({ state: 'detached' });
    assert.equal(
      (await keys()).some(({ id }) => id === stored?.id),
      false,
    );
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('ten thousand rows are pasted, counted and reported, and the list stays usable', async () => {
    const good = Array.from({ length: 9_700 }, (_, i) => `AIzaSyPasted${String(i).padStart(27, '0')}`);
    const rows = [...good, ...good.slice(0, 200), ...Array.from({ length: 100 }, (_, i) => `short${i}`)];
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/gemini-keys');
    await page.getByRole('button', { name: 'Add Gemini keys' }).click();
    await page.locator('dialog textarea').waitFor();
    await page.evaluate(paste('dialog textarea', rows.join('\n')));
    await page.getByText('10,000 entries').waitFor();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('9,700 added, 200 duplicates, 100 malformed.').waitFor({ timeout: 60_000 });
    await page.locator('dialog .form-footer button').click();
    await page.getByText('1–40 of 9,706').waitFor({ timeout: 30_000 });
    assert.equal(await page.locator('.heat tbody tr').count(), 40);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('41–80 of 9,706').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('the export holds the stored keys whole', async () => {
    const { page, context } = await stand.open(admin, 'desktop', '#/gemini-keys');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    let text = '';
    for await (const chunk of await file.createReadStream()) text += String(chunk);
    assert.equal(text.trim().split('\n').length, 9_700);
    assert.match(text, /^AIzaSyPasted0/m);
    await context.close();
  });
});
