// Writes the pictures of the docs (docs/page.md): twelve states of the page, and a search, from the real binary, with the demo and with
// made-up incidents, which are marked as synthetic on the page. OUT=FOLDER writes them elsewhere, and more states that the
// docs leave out: loading files, nothing found, the server gone, no JavaScript, other sizes. ONLY=a,b takes some of them.
//   node e2e/screenshots.mjs [FILE.csv …]     also loads these files, and shows the years 2009 and 2010
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMadeUp } from './made-up.mjs';
import { browse, open, sarhad, serve, settle } from './server.mjs';

const docs = join(dirname(fileURLToPath(import.meta.url)), '../../docs/img');
const out = process.env.OUT ?? docs;
const only = process.env.ONLY?.split(',');
mkdirSync(out, { recursive: true });
const files = process.argv.slice(2);
const server = await serve();
const madeUp = join(server.dir, 'made-up.geojson');
await writeMadeUp(server.url, madeUp, 2600);
await sarhad('import', '--store', server.store, '--quiet', ...(files.length ? files : [madeUp]));
const browser = await browse();
const items = async (query) =>
  (await (await fetch(`${server.url}/collections/incidents/items?${query}`)).json()).features;
const disputed = (await items('limit=1000&datetime=2025-10-01/2025-10-31')).find(
  (f) =>
    new Set((f.properties.claims ?? []).map((c) => c.claimant)).size > 1 && f.properties.synthetic !== files.length > 0,
);

/** take writes what is seen as WebP, which is a third of the bytes of PNG; elsewhere as PNG, which more programs show. */
async function take(page, name) {
  if (out !== docs) {
    await page.screenshot({ path: join(out, `${name}.png`) });
    return;
  }
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
  const file = join(out, `${name}.webp`);
  writeFileSync(file, Buffer.from(data, 'base64'));
  console.log(file);
}

