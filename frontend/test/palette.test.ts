// The two colour tables: contrast, and distance between neighbours also for colour-blind readers.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../src/palette.css', import.meta.url), 'utf8');
function tokens(block: string): Record<string, string> {
  const body = css.slice(css.indexOf(block));
  const out: Record<string, string> = {};
  for (const m of body.slice(0, body.indexOf('}')).matchAll(/--([\w-]+):\s*(#[0-9a-f]{3,6})\b/gi)) {
    const h = m[2]!;
    out[m[1]!] = h.length === 4 ? `#${[...h.slice(1)].map((c) => c + c).join('')}` : h;
  }
  return out;
}
const themes = { light: tokens(':root'), dark: tokens('[data-theme') };

type RGB = [number, number, number];
const linear = (hex: string): RGB =>
  [1, 3, 5].map((i) => {
    const v = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as RGB;
const lum = (h: string) => {
  const [r, g, b] = linear(h);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string) => {
  const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
};
// Machado, Oliveira and Fernandes 2009, severity 1.
const SIGHT: Record<string, number[]> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
function lab(hex: string, sight: string): RGB {
  const m = SIGHT[sight]!;
  const [r, g, b] = linear(hex);
  const c = [0, 3, 6].map((i) => Math.max(0, Math.min(1, m[i]! * r + m[i + 1]! * g + m[i + 2]! * b))) as RGB;
  const xyz = [
    (0.4124564 * c[0] + 0.3575761 * c[1] + 0.1804375 * c[2]) / 0.95047,
    0.2126729 * c[0] + 0.7151522 * c[1] + 0.072175 * c[2],
    (0.0193339 * c[0] + 0.119192 * c[1] + 0.9503041 * c[2]) / 1.08883,
  ].map((v) => (v > 0.008856 ? Math.cbrt(v) : 7.787 * v + 16 / 116)) as RGB;
  return [116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])];
}
/** CIE76 is enough to hold a floor. */
const distance = (a: string, b: string, sight: string) => {
  const p = lab(a, sight);
  const q = lab(b, sight);
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
};

describe.each(Object.entries(themes))('%s', (_, c) => {
  it('text is readable', () => {
    for (const ground of ['paper', 'sunk', 'sel', 'page', 'hover', 'raised'])
      for (const ink of ['ink', 'ink2', 'ink3'])
        expect(contrast(c[ink]!, c[ground]!), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    expect(contrast(c.link!, c.paper!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(c.warn!, c['warn-bg']!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(c.err!, c['err-bg']!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(c.ctl!, c.paper!)).toBeGreaterThanOrEqual(3);
  });
  it('types stand out from paper and from each other', () => {
    const types = [0, 1, 2, 3, 4, 5, 6].map((k) => c[`t${k}`]!);
    for (const t of types) expect(contrast(t, c.paper!), t).toBeGreaterThanOrEqual(3);
    for (const sight of Object.keys(SIGHT))
      for (let i = 0; i < types.length; i++)
        for (let j = i + 1; j < types.length; j++)
          expect(distance(types[i]!, types[j]!, sight), `${sight} ${i} ${j}`).toBeGreaterThanOrEqual(15);
  });
  it('classes are even steps, away from the ground', () => {
    const steps = ['z0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'].map((k) => c[k]!);
    for (const sight of Object.keys(SIGHT))
      for (let i = 2; i < steps.length; i++)
        expect(distance(steps[i - 1]!, steps[i]!, sight), `${sight} ${i}`).toBeGreaterThanOrEqual(8);
    const l = steps.map(lum);
    const sorted = [...l].sort((a, b) => a - b);
    expect(l[0]! < l[6]! ? l : [...l].reverse()).toEqual(sorted);
  });
  it('a change goes two ways from none, in steps that are told apart', () => {
    const steps = ['m3', 'm2', 'm1', 'z0', 'p1', 'p2', 'p3'].map((k) => c[k]!);
    for (const sight of Object.keys(SIGHT))
      for (let i = 1; i < steps.length; i++)
        expect(distance(steps[i - 1]!, steps[i]!, sight), `${sight} ${i}`).toBeGreaterThanOrEqual(8);
    // The outer ones of the two sides must never be taken for each other.
    for (const sight of Object.keys(SIGHT))
      for (const k of [2, 3])
        expect(distance(c[`m${k}`]!, c[`p${k}`]!, sight), `${sight} ${k}`).toBeGreaterThanOrEqual(15);
  });
});
