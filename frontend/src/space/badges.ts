// Badges: incidents whose place is known only by unit, province, country or border. A badge is never dropped.

import type L from 'leaflet';
import type { UnitProps } from '../api/client';
import { localName, placeName } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { esc, fmt } from '../lib/text';
import { Spot } from '../lib/vocab';
import type { App } from '../state/app';
import type { Only } from '../state/permalink';
import type { BorderLayer } from './border';
import { COUNTRIES, PROVINCES } from './names';
import { type Box, type Offset, OVERVIEW, RADII, type Stage } from './stage';

export interface Badge {
  key: string;
  n: number;
  words: string;
  solid: boolean;
  lat: number;
  lon: number;
  /** the units in which it must lie; null for the mark on the border, which stands beside the line */
  home: ((id: string | null) => boolean) | null;
  /** offsets in px from the anchor that are tried before all others, and how far it may go from there */
  first: Offset[];
  reach: number[];
  only: Only;
  /** what a screen reader and the tip say instead of the words */
  say?: string;
  /** the unit along which it stands beside the line */
  along?: string;
  el: HTMLButtonElement | null;
  at: [number, number] | null;
  /** there was no room in its unit: a line leads there from the badge */
  out: boolean;
}

/** middle is the middle between the labels of units, lat and lon; null without any. */
const middle = (us: UnitProps[]): [number, number] | null =>
  us.length
    ? [us.reduce((s, u) => s + u.label_lat, 0) / us.length, us.reduce((s, u) => s + u.label_lon, 0) / us.length]
    : null;

type Wanted = Omit<Badge, 'el' | 'at' | 'out'>;

export class Badges {
  all = new Map<string, Badge>();
  /** where the names of provinces were put, as offsets in px from their places */
  nameAt = new Map<string, Offset>();
  private app: App;
  private map: L.Map;

  constructor(
    private stage: Stage,
    private border: BorderLayer,
  ) {
    this.app = stage.app;
    this.map = stage.map;
  }

  /** forget takes all away, to be written anew. */
  forget(): void {
    for (const b of this.all.values()) b.el!.remove();
    this.all.clear();
  }

  /** near is the badge that a finger meant, within 44 px; a symbol is asked first. */
  near(x: number, y: number): HTMLButtonElement | null {
    let best: HTMLButtonElement | null = null;
    let least = Infinity;
    for (const { el } of this.all.values()) {
      const r = el!.getBoundingClientRect();
      const dx = Math.abs(x - (r.left + r.right) / 2) - r.width / 2;
      const dy = Math.abs(y - (r.top + r.bottom) / 2) - r.height / 2;
      const far = Math.max(dx, 0) + Math.max(dy, 0);
      if (dx > Math.max(0, 22 - r.width / 2) || dy > 22 - r.height / 2 || far >= least) continue;
      least = far;
      best = el;
    }
    return best;
  }

