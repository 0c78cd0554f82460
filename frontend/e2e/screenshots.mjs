// Writes the pictures of the README: the real binary with the demo, or with a file given as the first argument.
//   node e2e/screenshots.mjs [FILE.csv …]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browse, open, sarhad, serve, settle } from './server.mjs';

const out = join(dirname(fileURLToPath(import.meta.url)), '../../docs/img');
mkdirSync(out, { recursive: true });
const files = process.argv.slice(2);
const server = await serve();
if (files.length) await sarhad('import', '--store', server.store, '--quiet', ...files);
const browser = await browse();
const demo = await (await fetch(`${server.url}/collections/incidents/items?limit=1000&dataset=demo`)).json();
const disputed = demo.features.find((f) => new Set((f.properties.claims ?? []).map((c) => c.claimant)).size > 1);

const range = files.length ? 'datetime=2009-01-01/2010-12-31' : 'datetime=2025-10-01/2025-11-30';
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
for (const [name, query, options, typed] of [
  ['desktop', range, {}],
  ['list', `${range}&tab=list&map=33.4,70.6,7.25`, {}],
  ['detail', `datetime=2025-10-01/2025-11-30&incident=${disputed?.id ?? 1}&map=33.2,69.8,6.75`, {}],
  ['dark', `${range}&theme=dark&map=33.2,70.3,8`, {}],
  ['search', `${range}&map=34.2,71.2,7.75`, {}, 'طورخم'],
  ['phone', `${range}&tab=list`, phone],
  ['phone-detail', `datetime=2025-10-01/2025-11-30&incident=${disputed?.id ?? 1}`, phone],
]) {
  const { page, context, bad } = await open(browser, `${server.url}/?${query}`, options);
  await page.waitForFunction(() => !document.querySelector('.row .s.wait'), null, { timeout: 5000 });
  if (typed) {
    await page.locator('#search').fill(typed);
    await page.locator('#found [role=option]').first().waitFor();
  }
  await settle(page);
  await page.screenshot({ path: join(out, `${name}.png`) });
  if (bad.length) console.error(name, bad);
  await context.close();
  console.log(join(out, `${name}.png`));
}
await browser.close();
await server.stop();
