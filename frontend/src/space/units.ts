// The units: their outlines, their shading, the outlines of the provinces.

import * as L from 'leaflet';
import type { App } from '../state/app';
import { outlines } from './boundaries';
import type { Stage } from './stage';

const SVG = 'http://www.w3.org/2000/svg';

export class UnitsLayer {
  /** the units have come and are drawn */
  drawn = false;
  private paths = new Map<string, { el: SVGPathElement; cls: string; n: number; v: string; change: number | null }>();
  /** places of the units in the header of the columns */
  private index = new Map<string, number>();
  private indexed: unknown = null;
  private provinceLines: L.Polyline[] = [];
  private app: App;
  private map: L.Map;

  constructor(private stage: Stage) {
    this.app = stage.app;
    this.map = stage.map;
  }

  draw(): void {
    const units = this.app.units;
    if (!units || this.drawn) return;
    this.drawn = true;
    const renderer = L.svg({ pane: 'units', padding: 0.3 });
    const layer = L.geoJSON(units, {
      pane: 'units',
      style: () => ({ ...this.stage.pathStyle('u', 0.7), renderer }) as L.PathOptions,
    }).addTo(this.map);
    const svg = (renderer as unknown as { _container: SVGSVGElement })._container;
    const defs = document.createElementNS(SVG, 'defs');
    // Screen space: the hatch does not grow with the map.
    defs.innerHTML =
      '<pattern id="uk" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="ukb" width="6" height="6"/><circle class="ukd" cx="3" cy="3" r="1.1"/></pattern><pattern id="hx" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hbg" width="8" height="8"/><rect class="hln" width="1" height="8"/></pattern>';
    svg.prepend(defs);
    layer.eachLayer((l) => {
      const p = (l as unknown as { feature: (typeof units.features)[number]; _path: SVGPathElement })._path;
      const id = (l as unknown as { feature: (typeof units.features)[number] }).feature.properties.id;
      p.dataset.unit = id;
      if (!this.app.inFocus(id)) p.classList.add('ctx');
      this.paths.set(id, { el: p, cls: '', n: -1, v: '', change: null });
    });
    // Province outlines can wait until the first picture stands.
    if (this.stage.still) this.drawProvinces();
    else this.app.later(() => this.drawProvinces());
  }

  private drawProvinces(): void {
    const app = this.app;
    const lines = outlines(app.units!, (id) => {
      const u = app.unitById.get(id);
      return !u ? null : u.country === 'AF' ? 'AF' : app.inFocus(id) ? u.province : `ctx:${u.province}`;
    });
    const renderer = L.svg({ pane: 'provinces', padding: 0.3 });
    for (const [group, list] of lines)
      for (const line of list) {
        const ctx = group.startsWith('ctx:');
        const l = L.polyline(
          line.map((p) => [p[1]!, p[0]!] as [number, number]),
          {
            ...this.stage.pathStyle(ctx ? 'pv ctxl' : 'pv', ctx ? 0.8 : 0.9),
            pane: 'provinces',
            renderer,
            interactive: false,
            fill: false,
            dashArray: ctx ? '1 3' : undefined,
          } as L.PolylineOptions,
        ).addTo(this.map);
        if (!ctx) this.provinceLines.push(l);
      }
    this.weights();
  }

  /** weights makes lines of provinces heavier from zoom 7 on. */
  weights(): void {
    const z = this.map.getZoom();
    for (const l of this.provinceLines) l.setStyle({ weight: z < 7 ? 0.9 : 1.2 });
  }

  /** shade restyles only the units whose class or number changed. */
  shade(): void {
    const app = this.app;
    const h = app.header!;
    const other = app.compared;
    if (this.indexed !== h) {
      this.indexed = h;
      this.index = new Map(h.units.map((id, i) => [id, i]));
    }
    const days = app.window;
    for (const [id, p] of this.paths) {
      const i = this.index.get(id);
      const n = i === undefined ? 0 : app.tally.unit[i]!;
      const v = i === undefined ? 0 : app.shadeOf(i);
      const cov = app.unitCoverage(id, days);
      // While the incidents come, an uncounted unit is neutral: it must not look like zero.
      const waiting = n === 0 && (!!app.progress || !app.datasets);
      const cls = !app.inFocus(id)
        ? 'ctx'
        : waiting
          ? 'wait'
          : other
            ? other.cls(id)
            : app.datasets && cov.state === 'none'
              ? 'none'
              : v === null
                ? 'unknown'
                : String(app.classOf(v));
      if (cls !== p.cls) {
        p.el.dataset.class = cls;
        p.cls = cls;
      }
      const change = other?.change(id) ?? null;
      if (change !== p.change) {
        p.change = change;
        if (change === null) delete p.el.dataset.change;
        else p.el.dataset.change = String(change);
      }
      // Numbers are there to be read when the brush has come to rest.
      if (app.moving) continue;
      if (n !== p.n) {
        p.el.dataset.n = String(n);
        p.n = n;
      }
      const shown = app.state.shade === 'count' ? '' : v === null ? 'unknown' : String(v);
      if (shown !== p.v) {
        p.el.dataset.v = shown;
        p.v = shown;
      }
    }
  }
}
