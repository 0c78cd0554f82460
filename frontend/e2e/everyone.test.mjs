// Fingers, readers who want no motion, wide screens, and a link that carries every control.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, eventually, PHONE, violations } from './checks.mjs';
import { writeMadeUp } from './made-up.mjs';
import { browse, count, open, ready, sarhad, serve, settle } from './server.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  const file = join(server.dir, 'made-up.geojson');
  await writeMadeUp(server.url, file, 400);
  await sarhad('import', '--store', server.store, '--quiet', file);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const param = (page, name) => page.evaluate((n) => new URLSearchParams(location.search).get(n), name);
const differs = (page, name, was) => eventually(async () => assert.notEqual(await param(page, name), was));

/** pinch puts two fingers on a place and moves them apart (or together) along the x axis. */
async function pinch(page, x, y, from, to) {
  const session = await page.context().newCDPSession(page);
  const fingers = (d) => [x - d, x + d].map((at, id) => ({ x: at, y, id }));
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(from) });
  for (let k = 1; k <= 10; k++) {
    await session.send('Input.dispatchTouchEvent', {
      type: 'touchMove',
      touchPoints: fingers(from + ((to - from) * k) / 10),
    });
    await page.waitForTimeout(20);
  }
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await settle(page);
}

test('two fingers zoom the map and the axis of time, and never the page', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?map=33.4,70.4,6&axis=2024-01-01/2025-12-31&bars=month`,
    PHONE,
  );
  await page.waitForURL(/map=/);
  const zoom = async () => Number((await param(page, 'map')).split(',')[2]);
  assert.equal(await zoom(), 6);
  const map = await page.locator('#map').boundingBox();
  const [x, y] = [map.x + map.width / 2, map.y + 170];
  await pinch(page, x, y, 40, 120);
  await eventually(async () => assert.ok((await zoom()) >= 7, `zoom ${await zoom()} after spreading`));
  const near = await zoom();
  await pinch(page, x, y, 120, 40);
  await eventually(async () => assert.ok((await zoom()) < near, `zoom ${await zoom()} after closing`));
  // The days in view, by the strip under the map.
  const days = async () => {
    const [a, b] = (await param(page, 'axis')).split('/').map(Date.parse);
    return (b - a) / 864e5;
  };
  const strip = await page.locator('.tb0').boundingBox();
  const was = await days();
  await pinch(page, strip.x + strip.width / 2, strip.y + strip.height * 0.6, 30, 100);
  await eventually(async () => assert.ok((await days()) < was * 0.75, `${await days()} of ${was} days in view`));
  assert.equal(await page.evaluate(() => visualViewport.scale), 1);
  clean(bad);
  await context.close();
});

test('one finger moves the map, and the sheet by its handle', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?map=33.4,70.4,7`, PHONE);
  await page.waitForURL(/map=/);
  const session = await context.newCDPSession(page);
  const drag = async (x, y, dx, dy) => {
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y, id: 0 }] });
    for (let k = 1; k <= 8; k++) {
      await session.send('Input.dispatchTouchEvent', {
        type: 'touchMove',
        touchPoints: [{ x: x + (dx * k) / 8, y: y + (dy * k) / 8, id: 0 }],
      });
      await page.waitForTimeout(20);
    }
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await settle(page);
  };
  const was = await param(page, 'map');
  await drag(180, 180, 90, 40);
  await differs(page, 'map', was);
  const top = () => page.locator('#panel').evaluate((e) => e.getBoundingClientRect().top);
  const before = await top();
  const grab = await page.locator('.grab').boundingBox();
  await drag(grab.x + grab.width / 2, grab.y + grab.height / 2, 0, 300);
  await eventually(async () => assert.ok((await top()) > before + 100, `the sheet is at ${await top()}`));
  clean(bad);
  await context.close();
});

test('who wants no motion gets none: nothing eases, play steps once a second', async () => {
  for (const options of [{}, PHONE]) {
    const { page, bad, context } = await open(browser, `${server.url}/?bars=month&datetime=2024-01-01/2024-01-31`, {
      ...options,
      reducedMotion: 'reduce',
    });
    const moving = () =>
      page.evaluate(() => ({
        running: document.getAnimations().length,
        eased: [...document.querySelectorAll('*')]
          .filter((e) => {
            const s = getComputedStyle(e);
            return s.animationName !== 'none' || s.transitionDuration.split(',').some((d) => Number.parseFloat(d) > 0);
          })
          .map((e) => e.outerHTML.slice(0, 80)),
      }));
    const still = { running: 0, eased: [] };
    assert.deepEqual(await moving(), still);
    await page.locator('[data-download]').click();
    await page.locator('#download-menu').waitFor();
    assert.deepEqual(await moving(), still);
    await page.keyboard.press('Escape');
    await page.locator('#tab-list').click();
    await page.locator('[data-fid]').first().click();
    await page.locator('[data-incident]').waitFor();
    assert.deepEqual(await moving(), still);
    await page.locator('[data-back]').click();
    // The days of each step, and when it came.
    const steps = await page.evaluate(async () => {
      const to = document.querySelector('[data-date=to]');
      const out = [];
      let last = to.value;
      document.querySelector('[data-play]').click();
      const end = performance.now() + 20_000;
      while (out.length < 3 && performance.now() < end) {
        await new Promise((ok) => requestAnimationFrame(ok));
        if (to.value !== last) out.push([to.value, performance.now()]);
        last = to.value;
      }
      document.querySelector('[data-play]').click();
      return out;
    });
    assert.deepEqual(
      steps.map((s) => s[0]),
      ['29 Feb 2024', '31 Mar 2024', '30 Apr 2024'],
    );
    // One a second: never sooner, however slow the machine.
    assert.ok(steps[2][1] - steps[1][1] > 900 || steps[1][1] - steps[0][1] > 900, `${steps}`);
    assert.deepEqual(await moving(), still);
    clean(bad);
    await context.close();
  }
});

