/** What the panel does when its session ends, the gateway goes away, or motion is not wanted. */
import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../../gateway/e2e/harness.ts';
import { admin, logIn, overflow, type PanelStand, startPanel, viewer } from './panel-stand.ts';

let stand: PanelStand;

before(async () => {
  stand = await startPanel();
});
after(() => stand.stop());

describe('trouble', () => {
  test('a session that ends leads to the login, and from there back', async () => {
    const { page, context, problems } = await stand.open(viewer, 'desktop', '#/requests?outcome=failed');
    await page.getByRole('heading', { name: 'Requests' }).waitFor();
    const { users } = await stand.api<{ users: { id: string; username: string }[] }>('GET', '/users');
    const id = users.find(({ username }) => username === viewer.username)?.id ?? '';
    await stand.api('POST', `/users/${id}/logout`);
    await page.getByText('Your session has ended').waitFor();
    await logIn(page, viewer);
    await page.getByRole('heading', { name: 'Requests' }).waitFor();
    assert.match(page.url(), /#\/requests\?outcome=failed$/);
    // The browser itself notes a 401 on the console, if a page asked before the feed had told.
    assert.deepEqual(
      problems.filter((problem) => !problem.includes('401')),
      [],
    );
    await context.close();
  });

  test('a wrong password is said, and the field is cleared', async () => {
    const context = await stand.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stand.stack.gateway.url}/management.html`);
    await page.locator('input[autocomplete=username]').fill('admin');
    await page.locator('input[type=password]').fill('not the password');
    await page.keyboard.press('Enter');
    await page.getByText('Wrong user name or password.').waitFor();
    assert.equal(await page.locator('input[type=password]').inputValue(), '');
    await context.close();
  });

  test('logging out ends the session at the gateway', async () => {
    const { page, context } = await stand.open(viewer, 'desktop', '#/account');
    const token = await page.evaluate("JSON.parse(localStorage['gemini-pool.session']).token");
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByText('You are logged out.').waitFor();
    const answer = await fetch(`${stand.stack.gateway.url}/admin/api/auth/verify`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 401);
    await context.close();
  });

  test('less motion: the rain stands still, and so it does in a hidden tab', async () => {
    const { page, context } = await stand.open(admin, 'desktop');
    await page.evaluate(`(() => {
      const paint = CanvasRenderingContext2D.prototype.drawImage;
      window.painted = 0;
      CanvasRenderingContext2D.prototype.drawImage = function (...args) { window.painted++; return paint.apply(this, args); };
    })()`);
    await eventually('it rains', async () => Number(await page.evaluate('painted')) > 0);
    const hide = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(`(() => {
        Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      })()`);
    await hide(true);
    assert.equal(await paintedWhileTwoSnapshotsCame(page), 0);
    await hide(false);
    const shown = Number(await page.evaluate('painted'));
    await eventually('it rains again', async () => Number(await page.evaluate('painted')) > shown);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await eventually('motion is off', async () => (await page.locator('html').getAttribute('data-motion')) === 'off');
    assert.equal(await paintedWhileTwoSnapshotsCame(page), 0);
    await context.close();
  });

  test('the connection goes and comes back: the panel says so, and recovers by itself', async () => {
    const line = new Line(stand.stack.gateway.port);
    const url = await line.connect();
    const { page, context } = await stand.open(admin, 'phone', '#/client-keys', url);
    await page.getByRole('link', { name: 'tests' }).waitFor();
    await line.cut();
    await page.getByText('The connection to the gateway is lost').waitFor();
    await page.evaluate("location.hash = '#/requests'");
    await page.getByText('The gateway cannot be reached').first().waitFor();
    assert.deepEqual(await overflow(page), []);
    await line.connect();
    await page.getByText('The connection to the gateway is lost').waitFor({ state: 'detached', timeout: 30_000 });
    await page.getByText('The gateway cannot be reached').first().waitFor({ state: 'detached' });
    await page.locator('.live .dot').waitFor();
    await context.close();
    await line.cut();
  });
});

/** How many glyphs of rain were painted from now until two more snapshots of the live feed were drawn. */
async function paintedWhileTwoSnapshotsCame(page: Page): Promise<unknown> {
  return page.evaluate(`new Promise((resolve) => {
    const before = window.painted;
    let drawn = 0;
    const observer = new MutationObserver(() => {
      if (++drawn < 2) return;
      observer.disconnect();
      resolve(window.painted - before);
    });
    observer.observe(document.querySelector('.spark').parentElement, { subtree: true, attributes: true });
  })`);
}

/** The network between the browser and the gateway, which can be cut. */
class Line {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(target: number) {
    this.#target = target;
  }

  /** Lets connections through; resolves with the address of this end, which stays the same. */
  async connect(): Promise<string> {
    const server = createServer((near) => {
      const far = connect({ host: '127.0.0.1', port: this.#target });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Ends every connection and lets no new one in. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