  /** wanted lists what is known only by unit, province, country or border in the window. */
  private wanted(): Wanted[] {
    const app = this.app;
    const h = app.header!;
    const tl = app.tally;
    const z = this.map.getZoom();
    const out: Wanted[] = [];
    h.areas.forEach((a, i) => {
      const inCountry = tl.spotArea[(Spot.COUNTRY << 8) | i]!;
      if (inCountry) {
        const c = COUNTRIES.find((x) => x.code === a.country);
        if (c) {
          const key = `country:${a.country}`;
          const same = out.find((b) => b.key === key);
          if (same) same.n += inCountry;
          else
            out.push({
              key,
              n: inCountry,
              words: t.somewhereIn(t.countries[c.code] ?? c.name),
              solid: false,
              lat: c.at[0],
              lon: c.at[1],
              home: (id) => this.stage.isCountry(id, a.country),
              first: [[0, 18]],
              reach: RADII,
              only: { kind: 'country', country: a.country },
            });
        }
      }
      const inProvince = tl.spotArea[(Spot.PROVINCE << 8) | i]!;
      if (inProvince && a.province) {
        const at = this.provinceAnchor(a.province);
        const [dx, dy] = this.nameAt.get(a.province) ?? [0, 0];
        if (at)
          out.push({
            key: `province:${a.country}:${a.province}`,
            n: inProvince,
            words: t.somewhereIn(placeName(a.province)),
            solid: false,
            lat: at[0],
            lon: at[1],
            home: (id) => {
              const u = id && app.unitById.get(id);
              return !!u && u.province === a.province && u.country === a.country;
            },
            // Below the province's name, wherever that was put.
            first: [
              [dx, dy + 18],
              [dx, dy - 18],
              [0, 0],
              [0, 18],
            ],
            reach: [...RADII, 80, 110],
            only: { kind: 'province', country: a.country, province: a.province },
          });
      }
    });
    const line = (key: string, n: number, words: string, [lat, lon]: Offset, only: Only, more: Partial<Wanted> = {}) =>
      out.push({ key, n, words, solid: true, lat, lon, home: null, first: [], reach: [], only, ...more });
    let border = tl.spots(Spot.BORDER);
    const marked: string[] = [];
    if (border && z >= OVERVIEW)
      h.units.forEach((id, i) => {
        const n = tl.border[i]!;
        const at = n ? this.border.middle(id) : null;
        if (!at) return;
        border -= n;
        marked.push(id);
        line(
          `border:${id}`,
          n,
          t.thisStretch,
          at,
          { kind: 'border', unit: id },
          { say: t.borderAt(app.unitName(id)), along: id },
        );
      });
    this.border.mark(marked);
    if (border) {
      const at = this.border.middle();
      if (at)
        line('border', border, t.alongBorder, at, marked.length ? { kind: 'border', but: marked } : { kind: 'border' });
    }
    const known = (
      unit: string,
      n: number,
      name: string,
      [lat, lon]: Offset,
      home: (id: string | null) => boolean,
      reach: number[],
    ) =>
      out.push({
        ...{ key: `unit:${unit}`, n, words: t.somewhereIn(name), solid: false, lat, lon, home, reach },
        first: [[0, 0]],
        only: { kind: 'unit', unit },
      });
    h.units.forEach((id, i) => {
      const n = tl.coarse[i]!;
      const former = n ? app.former(id) : undefined;
      if (!former) return;
      // Never shaded into the units of today and never a symbol: a badge of its own, between them.
      const parts = former.units ?? [];
      const at = this.formerAnchor(parts);
      if (!at) return;
      known(id, n, app.unitName(id), at, (u) => !!u && parts.includes(u), [...RADII, 80]);
    });
    if (z >= OVERVIEW)
      h.units.forEach((id, i) => {
        const n = tl.coarse[i]!;
        const u = app.unitById.get(id);
        if (!n || !u) return;
        known(id, n, localName(u), [u.label_lat, u.label_lon], (at) => at === id, RADII);
      });
    return out;
  }

  /** formerAnchor is the middle between the labels of the units of today that cover a former one. */
  private formerAnchor(units: string[]): [number, number] | null {
    return middle(units.map((id) => this.app.unitById.get(id)).filter((u) => !!u));
  }

  private provinceAnchor(name: string): [number, number] | null {
    return PROVINCES[name] ?? middle([...this.app.unitById.values()].filter((u) => u.province === name));
  }

