// The border: its line, coarse or fine, and where marks on it may stand.

import type { Geometry, Position } from 'geojson';
import * as L from 'leaflet';
import { Spot } from '../lib/vocab';
import type { App } from '../state/app';
import type { Offset, Stage } from './stage';

type LatLon = [number, number];
/** how many km beside the line the units along it are looked for: their outlines are from other sources than the line */
const BESIDE = [3, 8];

export class BorderLayer {
  private layers: L.Polyline[] = [];
  private zoomed: boolean | null = null;
  private app: App;
  private map: L.Map;

  constructor(private stage: Stage) {
    this.app = stage.app;
    this.map = stage.map;
  }

  /** fresh forgets what was found of the units: other units have come. */
  fresh(): void {
    this.along.clear();
    this.mark([]);
  }
  /** moved: the view has changed, the middles of what is seen of the line are looked for again. */
  moved(): void {
    this.anchors.clear();
  }

  private along = new Map<string, Map<string, LatLon[][]>>();
  /** stretch is the part of the line, as lat, lon, that runs along a unit: empty where it does not. */
  stretch(unit: string): LatLon[][] {
    if (!this.app.border || !this.app.units) return [];
    const detail = this.map.getZoom() >= 7 ? 'fine' : 'coarse';
    let all = this.along.get(detail);
    if (!all) {
      all = new Map();
      this.along.set(detail, all);
      for (const line of this.line(detail)) this.cut(line, all);
    }
    return all.get(unit) ?? [];
  }
  /** cut puts each leg of a line to the units on either side of it. */
  private cut(line: LatLon[], to: Map<string, LatLon[][]>): void {
    let last = new Set<string>();
    for (let i = 1; i < line.length; i++) {
      const [a, b] = [line[i - 1]!, line[i]!];
      const perLon = 111.2 * Math.cos((a[0] * Math.PI) / 180);
      const [dy, dx] = [(b[0] - a[0]) * 111.2, (b[1] - a[1]) * perLon];
      const km = Math.hypot(dx, dy);
      const parts = Math.max(1, Math.ceil(km / 4));
      for (let k = 0; k < parts; k++) {
        const at = (f: number): LatLon => [a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f];
        const [lat, lon] = at((k + 0.5) / parts);
        const here = new Set<string>();
        for (const side of [-1, 1])
          for (const d of BESIDE) {
            const u =
              km && this.stage.unitAt(lon - ((dy / km) * d * side) / perLon, lat + ((dx / km) * d * side) / 111.2);
            if (!u) continue;
            here.add(u);
            break;
          }
        for (const u of here) {
          const pieces = to.get(u) ?? [];
          to.set(u, pieces);
          if (last.has(u)) pieces.at(-1)!.push(at((k + 1) / parts));
          else pieces.push([at(k / parts), at((k + 1) / parts)]);
        }
        last = here;
      }
    }
  }

  private drawn = new Map<string, { look: string; layers: L.Polyline[] }>();
  /** mark colours the stretches along units, each in its type's colour, or in ink where there are several types. */
  mark(units: string[]): void {
    const types = units.length ? this.types() : null;
    for (const [u, d] of this.drawn)
      if (!units.includes(u)) {
        for (const l of d.layers) l.remove();
        this.drawn.delete(u);
      }
    for (const u of units) {
      const type = types!.get(u) ?? -1;
      const look = `${type}|${this.map.getZoom() >= 7}`;
      const had = this.drawn.get(u);
      if (had?.look === look) continue;
      for (const l of had?.layers ?? []) l.remove();
      this.drawn.set(u, { look, layers: this.coloured(this.stretch(u), type).map((l) => l.addTo(this.map)) });
    }
  }
  /** coloured is a part of the line in the colour of a type, the dashes on top; -1 are several types. */
  coloured(line: LatLon[][], type: number): L.Polyline[] {
    const pane = 'uncertainty';
    const base = {
      pane,
      renderer: this.stage.renderer(pane),
      interactive: false,
      fill: false,
      lineCap: 'butt' as const,
    };
    return [
      L.polyline(line, { ...this.stage.pathStyle('bc', 9), ...base }),
      L.polyline(line, { ...this.stage.pathStyle(`seg t${type}`, 5), ...base }),
      L.polyline(line, { ...this.stage.pathStyle('bl0', 1.5, { dashArray: '9 3 1.5 3' }), ...base }),
    ];
  }

  private rows: { of: unknown; lo: number; rows: number[] } = { of: null, lo: 0, rows: [] };
  /** types are the types of the incidents in the window that are known as a stretch: one for each unit, or -1. */
  private types(): Map<string, number> {
    const out = new Map<string, number>();
    const m = this.app.model;
    if (!m) return out;
    const c = m.cols;
    if (this.rows.of !== c || this.rows.lo !== m.lo) {
      this.rows = { of: c, lo: m.lo, rows: [] };
      for (let i = m.lo; i < c.n; i++) if (c.spot(i) === Spot.BORDER) this.rows.rows.push(i);
    }
    for (const i of this.rows.rows) {
      if (m.fail[i] || c.first(i) > m.to || c.last(i) < m.from) continue;
      const u = this.app.header!.units[c.unit(i)]!;
      const type = c.type(i);
      out.set(u, (out.get(u) ?? type) === type ? type : -1);
    }
    return out;
  }

