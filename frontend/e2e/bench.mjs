// How fast the page is with very many incidents: the real binary, made-up incidents, a real browser. Prints figures.
//   node e2e/bench.mjs [rows …]        250000 and 1000000 unless given; STORE=file.gpkg takes that store instead
// A step is the time from when the page is told of a move of the pointer to after the next frame. A browser tells it at
// the beginning of a frame; "from the hand" counts the wait for that, too. p5 of the frames is that of the 95th percentile
// of their distances. The clock of a busy machine is no judge: "work" is what the page's thread computes for a step. Counts are how often
// the number of incidents was written anew: on a slow machine they follow the brush in some frames.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { browse, serve } from './server.mjs';

const VIEWPORT = { width: 1366, height: 768 };
const MOVES = 90;
const quantile = (list, q) => {
  const s = [...list].sort((a, b) => a - b);
  return s.length ? s[Math.min(s.length - 1, Math.ceil(q * s.length) - 1)] : Number.NaN;
};
const ms = (v) => v.toFixed(v < 10 ? 1 : 0);

/** loaded waits until the server gives all rows. */
async function loaded(url, rows) {
  for (;;) {
    const { datasets } = await (await fetch(`${url}/datasets`)).json();
    if (datasets.reduce((n, d) => n + d.count, 0) >= rows) break;
    await new Promise((ok) => setTimeout(ok, 500));
  }
  // The first answer is made, the next are kept: both are worth knowing.
  const t0 = performance.now();
  const bytes = (await (await fetch(`${url}/collections/incidents/columns`)).arrayBuffer()).byteLength;
  return { bytes, made: performance.now() - t0 };
}

async function open(browser, url, slow = 1) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await page.addInitScript(() => {
    window.bench = { frames: [], steps: [], hand: [], long: [], counted: 0 };
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) window.bench.long.push([e.startTime, e.duration]);
    }).observe({ type: 'longtask', buffered: true });
    const after = new MessageChannel();
    let began = 0;
    let moved = 0;
    after.port1.onmessage = () => {
      if (began) {
        window.bench.steps.push(performance.now() - began);
        window.bench.hand.push(performance.now() - moved);
      }
      began = 0;
    };
    addEventListener(
      'pointermove',
      (e) => {
        if (!e.buttons || began) return;
        began = performance.now();
        moved = e.timeStamp;
      },
      true,
    );
    const frame = (t) => {
      window.bench.frames.push(t);
      if (began) after.port2.postMessage(0);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  if (slow > 1) await cdp.send('Emulation.setCPUThrottlingRate', { rate: slow });
  await page.goto(url);
  await page.waitForFunction(() => performance.getEntriesByName('sarhad:all').length > 0, null, { timeout: 120000 });
  return { context, page, cdp };
}

const mark = (page, name) => page.evaluate((n) => performance.getEntriesByName(n)[0].startTime, name);

/** first gives the first frame with data and that with all of it, best and median of five. */
async function first(browser, url) {
  const data = [];
  const all = [];
  for (let k = 0; k < 5; k++) {
    const { context, page } = await open(browser, url);
    data.push(await mark(page, 'sarhad:data'));
    all.push(await mark(page, 'sarhad:all'));
    await context.close();
  }
  const of = (l) => `${ms(quantile(l, 0.5))} (best ${ms(Math.min(...l))})`;
  console.log(`  first frame with data ${of(data)} ms, with all incidents ${of(all)} ms`);
}

