/** The panel in a real browser, on a real gateway with the simulator in Google's place. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { geminiKeys, type Stack, type StackOptions, startStack, testModel } from '../../gateway/e2e/harness.ts';

/** Where Debian puts it; another path comes from CHROMIUM. */
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
export type Size = keyof typeof sizes;

export const pageNames = [
  'dashboard',
  'client-keys',
  'gemini-keys',
  'requests',
  'playground',
  'settings',
  'users',
  'account',
] as const;

export interface User {
  username: string;
  password: string;
}

/** The administrator of the environment, as the harness sets it. */
export const admin: User = { username: 'admin', password: 'a long password for machines' };
export const viewer: User = { username: 'visitor', password: 'only here to look around 7' };

/** One browser and one gateway; `stop` ends both. */
export interface PanelStand {
  readonly stack: Stack;
  readonly browser: Browser;
  /** Asks the admin API as the administrator. */
  api<T>(method: string, path: string, body?: object): Promise<T>;
  /** Sends one completion over the tests' client key and resolves with its status. */
  complete(stream?: boolean, model?: string): Promise<number>;
  /** Opens the panel at `hash`, logged in; at another address than the gateway's own when `url` is given. */
  open(user: User, size: Size, hash?: string, url?: string): Promise<OpenPanel>;
  stop(): Promise<void>;
}

export interface OpenPanel {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, of scripts, of the content security policy; must be empty at the end. */
  readonly problems: string[];
}

export async function startPanel(options: StackOptions = {}): Promise<PanelStand> {
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium, or set CHROMIUM`);
  const stack = await startStack({ keys: geminiKeys(6), ...options });
  const browser = await chromium.launch({
    executablePath,
    // Chromium refuses its sandbox to root, which is what containers run as.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const api = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${stack.gateway.url}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    const value: T = JSON.parse(text);
    return value;
  };
  await api('POST', '/users', { ...viewer, role: 'viewer' });
  return {
    stack,
    browser,
    api,
    complete: (stream = false, model = testModel) => complete(stack, stream, model),
    open: (user, size, hash = '', url = stack.gateway.url) => open(browser, url, user, size, hash),
    stop: async () => {
      await browser.close();
      await stack.stop();
    },
  };
}

async function complete({ gateway, clientKey }: Stack, stream: boolean, model: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Say something.' }] }),
  });
  await answer.text();
  return answer.status;
}

async function open(browser: Browser, url: string, user: User, size: Size, hash: string): Promise<OpenPanel> {
  const context = await browser.newContext({
    viewport: sizes[size],
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = watch(page);
  await page.goto(`${url}/login.html${hash}`);
  await logIn(page, user);
  return { page, context, problems };
}

/** Fills in the login and waits until the live feed runs. */
export async function logIn(page: Page, { username, password }: User): Promise<void> {
  await page.locator('input[autocomplete=username]').fill(username);
  await page.locator('input[autocomplete=current-password]').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('.live .dot').waitFor();
}

function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
    if (message.text().startsWith('policy: ')) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  void page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => console.warn('policy: ' + event.violatedDirective + ' ' + event.blockedURI))",
  );
  return problems;
}

/** Goes to a page by its address and waits until what it loads is there. */
export async function show(page: Page, name: string): Promise<void> {
  await page.evaluate(`location.hash = '#/${name}'`);
  await page.locator('main h1').waitFor();
  await page.locator('main .loading').first().waitFor({ state: 'detached' });
}

/** What sticks out of the window at its side, by element. */
export async function overflow(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 1)
      .map((element) => element.tagName + '.' + element.className)
      .slice(0, 5);
  })()`);
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds serious or worse. Over the debugging protocol, since the page's policy lets no script in. */
export async function accessibilityFaults(page: Page): Promise<unknown> {
  await page.evaluate(axe);
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ target, failureSummary }) => target + ' ' + failureSummary).join(' | ')))`);
}
