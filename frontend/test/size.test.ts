import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

it('all JavaScript of the page is at most 130 kB, compressed', () => {
  const dir = new URL('../dist/assets/', import.meta.url);
  const files = readdirSync(dir).filter((f) => f.endsWith('.js'));
  expect(files.length).toBeGreaterThan(1);
  const size = files.reduce((s, f) => s + gzipSync(readFileSync(new URL(f, dir)), { level: 9 }).length, 0);
  expect(size).toBeLessThanOrEqual(130_000);
});
