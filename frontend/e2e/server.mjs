// Starts the real binary on a free loopback port with a store of its own, and a browser of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
export const BIN = resolve(process.env.SARHAD_BIN ?? join(here, '../../bin/sarhad'));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const freePort = () =>
  new Promise((ok, no) => {
    const s = createServer();
    s.once('error', no);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => ok(port));
    });
  });

/** sarhad runs one command to its end and gives its standard output. */
export function sarhad(...args) {
  return new Promise((ok, no) => {
    const p = spawn(BIN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    p.stdout.on('data', (d) => {
      out += d;
    });
    p.stderr.on('data', (d) => {
      err += d;
    });
    p.once('error', no);
    p.once('exit', (code) =>
      code === 0 || code === 3 ? ok(out) : no(new Error(`${args.join(' ')}: ${code}\n${err}`)),
    );
  });
}

/** serve starts the server; args come after the store and the address. */
export async function serve(...args) {
  if (!existsSync(BIN)) throw new Error(`${BIN} is not there; build it or set SARHAD_BIN`);
  const dir = mkdtempSync(join(tmpdir(), 'sarhad-e2e-'));
  const store = join(dir, 'store.gpkg');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const p = spawn(BIN, ['serve', '--store', store, '--listen', `127.0.0.1:${port}`, ...args], { stdio: 'pipe' });
  let log = '';
  p.stdout.on('data', (d) => {
    log += d;
  });
  p.stderr.on('data', (d) => {
    log += d;
  });
  const gone = new Promise((ok) => p.once('exit', ok));
  for (let i = 0; ; i++) {
    try {
      if ((await fetch(`${url}/readyz`)).ok) break;
    } catch {
      // not up yet
    }
    if (i > 300 || p.exitCode !== null) throw new Error(`the server did not start:\n${log}`);
    await new Promise((ok) => setTimeout(ok, 100));
  }
  return {
    url,
    store,
    dir,
    async stop() {
      p.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** browse starts a browser with a new profile. */
export const browse = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/**
 * open loads the page in a context of its own and keeps account of what must not happen: requests to other hosts,
 * errors on the console, exceptions.
 */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, ...options });
  const page = await context.newPage();
  const bad = [];
  const host = new URL(url).host;
  page.on('request', (r) => {
    const u = new URL(r.url());
    if (u.protocol !== 'data:' && u.protocol !== 'blob:' && u.host !== host) bad.push(`request to ${r.url()}`);
  });
  page.on('console', (m) => {
    if (m.type() === 'error') bad.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => bad.push(`exception: ${e.message}`));
  await page.goto(url);
  await ready(page);
  return { context, page, bad };
}

/** ready waits for the first picture with all incidents. */
export async function ready(page) {
  await page.waitForFunction(
    () => document.documentElement.dataset.ready === '1' && !document.querySelector('.tnote .pb'),
    null,
    { timeout: 30000 },
  );
  await settle(page);
}
/** settle waits until scales and labels have been fitted after the brush came to rest. */
export const settle = (page) => page.waitForTimeout(550);

export const number = (text) => Number(text.replace(/[^\d]/g, ''));
export const count = async (page, what) => number(await page.locator(`[data-count="${what}"]`).first().textContent());