/** drag pulls a handle across the whole strip and back. */
async function drag(page, cdp, handle, from, to) {
  await page.waitForTimeout(800);
  const h = await page.locator(`[data-handle=${handle}]:not([data-other])`).boundingBox();
  const strip = await page.locator('.tb0').boundingBox();
  const y = strip.y + 95;
  const x0 = h.x + h.width / 2;
  const at = (share) => strip.x + 20 + share * (strip.width - 40);
  await page.mouse.move(x0, y);
  await page.mouse.down();
  await page.mouse.move(at(from), y);
  await page.waitForTimeout(300);
  const began = await page.evaluate(() => {
    window.bench.frames = [];
    window.bench.steps = [];
    window.bench.hand = [];
    window.bench.counted = 0;
    const count = document.querySelector('[data-count=incidents]');
    new MutationObserver(() => {
      window.bench.counted++;
    }).observe(count, { characterData: true, childList: true, subtree: true });
    return performance.now();
  });
  const thread = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map((m) => [m.name, 1000 * m.value]));
  };
  await cdp.send('Performance.enable');
  const t0 = await thread();
  for (let k = 1; k <= MOVES; k++) {
    const next = performance.now() + 25;
    await page.mouse.move(at(from + ((to - from) * k) / MOVES), y);
    await new Promise((ok) => setTimeout(ok, Math.max(0, next - performance.now())));
  }
  const t1 = await thread();
  const out = await page.evaluate((t0) => {
    const { frames, steps, hand, long, counted } = window.bench;
    const gaps = frames.slice(1).map((t, i) => t - frames[i]);
    return { gaps, steps, hand, counted, long: long.filter(([t]) => t >= t0).map(([, d]) => d) };
  }, began);
  out.work = (t1.ThreadTime - t0.ThreadTime) / MOVES;
  out.script = (t1.ScriptDuration - t0.ScriptDuration) / MOVES;
  await page.mouse.up();
  return out;
}

function print(name, r) {
  const longest = Math.max(0, ...r.long);
  const total = r.gaps.reduce((a, b) => a + b, 0);
  console.log(
    `  ${name.padEnd(46)} step p50 ${ms(quantile(r.steps, 0.5))} p95 ${ms(quantile(r.steps, 0.95))} ms (from the hand ${ms(quantile(r.hand, 0.5))}, ${ms(quantile(r.hand, 0.95))}; work ${ms(r.work)}, script ${ms(r.script)}) · frames p5 ${ms(1000 / quantile(r.gaps, 0.95))} mean ${ms((1000 * r.gaps.length) / total)}/s, counts ${ms((1000 * r.counted) / total)}/s · longest task ${longest ? `${ms(longest)} ms` : 'under 50 ms'}`,
  );
}

async function heap(cdp, columns) {
  await cdp.send('HeapProfiler.collectGarbage');
  const u = await cdp.send('Runtime.getHeapUsage');
  const buffers = u.backingStorageSize ?? 0;
  const mb = (v) => (v / 1e6).toFixed(1);
  console.log(
    `  heap ${mb(u.usedSize + (u.embedderHeapUsedSize ?? 0))} MB and ${mb(buffers)} MB of arrays, ${mb(u.usedSize + (u.embedderHeapUsedSize ?? 0) + buffers - columns)} MB beside the columns`,
  );
}

function scripts() {
  const dir = join(dirname(fileURLToPath(import.meta.url)), '../dist/assets');
  if (!existsSync(dir)) return;
  const js = readdirSync(dir).filter((f) => f.endsWith('.js'));
  const size = (f) => gzipSync(readFileSync(join(dir, f)), { level: 9 }).length;
  console.log(`JavaScript: ${js.reduce((n, f) => n + size(f), 0)} bytes compressed in ${js.length} files`);
}

scripts();
const counts = process.argv.slice(2).map(Number);
for (const rows of counts.length ? counts : [250_000, 1_000_000]) {
  const server = process.env.STORE
    ? await serve('--store', process.env.STORE)
    : await serve('--no-demo', '--synthetic', String(rows));
  const browser = await browse();
  try {
    const { bytes, made } = await loaded(server.url, rows);
    console.log(
      `${rows} incidents: ${(bytes / rows).toFixed(2)} bytes each on the way; the first answer took ${ms(made)} ms`,
    );
    await first(browser, `${server.url}/`);
    const year = '?datetime=2010-01-01/2010-12-31';
    const open1 = '?datetime=2000-01-01/2010-12-31';
    for (const slow of [1, 4]) {
      const note = slow > 1 ? ', page 4x slower' : '';
      for (const [name, query, handle, from, to] of [
        ['a year, moved over everything', year, 'window', 0.05, 0.95],
        ['everything up to the handle', open1, 'end', 0.02, 0.99],
        ['the same, list', `${open1}&tab=list`, 'end', 0.02, 0.99],
        ['the same, clusters', `${open1}&map=32.500,69.500,6.75`, 'end', 0.02, 0.99],
      ]) {
        const { context, page, cdp } = await open(browser, `${server.url}/${query}`, slow);
        print(name + note, await drag(page, cdp, handle, from, to));
        if (slow === 1 && handle === 'end' && !query.includes('map=') && !query.includes('tab='))
          await heap(cdp, bytes);
        await context.close();
      }
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}
