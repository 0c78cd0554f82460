// Loading files from the page, against the real server.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { clean, HOSTILE, PHONE, violations } from './checks.mjs';
import { browse, open, serve, settle } from './server.mjs';

const TOKEN = 'a-write-token-for-the-tests';

let server;
let browser;
before(async () => {
  server = await serve('--write-token', TOKEN);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const quote = (s) => `"${s.replace(/"/g, '""')}"`;
const csv = (...rows) => ['id,event_date,latitude,longitude,event_type,fatalities,notes', ...rows, ''].join('\n');
const good = (id, n = 1) => `${id},2025-10-05,33.6,70.1,Battles,${n},`;
const file = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
/** UNASKED: the page asks once without a token, which a browser writes on the console. */
const UNASKED = /status of 40[13]/;
const total = async () =>
  (await (await fetch(`${server.url}/collections/incidents/items?limit=1`)).json()).numberMatched;
const shows = (page, n) =>
  page.waitForFunction(
    (want) => Number(document.querySelector('[data-count=incidents]')?.textContent.replace(/\D/g, '')) === want,
    n,
    { timeout: 15000 },
  );

async function enter(page) {
  await page.locator('[data-load]').click();
  await page.locator('#load-token, [data-choose]').first().waitFor();
  if (await page.locator('#load-token').count()) {
    await page.locator('#load-token').fill(TOKEN);
    await page.keyboard.press('Enter');
  }
  await page.locator('[data-choose]').waitFor();
}
/** load sends files and waits for the end of all of them. */
async function load(page, files, set = async () => {}) {
  await page.locator('#load-files').setInputFiles(files);
  await set();
  await page.locator('[data-start]').click();
  await page.waitForFunction(
    (n) => {
      const all = [...document.querySelectorAll('.jobs:not(.old) > [data-job]')].slice(0, n);
      return all.length === n && all.every((e) => /^(done|failed|undone)$/.test(e.dataset.state));
    },
    files.length,
    { timeout: 30000 },
  );
}
const ledger = (job) =>
  job
    .locator('.sum')
    .evaluate((t) => [...t.querySelectorAll('td.n')].map((c) => Number(c.textContent.replace(/\D/g, ''))));

test('a file is dropped, loaded, reported, shown on the map and taken back', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const all = await total();
  const map = await page.locator('#mapw').boundingBox();
  const text = csv(
    good('a1'),
    good('a2', 0),
    'a3,2025-10-05,33.6,70.1,Batles,2,',
    'a4,2025-13-05,33.6,70.1,Battles,1,',
    `a5,2025-10-05,33.6,70.1,Battles,${quote(HOSTILE)},`,
  );
  const data = await page.evaluateHandle((t) => {
    const d = new DataTransfer();
    d.items.add(new File([t], 'dropped.csv', { type: 'text/csv' }));
    return d;
  }, text);
  assert.ok(await page.locator('#drop').isHidden());
  await page.dispatchEvent('#mapw', 'dragenter', { dataTransfer: data });
  await page.locator('#drop').waitFor();
  assert.match(await page.locator('#drop').textContent(), /Drop to load/);
  await page.dispatchEvent('#mapw', 'drop', { dataTransfer: data });
  await page.locator('#drop').waitFor({ state: 'hidden' });
  await page.waitForFunction(() => document.querySelector('.files')?.textContent.includes('dropped.csv'));

  // The token: a wrong one is told, the right one is kept in this tab and nowhere else.
  await page.locator('#load-token').fill('not-the-token-of-the-server');
  await page.keyboard.press('Enter');
  await page.locator('#load-token-wrong').waitFor();
  assert.match(await page.locator('#load-token-wrong').textContent(), /does not take/);
  await page.locator('#load-token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('[data-opt=dataset]').fill('dropped-set');
  const sent = page.waitForRequest((r) => r.method() === 'POST');
  await page.locator('[data-start]').click();
  const req = await sent;
  assert.equal(req.headers().authorization, `Bearer ${TOKEN}`);
  assert.ok(!req.url().includes(TOKEN));

  const job = page.locator('.jobs:not(.old) [data-job]').first();
  await job.locator('[data-report]').waitFor({ timeout: 20000 });
  assert.match(await job.locator('[data-status]').textContent(), /Loaded into dropped-set/);
  const [added, changed, unchanged, refused, read] = await ledger(job);
  assert.deepEqual([added, changed, unchanged, refused, read], [3, 0, 0, 2, 5]);
  assert.match(await job.locator('.tot').textContent(), /No row is missing/);
  assert.match(await job.locator('[data-code=unknown_event_type]').textContent(), /1 row.*type of incident.*Line 4/s);
  const cells = await job.locator('[data-rejected] tbody tr').allInnerTexts();
  assert.equal(cells.length, 2);
  assert.match(cells[0], /^5\s+event_date\s+2025-13-05\s+\S/);
  assert.ok(cells[1].includes(HOSTILE.slice(0, 20)), cells[1]);
  assert.equal(await page.evaluate(() => window.__pwned), undefined);
  assert.equal(await page.locator('img').count(), 0);
  await page.waitForFunction(() => /5 read = 3 new/.test(document.querySelector('[data-load-live]').textContent));

  const [download] = await Promise.all([page.waitForEvent('download'), job.locator('[data-rejects]').click()]);
  assert.equal(download.suggestedFilename(), 'dropped-rejects.csv');
  const rows = readFileSync(await download.path(), 'utf8');
  assert.match(rows, /2025-13-05/);

  // Nothing moved, nothing of the token is left in the address or for other tabs.
  assert.deepEqual(await page.locator('#mapw').boundingBox(), map);
  assert.ok(!page.url().includes(TOKEN));
  assert.ok(!(await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie)).includes(TOKEN));

  // The map has it; the way there lifts all filters but this data set.
  await job.locator('[data-show]').click();
  await shows(page, 3);
  await page.waitForURL(/dataset=dropped-set/);
  await page.locator('[data-load]').click();
  await job.locator('[data-undo]').click();
  await page.waitForFunction(() => document.activeElement?.matches('[data-undo-no]'));
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('[data-undo]'));
  assert.equal(await total(), all + 3, 'nothing is taken back before it is confirmed');
  await job.locator('[data-undo]').click();
  await job.locator('[data-undo-yes]').click();
  await job.locator('[data-undone]').waitFor();
  assert.match(await job.locator('[data-undone]').textContent(), /^3 incidents taken away again\.$/);
  assert.equal(await job.locator('[data-undo]').count(), 0);
  assert.equal(await total(), all);
  await page.locator('[data-load-back]').click();
  // Its data set is gone, and so is the filter.
  await page.locator('[data-problems]').waitFor({ timeout: 15000 });
  await shows(page, all);
  clean(bad, UNASKED);
  await context.close();
});