const range = files.length ? 'datetime=2009-01-01/2010-12-31' : 'datetime=2024-01-01/2025-12-31';
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const STATES = [
  ['overview', range],
  ['dark', `${range}&theme=dark&tab=list`],
  [
    'detail',
    `datetime=2025-08-01/2025-12-31&province=Khyber Pakhtunkhwa&tab=list&map=33.75,70.6,7.75&incident=${disputed?.id}`,
    {},
    (page) =>
      page.locator('[data-incident]').evaluate((e) => {
        e.parentElement.scrollTop = e.querySelector('dl').offsetTop - 50;
      }),
  ],
  ['clusters', `${range}&map=33.1,70.3,7.25&tab=list`],
  ['close', 'datetime=2025-07-01/2025-12-31&map=34.05,71.25,9.5&tab=list'],
  ['compare', 'datetime=2025-01-01/2025-12-31&compare=2024-01-01/2024-12-31&tab=compare'],
  ['table', `${range}&show=table`],
  [
    'filters',
    `${range}&event_type=Battles,Explosions/Remote violence&precision=exact,near,settlement,vicinity_25km&min_fatalities=1&map=33.4,70.6,6.75`,
    {},
    async (page) => {
      await page.locator('#filters').evaluate((e) => {
        e.querySelector('[data-facet=verification] h2 > button')?.click();
      });
      await settle(page);
      await page.locator('[data-facet=precision]').evaluate((e) => {
        const pane = e.closest('#filters');
        pane.scrollTop = e.offsetTop - pane.offsetTop;
      });
    },
  ],
  ['urdu', `${range}&lang=ur`],
  ['pashto', `${range}&lang=ps&numerals=local&tab=list&map=33.1,70.3,7.25`],
  ['phone', `${range}&tab=list`, phone],
  ['embed', null],
  [
    'search',
    `${range}&map=34.2,71.2,7.75`,
    {},
    async (page) => {
      await page.locator('#search').fill('طورخم');
      await page.locator('#found [role=option]').first().waitFor();
    },
  ],
];
const MORE = [
  ['x-load', '', {}, (page) => page.locator('[data-load]').click()],
  ['x-empty', `${range}&event_type=Riots&min_fatalities=100&unit=pk-kp-kurram&tab=list`],
  ['x-none', 'datetime=2017-01-01/2017-12-31&tab=list'],
  [
    'x-gone',
    `${range}&tab=list`,
    {},
    async (page) => {
      await page.route('**/*', (r) => r.abort());
      await page.locator('.row').nth(1).click();
      await page.waitForTimeout(1500);
    },
  ],
  ['x-phone-detail', `datetime=2025-08-01/2025-12-31&incident=${disputed?.id}`, phone],
  ['x-phone-dark-urdu', `${range}&lang=ur&theme=dark`, phone],
  ['x-phone-compare', 'datetime=2025-01-01/2025-12-31&compare=2024-01-01/2024-12-31&tab=compare', phone],
  ['x-phone-table', `${range}&show=table`, phone],
  ['x-wide', `${range}`, { viewport: { width: 1720, height: 900 } }],
  [
    'x-wide-compare',
    'datetime=2025-01-01/2025-12-31&compare=2024-01-01/2024-12-31&tab=compare',
    { viewport: { width: 1720, height: 900 } },
  ],
  ['x-tablet', `${range}&tab=list`, { viewport: { width: 820, height: 1100 } }],
  ['x-demo', 'dataset=demo&datetime=2025-10-01/2025-11-30'],
  ['x-menu', `${range}&tab=list`, {}, (page) => page.locator('[data-download]').click()],
  ['x-days', 'datetime=2025-10-01/2025-10-20&bars=day&axis=2025-09-20/2025-11-10&tab=list'],
  ['x-compare-urdu', 'lang=ur&datetime=2025-01-01/2025-12-31&compare=2024-01-01/2024-12-31&tab=compare'],
  ['x-detail-urdu', `lang=ur&datetime=2025-08-01/2025-12-31&incident=${disputed?.id}`],
  ['x-table-dark', `${range}&show=table&theme=dark`],
  ['x-close-dark', 'datetime=2025-07-01/2025-12-31&map=34.05,71.25,9.5&theme=dark'],
];

/** frame is a page of others that holds the map in a frame. */
async function frame() {
  const other = createServer((_, w) => {
    w.setHeader('Content-Type', 'text/html');
    w.end(`<!doctype html><html lang="en"><title>Another page</title>
<style>body{margin:0;background:#fff;color:#222;font:18px/28px Georgia,"Noto Serif",serif}main{width:960px;margin:28px auto}
h1{font-size:30px;line-height:38px;margin:0 0 8px}p{margin:0 0 16px}iframe{border:0;display:block}</style>
<main><h1>A page of somebody else</h1><p>Its words stand above and below. The map in it is a frame, with all incidents made up.</p>
<iframe width="960" height="600" title="Incidents by district and province" src="${server.url}/?embed=1&${range}"></iframe></main>`);
  });
  await new Promise((ok) => other.listen(0, '127.0.0.1', ok));
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  await page.frames()[1].waitForFunction(() => document.documentElement.dataset.ready === '1');
  await settle(page);
  await take(page, 'embed');
  await context.close();
  other.close();
}

for (const [name, query, options = {}, then] of out === docs ? STATES : [...STATES, ...MORE]) {
  if (only && !only.includes(name)) continue;
  if (query === null) {
    await frame();
    continue;
  }
  const { page, context, bad } = await open(browser, `${server.url}/?${query}`, options);
  await page.waitForFunction(() => !document.querySelector('.row .s.wait'), null, { timeout: 30000 });
  await then?.(page);
  await settle(page);
  await take(page, name);
  if (bad.length && name !== 'x-gone') console.error(name, bad);
  await context.close();
}
if (out !== docs && (!only || only.includes('x-plain'))) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1366, height: 768 } });
  const page = await context.newPage();
  await page.goto(server.url);
  await take(page, 'x-plain');
  await context.close();
}
await browser.close();
await server.stop();
