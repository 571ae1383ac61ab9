/** The playground, over a key that was minted for it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClientKeyList } from '../../shared/admin-client-keys.ts';
import { admin, type PanelStand, startPanel } from './panel-stand.ts';

const onePixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let stand: PanelStand;

before(async () => {
  stand = await startPanel();
});
after(() => stand.stop());

describe('playground', () => {
  test('a key is minted for an hour, and an answer streams in', async () => {
    await stand.stack.simulator.script([{ text: 'The rain in the matrix falls mainly on the plain.', chunks: 5 }]);
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/playground');
    await page.getByRole('button', { name: 'Mint a key for an hour' }).click();
    await page.getByText('In use: gp_').waitFor();
    const { api_keys } = await stand.api<ClientKeyList>('GET', '/api-keys');
    const minted = api_keys.find(({ key_name }) => key_name.startsWith('playground'));
    const lifeMs = Date.parse(minted?.expires_at ?? '') - Date.parse(minted?.created_at ?? '');
    assert.ok(Math.abs(lifeMs - 3_600_000) < 60_000, `${lifeMs} ms`);
    await page.getByLabel('Message', { exact: true }).fill('Where does it rain?');
    await page.locator('input[type=file]').setInputFiles({
      name: 'dot.png',
      mimeType: 'image/png',
      buffer: Buffer.from(onePixel, 'base64'),
    });
    await page.locator('.attached img').waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('The rain in the matrix falls mainly on the plain.').waitFor();
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.locator('dialog .timeline li').first().waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('a tool is called, its result goes back, and the answer comes', async () => {
    await stand.stack.simulator.script([]);
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/playground');
    await page.getByLabel('Client key').fill(stand.stack.clientKey);
    await page.getByRole('button', { name: 'Use', exact: true }).click();
    await page.getByText('In use: gp_').waitFor();
    await page.getByRole('button', { name: 'Example' }).click();
    await page.getByLabel('Message', { exact: true }).fill('What is the weather in Berlin? Call get_weather.');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.locator('.message pre').getByText('get_weather(').waitFor();
    await page.getByLabel('Result of get_weather').fill('{"temperature": 21}');
    await page.getByRole('button', { name: 'Send results' }).click();
    await page.locator('.message.assistant').nth(1).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('a wrong key is refused in words', async () => {
    const { page, context } = await stand.open(admin, 'desktop', '#/playground');
    await page.getByLabel('Client key').fill('gp_this_is_not_a_key_of_this_gateway');
    await page.getByRole('button', { name: 'Use', exact: true }).click();
    await page.getByText('The API key is not known here.').waitFor();
    await context.close();
  });
});