test('several files in a queue, one that is only tried, and the list of former imports', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const before = await total();
  await enter(page);
  await load(page, [file('q1.csv', csv(good('b1'))), file('q2.csv', csv(good('b2'), good('b3')))]);
  const jobs = page.locator('.jobs:not(.old) > [data-job]');
  assert.deepEqual(await jobs.locator('h3').allTextContents(), ['q1.csv', 'q2.csv']);
  assert.deepEqual(await ledger(jobs.nth(1)), [2, 0, 0, 0, 2]);
  assert.equal(await total(), before + 3);

  await load(page, [file('q1.csv', csv(good('b1', 9), good('b4')))], () => page.locator('[data-opt=dryRun]').check());
  assert.match(await jobs.first().locator('[data-status]').textContent(), /nothing was stored/);
  assert.deepEqual(await ledger(jobs.first()), [1, 1, 0, 0, 2]);
  assert.equal(await jobs.first().locator('[data-undo]').count(), 0);
  assert.equal(await total(), before + 3);
  await jobs.first().getByRole('button', { name: 'Load it now' }).click();
  assert.match(await page.locator('.files').textContent(), /q1\.csv/);
  assert.ok(!(await page.locator('[data-opt=dryRun]').isChecked()));

  // A new visit of the same tab needs no token; what was loaded stands in the list and can be taken back.
  await page.reload();
  await settle(page);
  await page.locator('[data-load]').click();
  await page.locator('.jobs.old .fold').first().waitFor();
  assert.equal(await page.locator('#load-token').count(), 0);
  const old = page.locator('.jobs.old > [data-job]', { hasText: 'q2.csv' }).first();
  await old.locator('.fold').click();
  await old.locator('[data-report]').waitFor();
  assert.deepEqual(await ledger(old), [2, 0, 0, 0, 2]);
  await old.locator('[data-undo]').click();
  await old.locator('[data-undo-yes]').click();
  await old.locator('[data-undone]').waitFor();
  assert.equal(await total(), before + 1);
  assert.match(await old.locator('.fold').textContent(), /taken back/);
  // Another tab of the same browser has to be told the token again.
  const other = await context.newPage();
  await other.goto(server.url);
  await other.locator('[data-load]').click();
  await other.locator('#load-token').waitFor();
  clean(bad, UNASKED);
  await context.close();
});

