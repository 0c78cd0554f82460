// What all layers of the map share: the map itself and its panes, the room that is taken, and which unit lies where.

import * as L from 'leaflet';
import { t } from '../lib/strings.en';
import { ARABIC } from '../lib/text';
import type { App } from '../state/app';
import { flat, inside } from './boundaries';

/** Below this zoom the map is an overview: rings for each unit, no symbols. */
export const OVERVIEW = 6.6;
/** From this zoom on each incident stands for itself. */
export const CLOSE = 9;
/** how far from its anchor a badge may stand */
export const RADII = [14, 22, 32, 44, 58];

/** Box is left, top, right, bottom in px of the map. */
export type Box = [number, number, number, number];
export type Offset = [number, number];

export class Stage {
  readonly map: L.Map;

  constructor(
    readonly app: App,
    readonly host: HTMLElement,
    /** px of a picture for each px of this map, which stands still for it; 0 for the map of the page */
    readonly still = 0,
  ) {
    const el = document.createElement('div');
    el.id = 'map';
    el.setAttribute('role', 'application');
    el.setAttribute('aria-label', t.mapLabel);
    host.append(el);
    this.map = L.map(el, {
      zoomSnap: 0.25,
      zoomControl: false,
      attributionControl: false,
      fadeAnimation: false,
      zoomAnimation: false,
      inertia: false,
      minZoom: 5,
      maxZoom: 13,
      wheelPxPerZoomLevel: 90,
      maxBoundsViscosity: 1,
    });
    const panes: [string, number][] = [
      ['land', 200],
      ['units', 300],
      ['provinces', 320],
      ['border', 340],
      ['uncertainty', 360],
      ['labels', 400],
      ['symbols', 500],
      ['selected', 510],
      ['badges', 520],
      ['found', 530],
    ];
    for (const [name, z] of panes) {
      const p = this.map.createPane(name);
      p.style.zIndex = String(z);
      if (name !== 'units' && name !== 'badges') p.style.pointerEvents = 'none';
    }
  }

  /** fresh forgets what was found of the units: other units have come. */
  fresh(): void {
    this.bounds = [];
    this.insideCache.clear();
  }

  get phone(): boolean {
    return this.small.matches && !this.still && !this.app.state.embed;
  }
  small = matchMedia('(max-width: 719px)');
  narrow = matchMedia('(max-width: 1023px)');
  low = matchMedia('(max-height: 560px)');
  /** hardly any room: what lies over the map is folded */
  flat = matchMedia('(max-height: 450px), (max-width: 350px)');
  /** covered is how many px of the map's lower part lie under the sheet. */
  get covered(): number {
    if (!this.phone) return 0;
    const sheet = document.getElementById('panel')!.getBoundingClientRect();
    return Math.max(0, this.host.getBoundingClientRect().bottom - sheet.top + 46);
  }

  pathStyle(className: string, weight: number, more: L.PathOptions = {}): L.PathOptions {
    return { className, weight, opacity: 1, fillOpacity: 1, ...more };
  }
  private renderers = new Map<string, L.Renderer>();
  renderer(pane: string): L.Renderer {
    let r = this.renderers.get(pane);
    if (!r) {
      r = L.svg({ pane, padding: 0.3 });
      this.renderers.set(pane, r);
    }
    return r;
  }
  // ---- what stands where: nothing that is placed later may cover it

  boxes: Box[] = [];
  hits(b: Box): boolean {
    for (const o of this.boxes) if (b[0] < o[2] && b[2] > o[0] && b[1] < o[3] && b[3] > o[1]) return true;
    return false;
  }
  overlap(b: Box): number {
    let area = 0;
    for (const o of this.boxes) {
      const w = Math.min(b[2], o[2]) - Math.max(b[0], o[0]);
      const h = Math.min(b[3], o[3]) - Math.max(b[1], o[1]);
      if (w > 0 && h > 0) area += w * h;
    }
    return area;
  }
  fits(x: number, y: number, w: number, h: number, pad = 2): boolean {
    const b: Box = [x - w / 2 - pad, y - h / 2 - pad, x + w / 2 + pad, y + h / 2 + pad];
    const s = this.map.getSize();
    if (b[2] < 0 || b[0] > s.x || b[3] < 0 || b[1] > s.y || this.hits(b)) return false;
    this.boxes.push(b);
    return true;
  }
  private measure = document.createElement('canvas').getContext('2d')!;
  width(text: string, font: string, spacing = 0): number {
    // Arabic letters are drawn larger, without spacing, and in a font of their own.
    const ar = ARABIC.test(text);
    const size = ar ? font.replace(/[\d.]+(?=px)/, (px) => String(+px * 1.25)) : font;
    this.measure.font = `${size} ${ar ? 'Sarhad Arabic, "Noto Naskh Arabic", "Geeza Pro", "Segoe UI", Tahoma' : 'system-ui'}, sans-serif`;
    return this.measure.measureText(text).width + (ar ? 0 : text.length * spacing);
  }

  // ---- what lies where