  /** line is the line of a detail as lat, lon. */
  line(detail: 'coarse' | 'fine'): LatLon[][] {
    const out: LatLon[][] = [];
    const all = this.app.border?.features ?? [];
    const some = all.filter((f) => f.properties.detail === detail);
    for (const f of some.length ? some : all.slice(0, 1)) {
      const g = f.geometry as Geometry;
      const lines: Position[][] =
        g.type === 'LineString' ? [g.coordinates] : g.type === 'MultiLineString' ? g.coordinates : [];
      for (const l of lines) out.push(l.map((p) => [p[1]!, p[0]!]));
    }
    return out;
  }

  draw(): void {
    if (!this.app.border) return;
    const fine = this.map.getZoom() >= 7;
    if (this.zoomed === fine) return;
    this.zoomed = fine;
    for (const l of this.layers) l.remove();
    const line = this.line(fine ? 'fine' : 'coarse');
    this.layers = this.style(line, fine, 'border').map((l) => l.addTo(this.map));
  }
  private style(line: L.LatLngExpression[][], fine: boolean, pane: string): L.Polyline[] {
    const base = { pane, renderer: this.stage.renderer(pane), interactive: false, fill: false };
    return [
      L.polyline(line, { ...this.stage.pathStyle('bc', 5), ...base }),
      L.polyline(line, {
        ...this.stage.pathStyle('bl0', fine ? 2 : 1.5),
        ...base,
        lineCap: 'butt',
        dashArray: fine ? '12 4 2 4' : '9 3 1.5 3',
      }),
    ];
  }

  /** seen are points in view of the line, or of its stretch along a unit. */
  private seen(unit = ''): LatLon[] {
    const s = this.map.getSize();
    const low = s.y - this.stage.covered - 30;
    const all: LatLon[] = [];
    for (const line of unit ? this.stretch(unit) : this.line('coarse'))
      for (let i = 1; i < line.length; i++) {
        // Long legs have points between, so that a close view finds some.
        const [a, b] = [line[i - 1]!, line[i]!];
        const p = this.map.latLngToContainerPoint(a);
        const q = this.map.latLngToContainerPoint(b);
        const n = Math.min(40, Math.max(1, Math.round(p.distanceTo(q) / 30)));
        for (let k = 0; k < n; k++) all.push([a[0] + ((b[0] - a[0]) * k) / n, a[1] + ((b[1] - a[1]) * k) / n]);
      }
    return all.filter((p) => {
      const q = this.map.latLngToContainerPoint(p);
      return q.x > 20 && q.y > 24 && q.x < s.x - 20 && q.y < low;
    });
  }

  /**
   * middle is a point of the line, or of its stretch along a unit, in the middle of its part in view; of a stretch out of
   * view it is the middle of all of it. It is null where there is none.
   */
  middle(unit = ''): LatLon | null {
    let at = this.anchors.get(unit);
    if (at === undefined) {
      const seen = this.seen(unit);
      const some = seen.length ? seen : unit ? this.stretch(unit).flat() : [];
      at = some[Math.floor(some.length * (unit ? 0.5 : 0.62))] ?? null;
      this.anchors.set(unit, at);
    }
    return at;
  }
  private anchors = new Map<string, LatLon | null>();

  /** beside are places next to the line, as offsets from the anchor: 8 px off, never on it. */
  beside(at: LatLon, w: number, unit = ''): Offset[] {
    const key = `border|${unit}|${Math.ceil(w)}`;
    const had = this.stage.insideCache.get(key);
    if (had) return had;
    const o = this.map.latLngToContainerPoint(at);
    const pts = this.seen().map((p) => this.map.latLngToContainerPoint(p));
    const own = unit ? this.seen(unit).map((p) => this.map.latLngToContainerPoint(p)) : pts;
    const step = Math.max(1, Math.floor(own.length / 24));
    const size = this.map.getSize();
    const out: Offset[] = [];
    const near = own.filter((_, k) => k % step === 0).sort((a, b) => a.distanceTo(o) - b.distanceTo(o));
    for (const p of near)
      for (const [dx, dy] of [
        [-w / 2 - 10, 0],
        [w / 2 + 10, 0],
        [0, -20],
        [0, 20],
      ] as Offset[]) {
        const x = p.x + dx;
        const y = p.y + dy;
        if (x - w / 2 < 4 || x + w / 2 > size.x - 4 || y < 14 || y > size.y - this.stage.covered - 14) continue;
        if (pts.some((q) => Math.abs(q.x - x) < w / 2 + 4 && Math.abs(q.y - y) < 9 + 4)) continue;
        out.push([Math.round(x - o.x), Math.round(y - o.y)]);
      }
    this.stage.insideCache.set(key, out);
    return out;
  }
}