test('what cannot be loaded says why, and leaves nothing', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const before = await total();
  await enter(page);
  const whole = gzipSync(Buffer.from(csv(...Array.from({ length: 3000 }, (_, i) => good(`c${i}`, i % 7)))));
  await load(page, [{ name: 'cut.csv.gz', mimeType: 'application/gzip', buffer: whole.subarray(0, whole.length / 2) }]);
  const job = page.locator('.jobs:not(.old) > [data-job]').first();
  assert.ok((await job.locator('.bn.e').textContent()).trim().length > 20);
  assert.equal(await total(), before);

  await load(page, [file('strict.csv', csv(good('d1'), 'd2,2025-13-05,33.6,70.1,Battles,1,'))], () =>
    page.locator('[data-opt=strict]').check(),
  );
  assert.match(await job.textContent(), /strict.csv/);
  assert.match(await job.locator('[data-rejected]').textContent(), /2025-13-05/);
  assert.equal(await job.locator('[data-undo]').count(), 0);
  assert.equal(await total(), before);

  // A mapping that cannot be read is refused by the server in its own words.
  await page.locator('#load-files').setInputFiles([file('m.csv', csv(good('e1')))]);
  await page.locator('.map summary').click();
  await page.locator('[data-opt=mapping]').fill('no-such-key: 1');
  await page.locator('[data-start]').click();
  await page.locator('.jobs:not(.old) > [data-state=failed]', { hasText: 'm.csv' }).waitFor();
  assert.match(await page.locator('.st.er').first().textContent(), /no-such-key/);

  // It is changed and sent again without being chosen again.
  await page.locator('[data-again]').first().click();
  assert.match(await page.locator('.files').textContent(), /m\.csv/);
  assert.equal(await page.locator('[data-opt=mapping]').inputValue(), 'no-such-key: 1');
  await page.locator('.files button').click();

  // Two files cannot both be the whole data set.
  await page.locator('#load-files').setInputFiles([file('r1.csv', csv()), file('r2.csv', csv())]);
  await page.locator('[data-opt=replace]').check();
  await page.locator('[data-start]:disabled').waitFor();
  assert.match(await page.locator('.wrong').textContent(), /Only one file/);
  assert.equal(await total(), before);
  clean(bad, /status of 40[013]/);
  await context.close();
});

test('the whole data set: what is gone from the file is taken away, and comes back by undo', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await enter(page);
  const set = () => page.locator('[data-opt=dataset]').fill('whole');
  await load(page, [file('w1.csv', csv(good('w1'), good('w2'), good('w3')))], set);
  const all = await total();
  await load(page, [file('w2.csv', csv(good('w1'), good('w2', 5)))], () => page.locator('[data-opt=replace]').check());
  const job = page.locator('.jobs:not(.old) > [data-job]').first();
  assert.deepEqual(await ledger(job), [0, 1, 1, 0, 2]);
  assert.match(await job.locator('[data-report]').textContent(), /1 incident is not in the file and was taken away/);
  assert.equal(await total(), all - 1);
  await job.locator('[data-undo]').click();
  await job.locator('[data-undo-yes]').click();
  await job.locator('[data-undone]').waitFor();
  assert.match(await job.locator('[data-undone]').textContent(), /with the former version again/);
  assert.equal(await total(), all);
  clean(bad, UNASKED);
  await context.close();
});

test('a large file shows its progress, and can be called off', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const before = await total();
  await enter(page);
  const rows = Array.from({ length: 150_000 }, (_, i) => good(`l${i}`, i % 7)).join('\n');
  await page.locator('#load-files').setInputFiles([file('large.csv', csv(rows))]);
  await page.locator('[data-start]').click();
  const bar = page.locator('[role=progressbar]');
  await bar.waitFor();
  await page.waitForFunction(() => Number(document.querySelector('[role=progressbar]')?.ariaValueNow) > 0);
  assert.match(await bar.getAttribute('aria-valuetext'), /Sending|Sent|Loading/);
  await page.locator('.jobs:not(.old) [data-state=running]').waitFor({ timeout: 20000 });
  await page.locator('.jobs:not(.old) .acts button').first().click();
  await page.locator('.jobs:not(.old) [data-state=undone]').waitFor({ timeout: 20000 });
  assert.equal(await total(), before);
  clean(bad, UNASKED);
  await context.close();
});

test('without events the page asks again until the load has ended', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.route('**/imports/*/events', (r) => r.abort());
  await enter(page);
  await load(page, [file('polled.csv', csv(good('p1'), good('p2')))]);
  assert.deepEqual(await ledger(page.locator('.jobs:not(.old) > [data-job]').first()), [2, 0, 0, 0, 2]);
  clean(bad, /status of 40[13]|ERR_FAILED/);
  await context.close();
});

