// Names on the map: greedy, by rank; what is reserved first stands first. They hold still while the brush moves.

import type L from 'leaflet';
import { localName, placeName } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { ARABIC, esc } from '../lib/text';
import type { App } from '../state/app';
import type { Badges } from './badges';
import type { BorderLayer } from './border';
import type { Town } from './land';
import { BORDER_NAME, COUNTRIES, NEIGHBOURS, PROVINCES, SEA } from './names';
import type { Rings } from './rings';
import { type Box, type Offset, OVERVIEW, type Stage } from './stage';
import type { Symbols } from './symbols';

export class Labels {
  towns: Town[] = [];
  /** what badges keep clear of while the brush moves */
  staticBoxes: Box[] = [];
  private app: App;
  private map: L.Map;

  constructor(
    private stage: Stage,
    private symbols: Symbols,
    private border: BorderLayer,
    private rings: Rings,
    private badges: Badges,
  ) {
    this.app = stage.app;
    this.map = stage.map;
  }

  private labels = '';
  private put(cls: string, lat: number, lon: number, text: string, dx = 0, dy = 0): void {
    const p = this.map.latLngToLayerPoint([lat, lon]);
    this.labels += `<span class="lb ${cls}${ARABIC.test(text) ? ' ar' : ''}" style="left:${(p.x + dx).toFixed(1)}px;top:${(p.y + dy).toFixed(1)}px">${esc(text).replace('\n', '<br>')}</span>`;
  }
  private label(
    cls: string,
    lat: number,
    lon: number,
    text: string,
    w: number,
    h: number,
    dx = 0,
    dy = 0,
    pad = 2,
  ): boolean {
    const p = this.map.latLngToContainerPoint([lat, lon]);
    if (!this.whole(p.x + dx, p.y + dy, w, h) || !this.stage.fits(p.x + dx, p.y + dy, w, h, pad)) return false;
    this.put(cls, lat, lon, text, dx, dy);
    return true;
  }

  /** whole: a name would not be cut by the edge of the map. */
  private whole(x: number, y: number, w: number, h: number): boolean {
    const s = this.map.getSize();
    return x - w / 2 >= 0 && x + w / 2 <= s.x && y - h / 2 >= 0 && y + h / 2 <= s.y;
  }

