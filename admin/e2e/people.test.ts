/** Users of the panel, their passwords, what was done by whom; prices and the export of usage. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { admin, logIn, type PanelStand, show, startPanel } from './panel-stand.ts';

let stand: PanelStand;

before(async () => {
  stand = await startPanel();
});
after(() => stand.stop());

describe('people', () => {
  test('a user is made, changes the password, and is seen in the audit log', async () => {
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByLabel('User name').fill('night-watch');
    await page.getByLabel('Role').selectOption('admin');
    await page.getByLabel('Password').fill('first password of mine 1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('td.head', { hasText: 'night-watch' }).waitFor();
    await page.locator('.panel', { hasText: 'Audit log' }).getByText('create_user').first().waitFor();
    assert.deepEqual(problems, []);
    await context.close();

    const own = await stand.open(
      { username: 'night-watch', password: 'first password of mine 1' },
      'phone',
      '#/account',
    );
    await own.page.getByLabel('Current password').fill('first password of mine 1');
    await own.page.getByLabel('New password', { exact: true }).fill('second password of mine 2');
    await own.page.getByLabel('New password again').fill('second password of mine 2');
    await own.page.getByRole('button', { name: 'Change password' }).click();
    await own.page
      .getByText('The password is changed.')
      .or(own.page.getByText('Your session has ended'))
      .first()
      .waitFor();
    await own.context.clearCookies();
    await own.page.evaluate('localStorage.clear()');
    await own.page.reload();
    await logIn(own.page, { username: 'night-watch', password: 'second password of mine 2' });
    await own.page.getByRole('button', { name: 'Log out everywhere' }).click();
    await own.page.getByText('You are logged out.').waitFor();
    await own.context.close();
  });

  test('a price is set over the built-in one, and removed', async () => {
    const { page, context, problems } = await stand.open(admin, 'desktop', '#/settings');
    await page.getByRole('button', { name: 'Add price' }).click();
    await page.getByLabel('Model').fill('gemini-of-tests');
    await page.getByLabel('Input', { exact: true }).fill('0.5');
    await page.getByLabel('Output', { exact: true }).fill('2');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('main input[type=search]').fill('of-tests');
    await page.locator('td', { hasText: '$0.5' }).first().waitFor();
    await page.getByRole('button', { name: 'Delete gemini-of-tests' }).click();
    await page.getByText('gemini-of-tests').waitFor({ state: 'detached' });
    assert.deepEqual(problems, []);
    await context.close();
  });

  test('usage is saved as CSV', async () => {
    await stand.complete();
    const { page, context } = await stand.open(admin, 'desktop', '#/settings');
    await page.getByLabel('What').selectOption('requests');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page
        .locator('form', { has: page.getByLabel('Format') })
        .getByRole('button', { name: 'Export' })
        .click(),
    ]);
    let text = '';
    for await (const chunk of await file.createReadStream()) text += String(chunk);
    assert.match(text.split('\n')[0] ?? '', /model/);
    assert.match(text, /gemini-3\.8-flash/);
    await context.close();
  });

  test('settings say what is set and from where, and no secret', async () => {
    const { page, context } = await stand.open(admin, 'desktop');
    await show(page, 'settings');
    const row = page.locator('tr', { hasText: 'ADMIN_PASSWORD' }).first();
    await row.waitFor();
    assert.match((await row.textContent()) ?? '', /set[\s\S]*environment/);
    assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /AIzaTestKey|a long password/);
    await context.close();
  });

  test('the palette leads to a page and to a client key by a few letters', async () => {
    const { page, context } = await stand.open(admin, 'desktop');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('gemini k');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Gemini keys' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('tests');
    await page.getByRole('option', { name: 'tests' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'tests' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('heading', { name: 'Requests', level: 1 }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await context.close();
  });
});