test('on a wide screen the comparison stands beside the filters, with a way back to the list', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?datetime=2025-01-01/2025-12-31&compare=2024-01-01/2024-12-31&tab=compare`,
    { viewport: { width: 1720, height: 900 } },
  );
  await page.locator('#compare').waitFor();
  assert.ok(await page.locator('[data-key="type-0"]').isVisible());
  assert.deepEqual(await page.locator('[role=tab]').evaluateAll((els) => els.map((e) => e.id)), [
    'tab-list',
    'tab-compare',
  ]);
  assert.deepEqual(await violations(page), []);
  await page.locator('#tab-compare').focus();
  await page.keyboard.press('ArrowLeft');
  await page.locator('[data-fid]').first().waitFor();
  assert.equal(await page.locator('#compare').count(), 0);
  assert.ok(await page.locator('[data-change-legend]').isVisible(), 'the map goes on comparing');
  assert.equal(await count(page, 'list'), await count(page, 'incidents'));
  await page.locator('#tab-compare').click();
  await page.locator('[data-compare-end]').click();
  await eventually(async () => assert.equal(await page.locator('[role=tab]').count(), 0));
  assert.ok(await page.locator('[data-fid]').first().isVisible());
  clean(bad);
  await context.close();
});

test('every control goes into the link, and the link sets every control', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?lang=en`);
  await page.locator('[data-bars=month]').first().click();
  await page.locator('[data-date=from]').fill('2024-02-01');
  await page.locator('[data-date=from]').press('Enter');
  await page.locator('[data-date=to]').fill('2025-11-30');
  await page.locator('[data-date=to]').press('Enter');
  await page.getByRole('button', { name: 'Cumulative' }).first().click();
  await page.locator('select.spd').selectOption('16');
  await page.locator('.tb0').hover();
  await page.mouse.wheel(0, -200);
  await page.locator('[data-theme-button]').click();
  await page.locator('.lg h2 button').click();
  await page.getByRole('radio', { name: /per 1,000/ }).check();
  await page.locator('[data-keep]').check();
  await page.locator('.lg h2 button').click();
  for (const key of ['type-0', 'type-1', 'unit-']) await page.locator(`[data-key^="${key}"]`).first().check();
  await page.locator('#min').fill('0');
  await page.locator('#min').press('Enter');
  for (const id of ['precision', 'verification', 'dataset', 'subtype']) {
    const fold = page.locator(`[data-facet=${id}] h2 > button[aria-expanded]`);
    if ((await fold.count()) && (await fold.getAttribute('aria-expanded')) === 'false') await fold.click();
    const box = page.locator(`[data-facet=${id}] input[data-key]`).first();
    await box.check();
  }
  await page.locator('#tab-list').click();
  await page.locator('[data-show=table]').first().click();
  await page.locator('[data-rows=incidents]').click();
  await page.locator('[data-sort=best]').click();
  await eventually(async () => {
    for (const name of [
      'datetime',
      'axis',
      'bars',
      'cumulative',
      'speed',
      'map',
      'tab',
      'theme',
      'shade',
      'scale',
      'show',
      'rows',
      'sort',
      'lang',
      'event_type',
      'unit',
      'min_fatalities',
      'precision',
      'verification',
      'dataset',
      'sub_event_type',
    ])
      assert.ok(await param(page, name), `${name} is in ${page.url()}`);
  });
  await settle(page);
  /** controls are what all controls that can be seen say of themselves. */
  const controls = async (p) => {
    const read = () =>
      p.evaluate(() =>
        [
          ...document.querySelectorAll(
            'input, select, [aria-pressed], [aria-selected], [aria-sort], [role=slider], .chip, .lg, h1',
          ),
        ]
          .filter((e) => e.checkVisibility())
          .map((e) =>
            [
              e.dataset.key ?? e.id ?? '',
              e.type === 'checkbox' || e.type === 'radio' ? e.checked : (e.value ?? ''),
              ...['aria-pressed', 'aria-selected', 'aria-sort', 'aria-valuetext'].map((a) => e.getAttribute(a) ?? ''),
              e.matches('.chip, .lg, h1') ? e.textContent.trim() : '',
            ].join('|'),
          ),
      );
    const shown = await read();
    await p.locator('[data-show=map]').first().click();
    await settle(p);
    shown.push(...(await read()));
    await p.locator('#tab-filters').click();
    await settle(p);
    shown.push(
      ...(await read()),
      String(await count(p, 'incidents')),
      await p.evaluate(() => document.documentElement.dataset.theme),
    );
    return shown;
  };
  const link = page.url();
  const here = await controls(page);
  assert.ok(here.length > 100, `${here.length} controls`);
  const second = await open(browser, link);
  assert.deepEqual(await controls(second.page), here);
  // And in a browser whose reader wants other things by nature.
  const third = await open(browser, link, { locale: 'ur-PK', colorScheme: 'light' });
  await ready(third.page);
  assert.deepEqual(await controls(third.page), here);
  clean([...bad, ...second.bad, ...third.bad]);
  for (const c of [context, second.context, third.context]) await c.close();
});
