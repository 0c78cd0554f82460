// Signs and icons. Shapes have equal area (that of a circle of radius r), so that size can say how many were killed.
import { html, type TemplateResult } from 'lit';
import { unsafeSVG } from 'lit/directives/unsafe-svg.js';

export type Pt = [number, number];

/** polygonOf gives the corners of a type's shape around 0,0; null for the circle and the ring. */
export function polygonOf(type: number, r: number): Pt[] | null {
  const q = Math.sqrt(Math.PI) * r;
  switch (type) {
    case 1: {
      const s = q * 1.52;
      const h = s * 0.866;
      return [
        [0, -h * 0.62],
        [s / 2, h * 0.38],
        [-s / 2, h * 0.38],
      ];
    }
    case 2: {
      const a = q * Math.SQRT1_2;
      return [
        [0, -a],
        [a, 0],
        [0, a],
        [-a, 0],
      ];
    }
    case 3: {
      const a = q / 2;
      return [
        [-a, -a],
        [a, -a],
        [a, a],
        [-a, a],
      ];
    }
    case 4: {
      const a = q * 0.62;
      const b = a * 0.42;
      return [
        [-b, -a],
        [b, -a],
        [b, -b],
        [a, -b],
        [a, b],
        [b, b],
        [b, a],
        [-b, a],
        [-b, b],
        [-a, b],
        [-a, -b],
        [-b, -b],
      ];
    }
    case 6: {
      const a = q * 0.6;
      const b = a * 0.5;
      return [
        [-a, -b],
        [a, -b],
        [a, b],
        [-a, b],
      ];
    }
    default:
      return null;
  }
}

/** shapePath is the same as SVG path data. */
export function shapePath(type: number, r: number): string {
  const p = polygonOf(type, r);
  if (!p) return `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;
  return `M${p.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join('L')}Z`;
}

/** symbolRadius: area says how many were killed; none and not reported have the smallest size. */
export const symbolRadius = (killed: number | null): number =>
  killed === null || killed === 0 ? 3.4 : Math.min(26, 2.6 + 1.5 * Math.sqrt(killed));

/** clusterRadius of n incidents. */
export const clusterRadius = (n: number): number => Math.min(17, 6.6 + 1.35 * Math.log2(n));

/** glyph is the sign of a type, as in filters and rows. */
export function glyph(type: number, how: 'filled' | 'hollow' | 'broken' = 'filled', r = 5, px = 14): TemplateResult {
  const open = type === 5 || how !== 'filled';
  return html`<svg class="g" width=${px} height=${px} viewBox="${-px / 2} ${-px / 2} ${px} ${px}" aria-hidden="true"><path
    d=${shapePath(type, type === 5 ? r - 0.8 : r)} fill=${open ? 'var(--paper)' : `var(--t${type})`}
    stroke=${open ? `var(--t${type})` : 'none'} stroke-width=${how === 'filled' ? 2 : 1.5}
    stroke-dasharray=${how === 'broken' ? '2 2' : 'none'} /></svg>`;
}

const ICONS: Record<string, string> = {
  search: '<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5L14 14"/>',
  chev: '<path d="M4 6l4 4 4-4"/>',
  chu: '<path d="M4 10l4-4 4 4"/>',
  chr: '<path d="M6 4l4 4-4 4"/>',
  chl: '<path d="M10 4L6 8l4 4"/>',
  x: '<path d="M4 4l8 8M12 4l-8 8"/>',
  plus: '<path d="M8 3v10M3 8h10"/>',
  minus: '<path d="M3 8h10"/>',
  down: '<path d="M8 2.5v8M4.5 7.5L8 11l3.5-3.500M3 13.500h10"/>',
  up: '<path d="M8 11V3M4.5 6L8 2.500l3.500 3.500M3 13.500h10"/>',
  link: '<path d="M6.5 9.500l3-3M7 4.500l1.200-1.200a3 3 0 0 1 4.300 4.300L11.300 8.800M9 11.500l-1.200 1.200a3 3 0 0 1-4.300-4.300l1.200-1.200"/>',
  theme: '<circle cx="8" cy="8" r="5.200"/><path d="M8 2.800v10.400a5.200 5.200 0 0 0 0-10.400z" fill="currentColor"/>',
  globe:
    '<circle cx="8" cy="8" r="5.500"/><path d="M2.500 8h11M8 2.500c-3.500 3.200-3.500 7.800 0 11M8 2.500c3.500 3.200 3.500 7.800 0 11"/>',
  check: '<path d="M3.500 8.500l3 3 6-7"/>',
  home: '<path d="M3 3h3M3 3v3M13 3h-3M13 3v3M3 13h3M3 13v-3M13 13h-3M13 13v-3"/>',
  layers: '<path d="M8 2.500L14 6 8 9.500 2 6zM2.600 9.200L8 12.500l5.400-3.300"/>',
  fold: '<path d="M3 5l5 5 5-5"/>',
  unfold: '<path d="M3 11l5-5 5 5"/>',
  p0: '<circle cx="8" cy="8" r="2.500" fill="currentColor"/>',
  p1: '<circle cx="8" cy="8" r="1.500" fill="currentColor"/><circle cx="8" cy="8" r="6" stroke-dasharray="2.500 2"/>',
  p2: '<path d="M3 4l5-2 5 3-1 6-5 3-4-4z" stroke-dasharray="2.500 2"/>',
  p3: '<path d="M1.500 4l6.500-3 6.500 4-1 8-6.500 2-5-4z"/>',
  p4: '<path d="M2 13L6 9l2 1 6-7" stroke-dasharray="5 2 1 2"/>',
  p5: '<path d="M4 8h8"/>',
  p6: '<path d="M4.500 8h.5M7.800 8h.5M11 8h.5"/>',
  back: '<path d="M10.500 4L6 8l4.500 4M4 4v8"/>',
  fwd: '<path d="M5.500 4L10 8l-4.500 4M12 4v8"/>',
};
/** MIRRORED point back or onwards in the text, so they turn with its direction. */
const MIRRORED = ['chl', 'chr'];
// Only constants of this file go through unsafeSVG, never text from data.
export const icon = (name: keyof typeof ICONS | string): TemplateResult =>
  html`<svg class=${MIRRORED.includes(name) ? 'i mir' : 'i'} viewBox="0 0 16 16" aria-hidden="true">${unsafeSVG(ICONS[name] ?? '')}</svg>`;
export const PLAY = html`<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2.500 1v10l8-5z"/></svg>`;
export const PAUSE = html`<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2 1h3v10H2zM7 1h3v10H7z"/></svg>`;