  layout(): void {
    const map = this.map;
    const z = map.getZoom();
    const size = map.getSize();
    this.labels = '';
    this.stage.boxes = [];
    // Furniture.
    const frame = this.stage.host.getBoundingClientRect();
    for (const el of this.stage.host.querySelectorAll('.lg,.mc,.noplace,.att,.plg,.found,.top,.vsw')) {
      const r = el.getBoundingClientRect();
      this.stage.boxes.push([
        r.left - frame.left - 4,
        r.top - frame.top - 4,
        r.right - frame.left + 4,
        r.bottom - frame.top + 4,
      ]);
    }
    if (this.stage.phone) this.stage.boxes.push([0, size.y - this.stage.covered, size.x, size.y]);
    const found = this.app.found?.at;
    if (found) {
      const p = map.latLngToContainerPoint(found);
      this.stage.boxes.push([p.x - 18, p.y - 18, p.x + 18, p.y + 18]);
    }
    this.staticBoxes = [...this.stage.boxes];
    const furniture = this.stage.boxes.length;
    // Symbols first, then names between them: countries, sea, border, the three units in the margin.
    for (const m of this.symbols.items) {
      // Round things: the corners of the box around them are free.
      const h = m.r * (m.n === 0 ? 0.96 : 0.9);
      this.stage.boxes.push([m.x - h, m.y - h, m.x + h, m.y + h]);
    }
    const symbols = this.stage.boxes.length;
    for (const c of COUNTRIES) {
      const name = t.countries[c.code] ?? c.name;
      const w = this.stage.width(name, '600 12px', 3.4);
      const home = (id: string | null) => this.stage.isCountry(id, c.code);
      const p = map.latLngToContainerPoint(c.at);
      for (const r of [0, 16, 30, 46, 64]) {
        const tries =
          r === 0
            ? [[0, 0]]
            : [0, 1, 2, 3, 4, 5, 6, 7].map((k) => [r * Math.cos((k * Math.PI) / 4), r * Math.sin((k * Math.PI) / 4)]);
        if (
          tries.some(
            ([dx, dy]) =>
              this.stage.within(p.x + dx!, p.y + dy!, w, 14, home) &&
              this.label('ctry', c.at[0], c.at[1], name, w, 16, dx, dy),
          )
        )
          break;
      }
    }
    if (z < 8) {
      for (const n of NEIGHBOURS) {
        const name = placeName(n.name);
        this.label('nbr', n.at[0], n.at[1], name, this.stage.width(name, '11px', 2.4), 14);
      }
      this.label('sea', SEA[0], SEA[1], t.seaName, 84, 15);
      if (this.app.border && !this.stage.phone) this.borderName();
    }
    this.rings.draw(true, [...this.staticBoxes, ...this.stage.boxes.slice(symbols)]);
    this.staticBoxes.push(...this.stage.boxes.slice(symbols));
    const drawn = new Set<string>();
    const town = (least: number) => {
      for (const w of this.towns) {
        if (w.rank < least || drawn.has(w.n)) continue;
        const cap = w.rank === 3;
        const name = localName({ name: w.n, name_ur: w.ur, name_ps: w.ps, name_fa: w.fa });
        const tw = this.stage.width(name, cap ? '600 12px' : '500 11.5px') + 4;
        const half = tw / 2;
        const p = map.latLngToContainerPoint([w.lat, w.lon]);
        // A dot under a name or the legend would be a town without a place.
        if (
          this.stage.boxes.some(
            (o, i) =>
              (i < furniture || i >= symbols) && p.x + 3 > o[0] && p.x - 3 < o[2] && p.y + 3 > o[1] && p.y - 3 < o[3],
          )
        )
          continue;
        for (const [dx, dy] of [
          [half + 6, 0],
          [-half - 6, 0],
          [half + 16, 0],
          [0, -12],
          [0, 13],
        ] as [number, number][])
          if (this.whole(p.x + dx, p.y + dy, tw, 13) && this.stage.fits(p.x + dx, p.y + dy, tw, 13, 0)) {
            this.put(cap ? 'town cap' : 'town', w.lat, w.lon, name, dx, dy);
            const q = map.latLngToLayerPoint([w.lat, w.lon]);
            this.labels += `<i class="town-dot${cap ? ' cap' : ''}" style="left:${q.x}px;top:${q.y}px"></i>`;
            this.stage.boxes.push([p.x - 4, p.y - 4, p.x + 4, p.y + 4]);
            drawn.add(w.n);
            break;
          }
      }
    };
    // Capitals first: the name of a province has room to give way.
    town(3);
    if (z < 8.2) for (const name of Object.keys(PROVINCES)) this.provinceName(name);
    this.badges.draw(true, this.staticBoxes);
    // Towns, crossings, districts.
    town(2);
    if (z >= OVERVIEW) town(1);
    if (z >= 7.5) town(-9);
    if (z >= 7)
      for (const f of this.app.crossings?.features ?? []) {
        const [lon, lat] = f.geometry.coordinates as [number, number];
        if (z < 8 && !/main|third/i.test(f.properties.note ?? '')) continue;
        const p = map.latLngToLayerPoint([lat, lon]);
        this.labels += `<svg class="mk crossing" data-crossing="${esc(f.properties.name)}" style="left:${p.x}px;top:${p.y}px" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="cs" d="M-3.5-5V5M3.5-5V5M-6 0H6"/><path class="cl0" d="M-3.5-5V5M3.5-5V5M-6 0H6"/></svg>`;
        const name = localName({ ...f.properties, name: f.properties.name.split('–')[0]!.split(' (')[0]! });
        if (z >= 7.5) this.label('dist it', lat, lon, name, this.stage.width(name, '11px') + 4, 13, 0, -14);
      }
    if (z >= OVERVIEW + 0.3)
      for (const f of this.app.units?.features ?? []) {
        const u = f.properties;
        if (!this.app.inFocus(u.id) || drawn.has(u.name)) continue;
        const name = localName(u);
        const w = this.stage.width(name, '10.5px') + 4;
        for (const dy of [0, 14, -14, 26])
          if (this.label('dist', u.label_lat, u.label_lon, name, w, 12, 0, dy, 1)) break;
      }
    this.map.getPane('labels')!.innerHTML = this.labels;
  }

