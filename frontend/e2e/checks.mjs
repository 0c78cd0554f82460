// What several of the browser tests hold the page to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** HOSTILE is text that would run if any field were taken as markup. */
export const HOSTILE = '<img src=x onerror="window.__pwned=1">';
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** clean: nothing that open() keeps account of has happened; allowed are errors that a test brings about. */
export const clean = (bad, allowed = null) =>
  assert.deepEqual(
    bad.filter((b) => !allowed?.test(b)),
    [],
  );

/** getJson asks the server and takes nothing but 200. */
export async function getJson(url) {
  const r = await fetch(url);
  assert.equal(r.status, 200, `${url}: ${r.status}`);
  return r.json();
}

/** eventually repeats what it checks until it holds, and fails with what it said last. */
export async function eventually(check) {
  for (const end = Date.now() + 15_000; ; await new Promise((ok) => setTimeout(ok, 100))) {
    try {
      return await check();
    } catch (e) {
      if (Date.now() > end) throw e;
    }
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** violations are what axe-core finds in the page, or within a selector, at whatever impact. */
export async function violations(page, within = null) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  return page.evaluate(async (sel) => {
    const root = sel ? document.querySelector(sel) : document;
    return (await window.axe.run(root, { resultTypes: ['violations'] })).violations.map(
      (v) =>
        `${v.impact} ${v.id}: ${v.nodes
          .map((n) => n.html.slice(0, 120))
          .slice(0, 3)
          .join(' | ')}`,
    );
  }, within);
}