  draw(fresh: boolean, taken: Box[]): void {
    const z = this.map.getZoom();
    const wanted = this.wanted();
    const size = this.map.getSize();
    const seen = new Set<string>();
    // While the brush moves, badges stand where they stood; a new one takes the first place free of the others.
    if (!fresh) this.stage.boxes = [...taken];
    for (const w of wanted) {
      seen.add(w.key);
      let b = this.all.get(w.key);
      if (!b) {
        const el = document.createElement('button');
        el.type = 'button';
        el.className = 'bdg';
        el.dataset.badge = w.key;
        el.addEventListener('click', (e) => {
          e.stopPropagation();
          this.app.set({ only: this.all.get(w.key)!.only, tab: 'list' });
        });
        b = { ...w, n: -1, el, at: null, out: false };
        this.all.set(w.key, b);
        this.map.getPane('badges')!.append(el);
      }
      b.only = w.only;
      const full = z >= 7.9 || !/^(unit|province|border):/.test(w.key);
      const place = (words: boolean, last: boolean): boolean => {
        const text = words ? `${fmt(w.n)} ${w.words}` : fmt(w.n);
        const bw = this.stage.width(text, '600 11px') + 14;
        const p = this.map.latLngToContainerPoint([w.lat, w.lon]);
        const take = (at: Offset, out = false): true => {
          b!.at = at;
          b!.out = out;
          b!.words = words ? w.words : '';
          return true;
        };
        const places = w.home
          ? this.stage.insideOffsets(w.key, w.lat, w.lon, bw, w.first, w.reach, w.home)
          : this.border.beside([w.lat, w.lon], bw, w.along);
        // Targets keep 24 px from middle to middle where there is room: in the overview.
        const tall = z < OVERVIEW ? 25 : 18;
        for (const at of places) if (!last && this.stage.fits(p.x + at[0], p.y + at[1], bw, tall, 0)) return take(at);
        if (!last) return false;
        const seen = p.x > 0 && p.y > 0 && p.x < size.x && p.y < size.y;
        const free = seen && w.home && this.stage.free(w.lat, w.lon, bw, 18, w.home);
        if (free) return take(free.at, free.out);
        // Nothing is free: a badge is never dropped. Inside it stands where it hides least, else on the label point.
        let best: Offset = places[0] ?? [0, 0];
        let least = Infinity;
        for (const at of places) {
          const hidden = this.stage.overlap([
            p.x + at[0] - bw / 2,
            p.y + at[1] - 9,
            p.x + at[0] + bw / 2,
            p.y + at[1] + 9,
          ]);
          if (hidden < least) {
            least = hidden;
            best = at;
          }
        }
        this.stage.boxes.push([p.x + best[0] - bw / 2, p.y + best[1] - 9, p.x + best[0] + bw / 2, p.y + best[1] + 9]);
        return take(best);
      };
      if (fresh || !b.at) {
        if (!(full && place(true, false)) && !place(false, false)) place(false, true);
      }
      const p = this.map.latLngToLayerPoint([w.lat, w.lon]);
      const el = b.el!;
      const words = b.words ? ` ${b.words}` : '';
      if (el.dataset.words !== words) {
        el.dataset.words = words;
        el.innerHTML = `<span class="num"></span>${words ? `<em>${esc(words)}</em>` : ''}`;
        b.n = -1;
        el.classList.toggle('st', w.solid);
      }
      if (b.n !== w.n) {
        el.firstElementChild!.textContent = fmt(w.n);
        el.setAttribute('aria-label', `${fmt(w.n)} ${w.say ?? w.words}`);
      }
      const at = `translate(${Math.round(p.x + b.at![0])}px,${Math.round(p.y + b.at![1])}px) translate(-50%,-50%)`;
      if (el.dataset.at !== at) {
        el.dataset.at = at;
        el.style.transform = at;
        el.querySelector('svg')?.remove();
        el.classList.toggle('out', b.out);
        if (b.out) {
          // From the badge's edge to its anchor.
          const [dx, dy] = b.at!;
          const edge = Math.min(dx ? el.offsetWidth / 2 / Math.abs(dx) : Infinity, dy ? 9 / Math.abs(dy) : Infinity);
          const d = `M${(-dx * edge).toFixed(1)},${(-dy * edge).toFixed(1)}L${-dx},${-dy}`;
          el.insertAdjacentHTML(
            'beforeend',
            `<svg class="lead" width="1" height="1" aria-hidden="true"><path class="cs" d="${d}"/><path class="ld" d="${d}"/></svg>`,
          );
        }
      }
      b.n = w.n;
    }
    for (const [key, b] of this.all)
      if (!seen.has(key)) {
        b.el!.remove();
        this.all.delete(key);
      }
  }
}