test('where writing is switched off, the page says how else', async () => {
  const closed = await serve();
  try {
    const { page, bad, context } = await open(browser, `${closed.url}/`);
    await page.locator('[data-load]').click();
    await page.locator('#load-token').fill('whatever-it-may-be');
    await page.locator('#load-token').press('Enter');
    const text = await page.locator('[data-load-off]').textContent();
    assert.match(text, /sarhad serve --write-token/);
    assert.match(text, /sarhad import FILE/);
    assert.equal(await page.locator('#load-token').count(), 0);
    assert.deepEqual(await violations(page), []);
    clean(bad, UNASKED);
    await context.close();
  } finally {
    await closed.stop();
  }
});

test('keyboard: the view takes the focus, Escape and Back return', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.locator('[data-load]').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.id === 'load-h');
  await page.keyboard.press('Escape');
  await page.locator('#tab-list').waitFor();
  await page.waitForFunction(() => document.activeElement?.matches('[data-load]'));
  await settle(page);
  await page.keyboard.press('Enter');
  await page.locator('#load-token').waitFor();
  await page.locator('#load-token').focus();
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#load-token').isVisible(), 'Escape in a field throws nothing away');
  await page.goBack();
  await page.locator('#tab-list').waitFor();
  await page.goForward();
  await page.locator('#load-h').waitFor();
  clean(bad, UNASKED);
  await context.close();
});

test('a data set says its version and the day it was fetched', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await enter(page);
  await load(page, [file('v.csv', csv(good('v1')))], async () => {
    await page.locator('.map summary').click();
    await page
      .locator('[data-opt=mapping]')
      .fill('dataset:\n  name: versioned\n  version: "25.1"\n  accessed: 2025-11-01\nfields:\n  date: event_date\n');
  });
  await page.locator('[data-load-back]').click();
  const line = page.locator('[data-edition=versioned]');
  await line.waitFor({ timeout: 15000 });
  assert.equal(await line.textContent(), 'version 25.1 · fetched 1 Nov 2025');
  clean(bad, UNASKED);
  await context.close();
});

test('what is likely the same event is linked, with the reasons', async () => {
  const list = await (await fetch(`${server.url}/collections/incidents/items?limit=2`)).json();
  const [a, b] = list.features;
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.route(`**/collections/incidents/items/${a.id}`, async (r) => {
    const answer = await r.fetch();
    const f = await answer.json();
    f.properties.likely_duplicates = [
      {
        id: b.id,
        fid: b.properties.fid,
        dataset: b.properties.dataset,
        reasons: ['day_apart', 'same_unit', 'within_5_km'],
        distance_km: 2.1,
        days_apart: 1,
      },
    ];
    await r.fulfill({ response: answer, json: f });
  });
  await page.goto(`${server.url}/?incident=${a.id}`);
  const box = page.locator('[data-likely]');
  await box.waitFor();
  assert.match(
    await box.textContent(),
    /^Likely the same event as record .*; nothing was merged\.A day apart, same district or province, 2\.1 km apart\.$/,
  );
  assert.deepEqual(await violations(page), []);
  await box.locator('a').click();
  await page.locator(`[data-incident="${b.id}"]`).waitFor();
  clean(bad, UNASKED);
  await context.close();
});

for (const [name, options] of [
  ['desktop', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', PHONE],
  ['phone, dark', { ...PHONE, colorScheme: 'dark' }],
])
  test(`axe finds nothing, fingers find everything: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/`, options);
    const check = async (state) => {
      assert.deepEqual(await violations(page), [], state);
      assert.ok(
        (await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0,
        `${state}: too wide`,
      );
      if (!options.isMobile) return;
      const small = await page.$$eval(
        '.ld :is(button, input:not([type=checkbox], .vh), select, summary, textarea, label.ck), .d-bar button, [data-load]',
        (els) => els.filter((e) => e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML.slice(0, 90)),
      );
      assert.deepEqual(small, [], state);
    };
    await page.locator('[data-load]').click();
    await page.locator('#load-token').waitFor();
    await check('token');
    await page.locator('#load-token').fill('wrong-wrong-wrong-wrong');
    await page.keyboard.press('Enter');
    await page.locator('#load-token-wrong').waitFor();
    await check('wrong token');
    await page.locator('#load-token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.locator('[data-choose]').waitFor();
    await check('list');
    await page
      .locator('#load-files')
      .setInputFiles([
        file(
          `axe-${name.replace(/\W/g, '')}.csv`,
          csv(good('x1'), 'x2,2025-13-05,1,1,Batles,1,', 'x3,2025-10-05,33.6,70.1,Batles,1,'),
        ),
      ]);
    await page.locator('.map summary').click();
    await check('options');
    await page.locator('[data-start]').click();
    await page.locator('[data-report]').waitFor({ timeout: 20000 });
    await check('report');
    await page.locator('[data-undo]').first().click();
    await page.locator('.sure').waitFor();
    await check('undo');
    clean(bad, UNASKED);
    await context.close();
  });