  private bounds: { id: string; rings: Float64Array[]; box: Box }[] = [];
  /** unitBoxes are the units, their rings and their boxes: west, south, east, north. */
  private unitBoxes() {
    if (!this.bounds.length)
      for (const f of this.app.units?.features ?? []) {
        const rings = flat(f.geometry);
        const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
        for (const r of rings)
          for (let i = 0; i < r.length; i += 2)
            for (const k of [0, 1] as const) {
              if (r[i + k]! < box[k]) box[k] = r[i + k]!;
              if (r[i + k]! > box[k + 2]!) box[k + 2] = r[i + k]!;
            }
        this.bounds.push({ id: f.properties.id, rings, box });
      }
    return this.bounds;
  }
  /** boundsOf are the bounds around units; null where there is none of them. */
  boundsOf(of: (id: string) => boolean): L.LatLngBounds | null {
    const all = L.latLngBounds([]);
    for (const { id, box } of this.unitBoxes())
      if (of(id)) all.extend(L.latLngBounds([box[1], box[0]], [box[3], box[2]]));
    return all.isValid() ? all : null;
  }
  /** unitAt is the unit that a place of the map lies in. */
  unitAt(lon: number, lat: number): string | null {
    for (const { id, rings, box } of this.unitBoxes())
      if (lon >= box[0] && lon <= box[2] && lat >= box[1] && lat <= box[3] && inside(rings, lon, lat)) return id;
    return null;
  }

  /** within: a box around a point of the map lies wholly in the units that count as home. Corners, middle, edges. */
  within(x: number, y: number, w: number, h: number, home: (id: string | null) => boolean): boolean {
    const n = Math.max(1, Math.ceil(w / 14));
    const test = (px: number, py: number) => {
      const ll = this.map.containerPointToLatLng([px, py]);
      return home(this.unitAt(ll.lng, ll.lat));
    };
    if (!test(x, y)) return false;
    for (const e of [-h / 2, h / 2])
      for (const k of [0, n, ...Array.from({ length: n - 1 }, (_, i) => i + 1)])
        if (!test(x - w / 2 + (w * k) / n, y + e)) return false;
    return test(x - w / 2, y) && test(x + w / 2, y);
  }

  insideCache = new Map<string, Offset[]>();
  /** insideOffsets are the places of the rules (the anchor, then twelve directions) where a badge lies wholly at home. */
  insideOffsets(
    key: string,
    lat: number,
    lon: number,
    width: number,
    first: Offset[],
    reach: number[],
    home: (id: string | null) => boolean,
  ): Offset[] {
    const cached = `${key}|${Math.ceil(width)}|${first}`;
    const had = this.insideCache.get(cached);
    if (had) return had;
    const p = this.map.latLngToContainerPoint([lat, lon]);
    const tries = [...first];
    for (const r of reach)
      for (let k = 0; k < 12; k++)
        tries.push([Math.round(r * Math.cos((k * Math.PI) / 6)), Math.round(r * Math.sin((k * Math.PI) / 6))]);
    const size = this.map.getSize();
    const out =
      p.x < -200 || p.y < -200 || p.x > size.x + 200 || p.y > size.y + 200
        ? []
        : tries.filter(([dx, dy]) => this.within(p.x + dx, p.y + dy, width, 18, home));
    this.insideCache.set(cached, out);
    return out;
  }
  /**
   * free is the nearest place around a point of the map, at most reach px away, where a box covers nothing, as an offset
   * from the point, and takes it: first wholly at home, else with its middle there, else anywhere; null when all is taken.
   */
  free(
    lat: number,
    lon: number,
    w: number,
    h: number,
    home: (id: string | null) => boolean,
  ): { at: Offset; out: boolean } | null {
    const p = this.map.latLngToContainerPoint([lat, lon]);
    const middle = (x: number, y: number) => {
      const ll = this.map.containerPointToLatLng([x, y]);
      return home(this.unitAt(ll.lng, ll.lat));
    };
    const ways: [reach: number, ok: (x: number, y: number) => boolean][] = [
      [180, (x, y) => middle(x, y) && this.within(x, y, w, h, home)],
      [120, middle],
      [90, () => true],
    ];
    for (const [k, [reach, ok]] of ways.entries())
      for (let r = 6; r <= reach; r += 6) {
        const n = Math.ceil(r * 0.8);
        for (let i = 0; i < n; i++) {
          const dx = Math.round(r * Math.cos((2 * Math.PI * i) / n));
          const dy = Math.round(r * Math.sin((2 * Math.PI * i) / n));
          const b: Box = [p.x + dx - w / 2, p.y + dy - h / 2, p.x + dx + w / 2, p.y + dy + h / 2];
          if (this.hits(b) || !ok(p.x + dx, p.y + dy) || !this.fits(p.x + dx, p.y + dy, w, h, 0)) continue;
          return { at: [dx, dy], out: k === 2 };
        }
      }
    return null;
  }

  /** isCountry: the unit belongs to a country. */
  isCountry(id: string | null, country: string): boolean {
    return !!id && this.app.unitById.get(id)?.country === country;
  }
  unitBounds(id: string | null): L.LatLngBounds | null {
    return this.boundsOf((x) => x === id);
  }
}