  /** provinceName puts a name with its middle in the province and no part of it in another country, or not at all. */
  private provinceName(name: string): void {
    const at = PROVINCES[name]!;
    this.badges.nameAt.delete(name);
    const units = [...this.app.unitById.values()].filter((u) => u.province === name);
    const country = units[0]?.country;
    if (!country) return;
    const o = this.map.latLngToContainerPoint(at);
    const size = this.map.getSize();
    const tries: Offset[] = [
      [0, 0],
      [0, -15],
      [-34, 0],
      [-34, -15],
      [34, 0],
      [34, 15],
    ];
    for (const u of units) {
      const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
      if (p.x > 0 && p.y > 0 && p.x < size.x && p.y < size.y)
        for (const dy of [0, -16, 16]) tries.push([Math.round(p.x - o.x), Math.round(p.y - o.y + dy)]);
    }
    const words = placeName(name);
    const half = words.indexOf(' ');
    const forms = half > 0 ? [words, `${words.slice(0, half)}\n${words.slice(half + 1)}`] : [words];
    for (const text of forms) {
      const lines = text.split('\n');
      const w = Math.max(...lines.map((l) => this.stage.width(l.toUpperCase(), '600 11px', 1.1))) + 4;
      const h = 14 * lines.length;
      const own = (id: string | null) => !!id && this.app.unitById.get(id)?.province === name;
      const land = (id: string | null) => this.stage.isCountry(id, country);
      // Wholly in the province where that is possible, else with its middle there.
      for (const [[dx, dy], home] of [own, land].flatMap((f) => tries.map((o) => [o, f] as const))) {
        const mid = this.map.containerPointToLatLng([o.x + dx, o.y + dy]);
        const u = this.stage.unitAt(mid.lng, mid.lat);
        if (!own(u)) continue;
        if (!this.stage.within(o.x + dx, o.y + dy, w, h, home)) continue;
        if (this.label('prov', at[0], at[1], text, w, h, dx, dy)) {
          this.badges.nameAt.set(name, [dx, dy + (lines.length - 1) * 7]);
          return;
        }
      }
    }
  }

  /** borderName writes the border's name once, above the line west of 66° E where it is free, or leaves it out. */
  private borderName(): void {
    const line = this.border
      .line('coarse')
      .flat()
      .map((p) => ({ lon: p[1], ...this.map.latLngToContainerPoint(p) }));
    const w = ARABIC.test(t.borderName) ? this.stage.width(t.borderName, '11.5px') + 8 : 252;
    const o = this.map.latLngToContainerPoint(BORDER_NAME);
    for (const lon of [63.6, 64, 63.2, 64.4, 62.8, 64.8, 62.4, 65.2, 62, 61.6, 61.2, 60.8]) {
      const x = this.map.latLngToContainerPoint([BORDER_NAME[0], lon]).x;
      const under = line.filter((p) => p.lon < 66.6 && Math.abs(p.x - x) < w / 2 + 6);
      if (!under.length) continue;
      const y = Math.min(...under.map((p) => p.y)) - 12;
      if (line.some((p) => Math.abs(p.x - x) < w / 2 + 4 && Math.abs(p.y - y) < 10)) continue;
      if (this.label('bdr', BORDER_NAME[0], BORDER_NAME[1], t.borderName, w, 16, x - o.x, y - o.y)) return;
    }
  }
}
