// The map: our own boundaries, shaded by count; symbols, rings and badges on top of them. Leaflet holds the outlines
// and the view; what changes with the brush is a class on a path, one canvas, and the text of some badges.

import type { Geometry, Position } from 'geojson';
import L from 'leaflet';
import { html, nothing, render, type TemplateResult } from 'lit';
import { OR_MORE } from '../lib/columns';
import { fmtDay, fmtRange } from '../lib/dates';
import { icon, shapePath, symbolRadius } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { esc, fmt, fmtDeaths } from '../lib/text';
import { precisionClass, Spot, typeIndex } from '../lib/vocab';
import { attribution, borderNote } from '../panel/attribution';
import { type App, type Change, type Found, typeWord } from '../state/app';
import type { Only } from '../state/permalink';
import { WATERS } from './beyond';
import { inside, outlines, polygons } from './boundaries';
import { legend, phoneLegend } from './legend';
import { BORDER_NAME, COUNTRIES, NEIGHBOURS, PROVINCES, SEA } from './names';
import { type Item, type Ring, Symbols } from './symbols';

const OVERVIEW = 6.6;
const CLOSE = 9;
/** how far from its anchor a badge may stand */
const RADII = [14, 22, 32, 44, 58];
const files = import.meta.glob<string>('./data/*.json', { query: '?url', import: 'default', eager: true });

interface Town {
  n: string;
  lat: number;
  lon: number;
  rank: number;
}
type Box = [number, number, number, number];
type Offset = [number, number];

interface Badge {
  key: string;
  n: number;
  words: string;
  solid: boolean;
  lat: number;
  lon: number;
  /** where a badge of a width may stand, as offsets in px from the anchor; the first that fits is taken */
  places: (width: number) => Offset[];
  only: Only;
  el: HTMLButtonElement | null;
  at: [number, number] | null;
}

const SVG = 'http://www.w3.org/2000/svg';

export class MapView {
  readonly map: L.Map;
  private symbols: Symbols;
  private paths = new Map<string, { el: SVGPathElement; cls: string; n: number }>();
  private towns: Town[] = [];
  private provinceLines: L.Polyline[] = [];
  private borderLayers: L.Polyline[] = [];
  private borderZoomed: boolean | null = null;
  private labelPane: HTMLElement;
  private badgePane: HTMLElement;
  private selectedPane: HTMLElement;
  private chosen: L.LayerGroup;
  private foundLayer: L.LayerGroup;
  private foundMark: HTMLElement;
  private foundKey = '';
  private badges = new Map<string, Badge>();
  private boxes: Box[] = [];
  private staticBoxes: Box[] = [];
  private ringMax = 1;
  private top: { id: string; x: number; y: number }[] = [];
  private tip: HTMLElement;
  private furniture: HTMLElement;
  private measure = document.createElement('canvas').getContext('2d')!;
  private looked: unknown = null;
  private fitted = false;
  private legendOpen = false;
  private chosenKey = '';
  private unitsDrawn = false;
  private insideCache = new Map<string, Offset[]>();
  private bounds: { id: string; box: Box }[] = [];

  constructor(
    private app: App,
    private host: HTMLElement,
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
    this.labelPane = this.map.getPane('labels')!;
    this.badgePane = this.map.getPane('badges')!;
    this.selectedPane = this.map.getPane('selected')!;
    const canvas = document.createElement('canvas');
    canvas.className = 'symbols';
    canvas.setAttribute('aria-hidden', 'true');
    this.map.getPane('symbols')!.append(canvas);
    this.symbols = new Symbols(canvas);
    this.chosen = L.layerGroup().addTo(this.map);
    this.foundLayer = L.layerGroup().addTo(this.map);
    this.foundMark = document.createElement('div');
    this.foundMark.className = 'fm';
    this.foundMark.hidden = true;
    this.map.getPane('found')!.append(this.foundMark);
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.furniture = document.createElement('div');
    this.furniture.className = 'furniture';
    host.append(this.furniture, this.tip);

    const v = app.state.view;
    if (v) {
      this.show(v.lat, v.lon, v.zoom);
      this.fitted = true;
    } else this.map.setView([31.5, 68], 5.5, { animate: false });
    this.map.on('move', () => this.moved(false));
    this.map.on('moveend zoomend resize', () => this.moved(true));
    this.pointer(el);
    app.hover = (row) => this.hover(row);
    app.fly = (f) => this.fly(f);
    app.restored = () => {
      const to = app.state.view;
      if (to) this.show(to.lat, to.lon, to.zoom);
    };
    void this.loadLand();
  }

  // ---- the fixed parts

  private pathStyle(className: string, weight: number, more: L.PathOptions = {}): L.PathOptions {
    return { className, weight, opacity: 1, fillOpacity: 1, ...more };
  }

  private async loadLand(): Promise<void> {
    const get = async <T>(name: string): Promise<T | null> => {
      const url = files[`./data/${name}.json`];
      if (!url) return null;
      const r = await fetch(url);
      return r.ok ? ((await r.json()) as T) : null;
    };
    const [land, towns] = await Promise.all([
      get<GeoJSON.FeatureCollection<Geometry, { kind?: string }>>('land').catch(() => null),
      get<Town[]>('towns').catch(() => null),
    ]);
    if (land) {
      const renderer = L.svg({ pane: 'land', padding: 0.3 });
      // The backdrop ends somewhere; beyond it to the north, east and west there is land too.
      const all = L.geoJSON(land).getBounds();
      const [s, w, n, e] = [all.getSouth(), all.getWest(), all.getNorth(), all.getEast()];
      for (const box of [
        [n - 0.02, -20, 80, 170],
        [s, e - 0.02, n, 170],
        [s, -20, n, w + 0.02],
      ] as [number, number, number, number][])
        L.rectangle(
          [
            [box[0], box[1]],
            [box[2], box[3]],
          ],
          { ...this.pathStyle('nb', 0), stroke: false, pane: 'land', renderer, interactive: false },
        ).addTo(this.map);
      for (const w of WATERS)
        L.polygon(w, { ...this.pathStyle('wt', 0), stroke: false, pane: 'land', renderer, interactive: false }).addTo(
          this.map,
        );
      L.geoJSON(land, {
        pane: 'land',
        interactive: false,
        filter: (f) => f.properties.kind !== 'boundary',
        style: () => ({ ...this.pathStyle('nb', 0), stroke: false, renderer }) as L.PathOptions,
      }).addTo(this.map);
    }
    this.towns = towns ?? [];
    this.moved(true);
  }

  private drawUnits(): void {
    const units = this.app.units;
    if (!units || this.unitsDrawn) return;
    this.unitsDrawn = true;
    const renderer = L.svg({ pane: 'units', padding: 0.3 });
    const layer = L.geoJSON(units, {
      pane: 'units',
      style: () => ({ ...this.pathStyle('u', 0.7), renderer }) as L.PathOptions,
    }).addTo(this.map);
    const svg = (renderer as unknown as { _container: SVGSVGElement })._container;
    const defs = document.createElementNS(SVG, 'defs');
    // Screen space: the hatch does not grow with the map.
    defs.innerHTML =
      '<pattern id="hx" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hbg" width="8" height="8"/><rect class="hln" width="1" height="8"/></pattern>';
    svg.prepend(defs);
    layer.eachLayer((l) => {
      const p = (l as unknown as { feature: (typeof units.features)[number]; _path: SVGPathElement })._path;
      const id = (l as unknown as { feature: (typeof units.features)[number] }).feature.properties.id;
      p.dataset.unit = id;
      if (!this.app.inFocus(id)) p.classList.add('ctx');
      this.paths.set(id, { el: p, cls: '', n: -1 });
    });
    if (!this.fitted) this.home();
    // Province outlines can wait until the first picture stands.
    setTimeout(() => this.drawProvinces(), 30);
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
            ...this.pathStyle(ctx ? 'pv ctxl' : 'pv', ctx ? 0.8 : 0.9),
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

  /** borderLine is the line of a detail as lat, lon. */
  private borderLine(detail: 'coarse' | 'fine'): [number, number][][] {
    const out: [number, number][][] = [];
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

  private drawBorder(): void {
    if (!this.app.border) return;
    const fine = this.map.getZoom() >= 7;
    if (this.borderZoomed === fine) return;
    this.borderZoomed = fine;
    for (const l of this.borderLayers) l.remove();
    const line = this.borderLine(fine ? 'fine' : 'coarse');
    this.borderLayers = this.borderStyle(line, fine, 'border').map((l) => l.addTo(this.map));
  }
  private borderRenderers = new Map<string, L.Renderer>();
  private renderer(pane: string): L.Renderer {
    let r = this.borderRenderers.get(pane);
    if (!r) {
      r = L.svg({ pane, padding: 0.3 });
      this.borderRenderers.set(pane, r);
    }
    return r;
  }
  private borderStyle(line: L.LatLngExpression[][], fine: boolean, pane: string): L.Polyline[] {
    const base = { pane, renderer: this.renderer(pane), interactive: false, fill: false };
    return [
      L.polyline(line, { ...this.pathStyle('bc', 5), ...base }),
      L.polyline(line, {
        ...this.pathStyle('bl0', fine ? 2 : 1.5),
        ...base,
        lineCap: 'butt',
        dashArray: fine ? '12 4 2 4' : '9 3 1.5 3',
      }),
    ];
  }

  private weights(): void {
    const z = this.map.getZoom();
    for (const l of this.provinceLines) l.setStyle({ weight: z < 7 ? 0.9 : 1.2 });
    this.map.getContainer().dataset.zoom = z >= CLOSE ? 'close' : z >= 7.5 ? 'mid' : z >= OVERVIEW ? 'near' : 'far';
  }

  private baseLayer: L.TileLayer | null = null;
  private drawBase(): void {
    const b = this.app.datasets?.base_layer;
    if (!b?.url || this.baseLayer) return;
    this.baseLayer = L.tileLayer(b.url, { maxZoom: 13 }).addTo(this.map);
    this.map.getContainer().classList.add('raster');
  }

  // ---- view

  home(): void {
    const app = this.app;
    const bounds = L.latLngBounds([]);
    for (const f of app.units?.features ?? [])
      if (app.inFocus(f.properties.id)) {
        bounds.extend(L.geoJSON(f).getBounds());
      }
    if (!bounds.isValid()) return;
    const phone = this.phone;
    const w = this.map.getSize().x;
    this.fitted = true;
    this.map.options.maxBounds = undefined;
    this.map.options.minZoom = 5;
    this.limited = '';
    this.map.fitBounds(bounds, {
      animate: false,
      paddingTopLeft: [6, 4],
      // Kept free for the legend; less where there is no room to spare.
      paddingBottomRight: phone
        ? [10, 10 + this.covered]
        : this.narrow.matches
          ? [10, 116]
          : [Math.min(230, w * 0.25), 26],
    });
    this.homeZoom = this.map.getZoom();
    this.limit();
  }
  /** show puts a place into the middle of what is not under the sheet. */
  private show(lat: number, lon: number, asked: number): void {
    // The map stands on quarters; the sheet's part is counted at the zoom that it will have.
    const zoom = Math.max(5, Math.min(13, Math.round(asked * 4) / 4));
    const p = this.map.project([lat, lon], zoom);
    this.map.setView(this.map.unproject([p.x, p.y + this.covered / 2], zoom), zoom, { animate: false });
  }
  /** middle is the place in the middle of what is not under the sheet: the centre that links keep. */
  private middle(): L.LatLng {
    const c = this.map.getCenter();
    if (!this.covered) return c;
    const z = this.map.getZoom();
    const p = this.map.project(c, z);
    return this.map.unproject([p.x, p.y - this.covered / 2], z);
  }

  private limited = '';
  private homeZoom = 5;
  /** limit keeps the view where the backdrop has coasts: beyond its edges there would be false, straight ones. */
  private limit(): void {
    const map = this.map;
    const size = map.getSize();
    const z = map.getZoom();
    if (!size.x || !size.y) return;
    const key = `${size}|${z}|${Math.round(this.covered)}`;
    if (key === this.limited) return;
    this.limited = key;
    const [south, west, north, east] = [18.1, 33, 43.9, 100];
    if (!this.phone) {
      // So high a window that it would look beyond north and south begins closer, but never closer than the region.
      const high = map.project([south, 0], 0).y - map.project([north, 0], 0).y;
      const need = Math.ceil(Math.log2(size.y / high) * 4) / 4;
      const least = Math.max(5, Math.min(need, this.homeZoom));
      if (map.getMinZoom() !== least) map.setMinZoom(least);
    }
    const low = map.project([south, west], z);
    map.setMaxBounds([
      [map.unproject([low.x, low.y + this.covered], z).lat, west],
      [north, east],
    ]);
  }

  get phone(): boolean {
    return this.small.matches;
  }
  private small = matchMedia('(max-width: 719px)');
  private narrow = matchMedia('(max-width: 1023px)');
  private low = matchMedia('(max-height: 560px)');
  /** covered is how many px of the map's lower part lie under the sheet. */
  private get covered(): number {
    if (!this.phone) return 0;
    const sheet = document.getElementById('panel')!.getBoundingClientRect();
    return Math.max(0, this.host.getBoundingClientRect().bottom - sheet.top + 46);
  }

  private frame = 0;
  private moved(end: boolean): void {
    this.looked = null;
    if (end) {
      this.limit();
      this.anchor = undefined;
      this.insideCache.clear();
      this.weights();
      this.drawBorder();
      this.layoutDue = true;
      if (this.fitted && this.app.units) {
        const c = this.middle();
        this.app.state.view = {
          lat: +c.lat.toFixed(3),
          lon: +c.lng.toFixed(3),
          zoom: +this.map.getZoom().toFixed(2),
        };
        this.app.writeUrl();
      }
    }
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw({ view: true } as Change));
  }
  private layoutDue = true;

  // ---- each frame

  draw(c: Change): void {
    const app = this.app;
    if (c.data) {
      this.anchor = undefined;
      this.bounds = [];
      this.insideCache.clear();
      this.drawUnits();
      this.drawBorder();
      this.drawBase();
      this.looked = null;
      this.layoutDue = true;
    }
    if (c.view || c.data) this.symbols.readColours();
    if (c.rest) this.layoutDue = true;
    if (app.model && (c.window || c.data || c.rest || c.view)) {
      if (c.window || c.data || c.rest) this.shade();
      this.paint();
    }
    this.drawChosen();
    this.drawFound();
    // While the brush moves, only what it changes is drawn: the number without a place, the scale of the rings.
    if (c.ui || c.window || c.rest || c.data || c.view) this.drawFurniture(!app.moving || c.data);
  }

  /** shade restyles only the units whose class or number changed. */
  private shade(): void {
    const app = this.app;
    const h = app.header!;
    const index = new Map(h.units.map((id, i) => [id, i]));
    for (const [id, p] of this.paths) {
      const i = index.get(id);
      const n = i === undefined ? 0 : app.tally.unit[i]!;
      const cov = app.unitCoverage(id);
      // While the incidents come, an uncounted unit is neutral: it must not look like zero.
      const waiting = n === 0 && (!!app.progress || !app.datasets);
      const cls = !app.inFocus(id)
        ? 'ctx'
        : waiting
          ? 'wait'
          : app.datasets && cov.state === 'none'
            ? 'none'
            : String(app.classOf(n));
      if (cls !== p.cls) {
        p.el.dataset.class = cls;
        p.cls = cls;
      }
      if (n !== p.n) {
        p.el.dataset.n = String(n);
        p.n = n;
      }
    }
  }

  private paint(): void {
    const app = this.app;
    const model = app.model!;
    const map = this.map;
    const size = map.getSize();
    if (!size.x || !size.y) return;
    const zoom = map.getZoom();
    const corner = map.containerPointToLayerPoint([0, 0]);
    L.DomUtil.setPosition(this.symbols.canvas, corner);
    const origin = map.getPixelOrigin();
    if (this.looked !== model) {
      this.symbols.look(model, zoom, origin.x + corner.x, origin.y + corner.y, size.x, size.y);
      this.looked = model;
    }
    this.symbols.clear(size.x, size.y);
    if (zoom < OVERVIEW) this.paintRings();
    else {
      const vicinity = app.header!.precisions.indexOf('vicinity_25km');
      this.symbols.draw(model, zoom < CLOSE, app.selectedRow, vicinity);
    }
    const relayout = this.layoutDue && !app.moving;
    if (relayout) {
      this.layoutDue = false;
      this.layout();
    } else {
      this.drawBadges(false);
      this.drawTop(false);
    }
    const dim = !!app.detail;
    this.symbols.canvas.style.opacity = dim ? '.5' : '';
    this.badgePane.classList.toggle('dim', dim);
    const kept = dim && app.detail?.feature?.properties.place_kind === 'border';
    this.badges.get('border')?.el?.classList.toggle('keep', !!kept);
  }

  private ringRadius = (killed: number): number => Math.sqrt(killed / this.ringMax) * (this.phone ? 17 : 21);

  private paintRings(): void {
    const app = this.app;
    const rings: Ring[] = [];
    let max = 1;
    app.header!.units.forEach((id, i) => {
      const k = app.tally.killed[i]!;
      const u = app.unitById.get(id);
      if (!u || k <= 0) return;
      if (k > max) max = k;
      const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
      rings.push({ x: p.x, y: p.y, killed: k });
    });
    // The scale of the rings holds still while the brush moves, but nothing may outgrow it.
    this.ringMax = this.app.moving ? Math.max(this.ringMax, max) : max;
    this.symbols.drawRings(rings, this.ringRadius);
  }

  // ---- labels and badges: greedy, by rank; what is reserved first stands first

  private hits(b: Box): boolean {
    for (const o of this.boxes) if (b[0] < o[2] && b[2] > o[0] && b[1] < o[3] && b[3] > o[1]) return true;
    return false;
  }
  private overlap(b: Box): number {
    let area = 0;
    for (const o of this.boxes) {
      const w = Math.min(b[2], o[2]) - Math.max(b[0], o[0]);
      const h = Math.min(b[3], o[3]) - Math.max(b[1], o[1]);
      if (w > 0 && h > 0) area += w * h;
    }
    return area;
  }
  private fits(x: number, y: number, w: number, h: number, pad = 2): boolean {
    const b: Box = [x - w / 2 - pad, y - h / 2 - pad, x + w / 2 + pad, y + h / 2 + pad];
    const s = this.map.getSize();
    if (b[2] < 0 || b[0] > s.x || b[3] < 0 || b[1] > s.y || this.hits(b)) return false;
    this.boxes.push(b);
    return true;
  }
  private width(text: string, font: string, spacing = 0): number {
    this.measure.font = `${font} system-ui, sans-serif`;
    return this.measure.measureText(text).width + text.length * spacing;
  }

  private labels = '';
  private put(cls: string, lat: number, lon: number, text: string, dx = 0, dy = 0): void {
    const p = this.map.latLngToLayerPoint([lat, lon]);
    this.labels += `<span class="lb ${cls}" style="left:${(p.x + dx).toFixed(1)}px;top:${(p.y + dy).toFixed(1)}px">${esc(text).replace('\n', '<br>')}</span>`;
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
    if (!this.fits(p.x + dx, p.y + dy, w, h, pad)) return false;
    this.put(cls, lat, lon, text, dx, dy);
    return true;
  }

  private layout(): void {
    const map = this.map;
    const z = map.getZoom();
    const size = map.getSize();
    this.labels = '';
    this.boxes = [];
    // Furniture.
    const frame = this.host.getBoundingClientRect();
    for (const el of this.host.querySelectorAll('.lg,.mc,.noplace,.att,.plg,.found')) {
      const r = el.getBoundingClientRect();
      this.boxes.push([
        r.left - frame.left - 4,
        r.top - frame.top - 4,
        r.right - frame.left + 4,
        r.bottom - frame.top + 4,
      ]);
    }
    if (this.phone) this.boxes.push([0, size.y - this.covered, size.x, size.y]);
    const found = this.app.found?.at;
    if (found) {
      const p = map.latLngToContainerPoint(found);
      this.boxes.push([p.x - 18, p.y - 18, p.x + 18, p.y + 18]);
    }
    this.staticBoxes = [...this.boxes];
    const furniture = this.boxes.length;
    // Symbols first, then names between them: countries, sea, border, the three units in the margin.
    for (const m of this.symbols.items) {
      const h = m.n === 0 ? m.r * 0.8 : m.r;
      this.boxes.push([m.x - h, m.y - h, m.x + h, m.y + h]);
    }
    const symbols = this.boxes.length;
    for (const c of COUNTRIES) {
      const w = this.width(c.name, '600 12px', 3.4);
      const home = (id: string | null) => this.isCountry(id, c.code);
      const p = map.latLngToContainerPoint(c.at);
      for (const r of [0, 16, 30, 46, 64]) {
        const tries =
          r === 0
            ? [[0, 0]]
            : [0, 1, 2, 3, 4, 5, 6, 7].map((k) => [r * Math.cos((k * Math.PI) / 4), r * Math.sin((k * Math.PI) / 4)]);
        if (
          tries.some(
            ([dx, dy]) =>
              this.within(p.x + dx!, p.y + dy!, w, 14, home) &&
              this.label('ctry', c.at[0], c.at[1], c.name, w, 16, dx, dy),
          )
        )
          break;
      }
    }
    if (z < 8) {
      for (const n of NEIGHBOURS) this.label('nbr', n.at[0], n.at[1], n.name, this.width(n.name, '11px', 2.4), 14);
      this.label('sea', SEA[0], SEA[1], t.seaName, 84, 15);
      if (this.app.border && !this.phone) this.borderName();
    }
    this.drawTop(true, [...this.staticBoxes, ...this.boxes.slice(symbols)]);
    this.staticBoxes.push(...this.boxes.slice(symbols));
    const drawn = new Set<string>();
    const town = (least: number) => {
      for (const w of this.towns) {
        if (w.rank < least || drawn.has(w.n)) continue;
        const cap = w.rank === 3;
        const tw = this.width(w.n, cap ? '600 12px' : '500 11.5px') + 4;
        const half = tw / 2;
        const p = map.latLngToContainerPoint([w.lat, w.lon]);
        // A dot under a name or the legend would be a town without a place.
        if (
          this.boxes.some(
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
          if (this.fits(p.x + dx, p.y + dy, tw, 13, 0)) {
            this.put(cap ? 'town cap' : 'town', w.lat, w.lon, w.n, dx, dy);
            const q = map.latLngToLayerPoint([w.lat, w.lon]);
            this.labels += `<i class="town-dot${cap ? ' cap' : ''}" style="left:${q.x}px;top:${q.y}px"></i>`;
            this.boxes.push([p.x - 4, p.y - 4, p.x + 4, p.y + 4]);
            drawn.add(w.n);
            break;
          }
      }
    };
    // Capitals first: the name of a province has room to give way.
    town(3);
    if (z < 8.2) for (const name of Object.keys(PROVINCES)) this.provinceName(name);
    this.drawBadges(true);
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
        const name = f.properties.name.split('–')[0]!.split(' (')[0]!;
        if (z >= 7.5) this.label('dist it', lat, lon, name, this.width(name, '11px') + 4, 13, 0, -14);
      }
    if (z >= OVERVIEW + 0.3)
      for (const f of this.app.units?.features ?? []) {
        const u = f.properties;
        if (!this.app.inFocus(u.id) || drawn.has(u.name)) continue;
        for (const dy of [0, 14, -14, 26])
          if (this.label('dist', u.label_lat, u.label_lon, u.name, this.width(u.name, '10.5px') + 4, 12, 0, dy, 1))
            break;
      }
    this.labelPane.innerHTML = this.labels;
  }

  private nameAt = new Map<string, Offset>();
  /** provinceName puts a name with its middle in the province and no part of it in another country, or not at all. */
  private provinceName(name: string): void {
    const at = PROVINCES[name]!;
    this.nameAt.delete(name);
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
    const half = name.indexOf(' ');
    const forms = half > 0 ? [name, `${name.slice(0, half)}\n${name.slice(half + 1)}`] : [name];
    for (const text of forms) {
      const lines = text.split('\n');
      const w = Math.max(...lines.map((l) => this.width(l.toUpperCase(), '600 11px', 1.1))) + 4;
      const h = 14 * lines.length;
      const own = (id: string | null) => !!id && this.app.unitById.get(id)?.province === name;
      const land = (id: string | null) => this.isCountry(id, country);
      // Wholly in the province where that is possible, else with its middle there.
      for (const [[dx, dy], home] of [own, land].flatMap((f) => tries.map((o) => [o, f] as const))) {
        const mid = this.map.containerPointToLatLng([o.x + dx, o.y + dy]);
        const u = this.unitAt(mid.lng, mid.lat);
        if (!own(u)) continue;
        if (!this.within(o.x + dx, o.y + dy, w, h, home)) continue;
        if (this.label('prov', at[0], at[1], text, w, h, dx, dy)) {
          this.nameAt.set(name, [dx, dy + (lines.length - 1) * 7]);
          return;
        }
      }
    }
  }

  /** borderName writes the border's name once, above the line west of 66° E where it is free, or leaves it out. */
  private borderName(): void {
    const line = this.borderLine('coarse')
      .flat()
      .map((p) => ({ lon: p[1], ...this.map.latLngToContainerPoint(p) }));
    const w = 232;
    const o = this.map.latLngToContainerPoint(BORDER_NAME);
    for (const lon of [63.6, 64, 63.2, 64.4, 62.8, 64.8, 62.4, 65.2, 62]) {
      const x = this.map.latLngToContainerPoint([BORDER_NAME[0], lon]).x;
      const under = line.filter((p) => p.lon < 66.6 && Math.abs(p.x - x) < w / 2 + 6);
      if (!under.length) continue;
      const y = Math.min(...under.map((p) => p.y)) - 12;
      if (line.some((p) => Math.abs(p.x - x) < w / 2 + 4 && Math.abs(p.y - y) < 10)) continue;
      if (this.label('bdr', BORDER_NAME[0], BORDER_NAME[1], t.borderName, w, 16, x - o.x, y - o.y)) return;
    }
  }

  /** drawTop names the three units with most incidents in the margin of the overview. */
  private drawTop(fresh: boolean, names: Box[] = []): void {
    const app = this.app;
    const z = this.map.getZoom();
    const size = this.map.getSize();
    let box = this.topBox;
    if (!box) {
      box = document.createElement('div');
      box.className = 'tops';
      this.topBox = box;
      this.badgePane.append(box);
    }
    if (z >= OVERVIEW || this.phone || size.x < 700) {
      box.textContent = '';
      this.top = [];
      return;
    }
    const h = app.header!;
    if (fresh) {
      const most = h.units
        .map((id, i) => ({ id, n: app.tally.unit[i]! }))
        .filter((o) => o.n > 1 && app.inFocus(o.id))
        .sort((a, b) => b.n - a.n)
        .slice(0, 3)
        .map((o) => {
          const u = app.unitById.get(o.id)!;
          const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
          return { id: o.id, p };
        })
        .filter((o) => o.p.x > 0 && o.p.y > 0 && o.p.x < size.x - 60 && o.p.y < size.y - 30)
        .sort((a, b) => a.p.y - b.p.y);
      const x = Math.min(this.map.latLngToContainerPoint([34, 75.5]).x, size.x - 170);
      this.top = [];
      for (const o of most) {
        const u = app.unitById.get(o.id)!;
        const n = fmt(app.tally.unit[h.units.indexOf(o.id)]!);
        const w = Math.max(
          this.width(u.name, '600 12px') + this.width(` ${n}`, '12px'),
          this.width(t.deathsUnknown, '11px'),
        );
        const x0 = o.p.x + 60 > x ? o.p.x + 70 : x;
        // In the margin beside it, as near to its own height as name and leader keep clear of what stands there.
        search: for (const dx of [0, -40, 40, -80, -120])
          for (const dy of [-22, 0, -44, 22, -66, 44, -88, 66, -110, 88]) {
            const at = { id: o.id, x: x0 + dx, y: o.p.y + dy };
            if (at.x < o.p.x + 40 || at.x + w + 8 > size.x || at.y < 20 || at.y > size.y - 40) continue;
            const box: Box = [at.x - 4, at.y - 16, at.x + w + 6, at.y + 18];
            const line = this.leaderBoxes(o.p.x, o.p.y, at.x, at.y);
            const clear = (l: Box) => !names.some((q) => l[0] < q[2] && l[2] > q[0] && l[1] < q[3] && l[3] > q[1]);
            if (this.hits(box) || !line.every(clear)) continue;
            this.boxes.push(box, ...line);
            names.push(box, ...line);
            this.top.push(at);
            break search;
          }
      }
    }
    let out = '';
    for (const o of this.top) {
      const i = h.units.indexOf(o.id);
      const u = app.unitById.get(o.id)!;
      const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
      const q = this.map.containerPointToLayerPoint([o.x, o.y]);
      const killed = app.tally.killed[i]!;
      const r = Math.max(3, this.ringRadius(killed)) + 2;
      const dx = p.x - (o.x - 6);
      const dy = p.y - o.y;
      const len = Math.hypot(dx, dy) || 1;
      const d = `M${(dx - (dx / len) * r).toFixed(1)},${(dy - (dy / len) * r).toFixed(1)}L-14,0H0`;
      out += `<svg class="leader" style="left:${q.x - 6}px;top:${q.y}px" width="1" height="1" aria-hidden="true"><path class="cs" d="${d}"/><path class="ld" d="${d}"/></svg><span class="ann" style="left:${q.x}px;top:${q.y}px"><b>${esc(u.name)}</b> <span class="num">${fmt(app.tally.unit[i]!)}</span><small>${app.tally.unitSilent[i] === app.tally.unit[i] ? t.deathsUnknown : app.tally.unitUnknown[i] === app.tally.unit[i] ? t.noBestLong : `<span class="num">${fmt(killed)}${app.tally.huge && killed >= OR_MORE ? '+' : ''}</span> ${t.killedS}`}</small></span>`;
    }
    if (out !== this.topHtml) {
      this.topHtml = out;
      box.innerHTML = out;
    }
  }
  /** leaderBoxes are small boxes along a leader, which nothing else may cover. */
  private leaderBoxes(px: number, py: number, x: number, y: number): Box[] {
    const out: Box[] = [];
    const run = (x0: number, y0: number, x1: number, y1: number, from: number) => {
      const len = Math.hypot(x1 - x0, y1 - y0);
      for (let d = from; d <= len; d += 6) {
        const cx = x0 + ((x1 - x0) * d) / len;
        const cy = y0 + ((y1 - y0) * d) / len;
        out.push([cx - 3, cy - 3, cx + 3, cy + 3]);
      }
    };
    run(px, py, x - 20, y, 12);
    run(x - 20, y, x - 6, y, 0);
    return out;
  }
  private topBox: HTMLElement | null = null;
  private topHtml = '';

  /** unitAt is the unit that a place of the map lies in. */
  private unitAt(lon: number, lat: number): string | null {
    if (!this.bounds.length)
      for (const f of this.app.units?.features ?? []) {
        const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
        for (const poly of polygons(f.geometry))
          for (const [x, y] of poly[0] as [number, number][]) {
            if (x < box[0]) box[0] = x;
            if (y < box[1]) box[1] = y;
            if (x > box[2]) box[2] = x;
            if (y > box[3]) box[3] = y;
          }
        this.bounds.push({ id: f.properties.id, box });
      }
    for (const [i, { id, box }] of this.bounds.entries())
      if (lon >= box[0] && lon <= box[2] && lat >= box[1] && lat <= box[3])
        if (inside(this.app.units!.features[i]!.geometry, lon, lat)) return id;
    return null;
  }

  /** within: a box around a point of the map lies wholly in the units that count as home. Corners, middle, edges. */
  private within(x: number, y: number, w: number, h: number, home: (id: string | null) => boolean): boolean {
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

  /** insideOffsets are the places of the rules (the anchor, then twelve directions) where a badge lies wholly at home. */
  private insideOffsets(
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

  /** wanted lists what is known only by unit, province, country or border in the window. */
  private wanted(): Omit<Badge, 'el' | 'at'>[] {
    const app = this.app;
    const h = app.header!;
    const tl = app.tally;
    const z = this.map.getZoom();
    const out: Omit<Badge, 'el' | 'at'>[] = [];
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
              words: t.somewhereIn(c.name),
              solid: false,
              lat: c.at[0],
              lon: c.at[1],
              places: (w) =>
                this.insideOffsets(key, c.at[0], c.at[1], w, [[0, 18]], RADII, (id) => this.isCountry(id, a.country)),
              only: { kind: 'country', country: a.country },
            });
        }
      }
      const inProvince = tl.spotArea[(Spot.PROVINCE << 8) | i]!;
      if (inProvince && a.province) {
        const at = this.provinceAnchor(a.province);
        if (at)
          out.push({
            key: `province:${a.country}:${a.province}`,
            n: inProvince,
            words: t.somewhereIn(a.province),
            solid: false,
            lat: at[0],
            lon: at[1],
            places: (w) => {
              // Below the province's name, wherever that was put.
              const [dx, dy] = this.nameAt.get(a.province!) ?? [0, 0];
              const first: Offset[] = [
                [dx, dy + 18],
                [dx, dy - 18],
                [0, 0],
                [0, 18],
              ];
              return this.insideOffsets(a.province!, at[0], at[1], w, first, [...RADII, 80, 110], (id) => {
                const u = id && app.unitById.get(id);
                return !!u && u.province === a.province && u.country === a.country;
              });
            },
            only: { kind: 'province', country: a.country, province: a.province },
          });
      }
    });
    const border = tl.spots(Spot.BORDER);
    if (border) {
      const at = this.borderAnchor();
      if (at)
        out.push({
          key: 'border',
          n: border,
          words: t.alongBorder,
          solid: true,
          lat: at[0],
          lon: at[1],
          places: (w) => this.besideBorder(at, w),
          only: { kind: 'border' },
        });
    }
    h.units.forEach((id, i) => {
      const n = tl.coarse[i]!;
      const former = n ? app.former(id) : undefined;
      if (!former) return;
      // Never shaded into the units of today and never a symbol: a badge of its own, between them.
      const parts = former.units ?? [];
      const at = this.formerAnchor(parts);
      if (!at) return;
      out.push({
        key: `unit:${id}`,
        n,
        words: t.somewhereIn(app.unitName(id)),
        solid: false,
        lat: at[0],
        lon: at[1],
        places: (w) =>
          this.insideOffsets(id, at[0], at[1], w, [[0, 0]], [...RADII, 80], (u) => !!u && parts.includes(u)),
        only: { kind: 'unit', unit: id },
      });
    });
    if (z >= OVERVIEW)
      h.units.forEach((id, i) => {
        const n = tl.coarse[i]!;
        const u = app.unitById.get(id);
        if (!n || !u) return;
        out.push({
          key: `unit:${id}`,
          n,
          words: t.somewhereIn(u.name),
          solid: false,
          lat: u.label_lat,
          lon: u.label_lon,
          places: (w) => this.insideOffsets(id, u.label_lat, u.label_lon, w, [[0, 0]], RADII, (at) => at === id),
          only: { kind: 'unit', unit: id },
        });
      });
    return out;
  }

  /** formerAnchor is the middle between the labels of the units of today that cover a former one. */
  private formerAnchor(units: string[]): [number, number] | null {
    const us = units.map((id) => this.app.unitById.get(id)).filter((u) => !!u);
    if (!us.length) return null;
    return [us.reduce((s, u) => s + u.label_lat, 0) / us.length, us.reduce((s, u) => s + u.label_lon, 0) / us.length];
  }

  private provinceAnchor(name: string): [number, number] | null {
    const known = PROVINCES[name];
    if (known) return known;
    const us = [...this.app.unitById.values()].filter((u) => u.province === name);
    if (!us.length) return null;
    return [us.reduce((s, u) => s + u.label_lat, 0) / us.length, us.reduce((s, u) => s + u.label_lon, 0) / us.length];
  }

  /** isCountry: the unit belongs to a country. */
  private isCountry(id: string | null, country: string): boolean {
    return !!id && this.app.unitById.get(id)?.country === country;
  }

  /** borderSeen are points of the line in view, in the middle of the view first. */
  private borderSeen(): [number, number][] {
    const s = this.map.getSize();
    const low = s.y - this.covered - 30;
    const all: [number, number][] = [];
    for (const line of this.borderLine('coarse'))
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

  /** borderAnchor is a point of the line in the middle of its part in view. */
  private borderAnchor(): [number, number] | null {
    if (this.anchor === undefined) {
      const seen = this.borderSeen();
      this.anchor = seen.length ? seen[Math.floor(seen.length * 0.62)]! : null;
    }
    return this.anchor;
  }
  /** undefined means: look again, the view has changed */
  private anchor: [number, number] | null | undefined;

  /** besideBorder are places next to the line, as offsets from the anchor: 8 px off, never on it. */
  private besideBorder(at: [number, number], w: number): Offset[] {
    const key = `border|${Math.ceil(w)}`;
    const had = this.insideCache.get(key);
    if (had) return had;
    const o = this.map.latLngToContainerPoint(at);
    const pts = this.borderSeen().map((p) => this.map.latLngToContainerPoint(p));
    const step = Math.max(1, Math.floor(pts.length / 24));
    const size = this.map.getSize();
    const out: Offset[] = [];
    const near = pts.filter((_, k) => k % step === 0).sort((a, b) => a.distanceTo(o) - b.distanceTo(o));
    for (const p of near)
      for (const [dx, dy] of [
        [-w / 2 - 10, 0],
        [w / 2 + 10, 0],
        [0, -20],
        [0, 20],
      ] as Offset[]) {
        const x = p.x + dx;
        const y = p.y + dy;
        if (x - w / 2 < 4 || x + w / 2 > size.x - 4 || y < 14 || y > size.y - this.covered - 14) continue;
        if (pts.some((q) => Math.abs(q.x - x) < w / 2 + 4 && Math.abs(q.y - y) < 9 + 4)) continue;
        out.push([Math.round(x - o.x), Math.round(y - o.y)]);
      }
    this.insideCache.set(key, out);
    return out;
  }

  private drawBadges(fresh: boolean): void {
    const z = this.map.getZoom();
    const wanted = this.wanted();
    const seen = new Set<string>();
    // While the brush moves, badges stand where they stood; a new one takes the first place free of the others.
    if (!fresh) this.boxes = [...this.staticBoxes];
    for (const w of wanted) {
      seen.add(w.key);
      let b = this.badges.get(w.key);
      if (!b) {
        const el = document.createElement('button');
        el.type = 'button';
        el.className = 'bdg';
        el.dataset.badge = w.key;
        el.addEventListener('click', (e) => {
          e.stopPropagation();
          this.app.set({ only: this.badges.get(w.key)!.only, tab: 'list' });
        });
        b = { ...w, n: -1, el, at: null };
        this.badges.set(w.key, b);
        this.badgePane.append(el);
      }
      const full = w.key.startsWith('unit:') || w.key.startsWith('province:') ? z >= 7.9 : true;
      const place = (words: boolean, last: boolean): boolean => {
        const text = words ? `${fmt(w.n)} ${w.words}` : fmt(w.n);
        const bw = this.width(text, '600 11px') + 14;
        const p = this.map.latLngToContainerPoint([w.lat, w.lon]);
        const take = (at: Offset): true => {
          b!.at = at;
          b!.words = words ? w.words : '';
          return true;
        };
        const places = w.places(bw);
        // Targets keep 24 px from middle to middle where there is room: in the overview.
        const tall = z < OVERVIEW ? 25 : 18;
        for (const at of places) if (!last && this.fits(p.x + at[0], p.y + at[1], bw, tall, 0)) return take(at);
        if (!last) return false;
        // Nothing is free: a badge is never dropped. Inside it stands where it hides least, else on the label point.
        let best: Offset = places[0] ?? [0, 0];
        let least = Infinity;
        for (const at of places) {
          const hidden = this.overlap([p.x + at[0] - bw / 2, p.y + at[1] - 9, p.x + at[0] + bw / 2, p.y + at[1] + 9]);
          if (hidden < least) {
            least = hidden;
            best = at;
          }
        }
        this.boxes.push([p.x + best[0] - bw / 2, p.y + best[1] - 9, p.x + best[0] + bw / 2, p.y + best[1] + 9]);
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
        el.setAttribute('aria-label', `${fmt(w.n)} ${w.words}`);
      }
      const at = `translate(${Math.round(p.x + b.at![0])}px,${Math.round(p.y + b.at![1])}px) translate(-50%,-50%)`;
      if (el.dataset.at !== at) {
        el.dataset.at = at;
        el.style.transform = at;
      }
      b.n = w.n;
    }
    for (const [key, b] of this.badges)
      if (!seen.has(key)) {
        b.el!.remove();
        this.badges.delete(key);
      }
  }

  // ---- the chosen incident

  private drawChosen(): void {
    const app = this.app;
    const d = app.detail;
    const z = this.map.getZoom();
    // A tehsil's outline comes after the incident.
    const sub = d?.feature?.properties.subunit_id;
    const key = d ? `${d.key}|${d.feature ? 1 : 0}|${z}|${app.theme}|${!!sub && !!app.other(sub)}` : '';
    if (key === this.chosenKey) return;
    const opened = d?.feature && !this.chosenKey.startsWith(`${d.key}|1`);
    this.chosenKey = key;
    this.chosen.clearLayers();
    this.selectedPane.textContent = '';
    this.layoutDue = true;
    if (!d?.feature) return;
    const f = d.feature;
    const p = f.properties;
    const pane = 'uncertainty';
    const renderer = this.renderer(pane);
    const type = Math.max(0, typeIndex(p.event_type));
    const add = (l: L.Layer) => this.chosen.addLayer(l);
    const outline = (ids: string[]) => {
      for (const u of app.units?.features ?? [])
        if (ids.includes(u.properties.id))
          add(
            L.geoJSON(u, {
              pane,
              interactive: false,
              style: () => ({ ...this.pathStyle('un hlu', 2), renderer }) as L.PathOptions,
            }),
          );
    };
    let bounds: L.LatLngBounds | null = null;
    const pt = f.geometry?.coordinates as [number, number] | undefined;
    if ((p.place_kind === 'point' || p.place_kind === 'circle') && pt) {
      const at: [number, number] = [pt[1], pt[0]];
      if (p.place_kind === 'circle') {
        const c = L.circle(at, {
          ...this.pathStyle('un', 1.3),
          radius: p.place_radius_m ?? 25000,
          pane,
          renderer,
          interactive: false,
        });
        add(c);
        bounds = c.getBounds();
      } else bounds = L.latLngBounds([at, at]);
      const r = z < CLOSE && z >= OVERVIEW ? 6 : symbolRadius(p.fatalities_best);
      const q = this.map.latLngToLayerPoint(at);
      const hollow = p.fatalities_best === null || p.fatalities_best === 0 || type === 5;
      this.selectedPane.innerHTML = `<svg class="mk" style="left:${q.x}px;top:${q.y}px" width="${2 * r + 14}" height="${2 * r + 14}" viewBox="${-r - 7} ${-r - 7} ${2 * r + 14} ${2 * r + 14}" aria-hidden="true"><circle r="${r + 5}" class="sd"/><circle r="${r + 5}" class="sr"/><path d="${shapePath(type, r)}" style="${hollow ? `fill:var(--case);stroke:var(--t${type});stroke-width:1.5${p.fatalities_best === null ? ';stroke-dasharray:2 2' : ''}` : `fill:var(--t${type});stroke:var(--case)`}"/></svg>`;
    } else if (p.place_kind === 'border') {
      const lines: Position[][] =
        f.place?.type === 'LineString'
          ? [f.place.coordinates]
          : f.place?.type === 'MultiLineString'
            ? f.place.coordinates
            : [];
      const line: L.LatLngExpression[][] = lines.length
        ? lines.map((l) => l.map((c) => [c[1]!, c[0]!] as [number, number]))
        : this.borderLine('coarse');
      const base = { pane, renderer, interactive: false, fill: false, lineCap: 'butt' as const };
      add(L.polyline(line, { ...this.pathStyle('bc', 9), ...base }));
      const coloured = L.polyline(line, { ...this.pathStyle(`seg t${type}`, 5), ...base });
      add(coloured);
      add(L.polyline(line, { ...this.pathStyle('bl0', 1.5, { dashArray: '9 3 1.5 3' }), ...base }));
      bounds = coloured.getBounds();
    } else if (p.place_kind === 'unit' && p.unit_id) {
      outline([p.unit_id]);
    } else if (p.place_kind === 'units') {
      outline(p.place_units ?? []);
    } else if (p.place_kind === 'province' && p.province) {
      outline([...app.unitById.values()].filter((u) => u.province === p.province).map((u) => u.id));
    }
    if (p.place_kind === 'subunit') {
      const sub = p.subunit_id ? app.other(p.subunit_id) : undefined;
      const shape = sub?.geometry ?? f.place ?? null;
      if (shape) {
        const l = L.geoJSON(shape as GeoJSON.GeometryObject, {
          pane,
          interactive: false,
          style: () => ({ ...this.pathStyle('un hlu', 2), renderer }) as L.PathOptions,
        });
        add(l);
        bounds = l.getBounds();
      } else if (p.unit_id) outline([p.unit_id]);
    }
    if (!bounds && p.place_kind === 'units') {
      const all = L.latLngBounds([]);
      for (const id of p.place_units ?? []) {
        const b = this.unitBounds(id);
        if (b) all.extend(b);
      }
      if (all.isValid()) bounds = all;
    }
    if (opened) this.bring(bounds ?? this.unitBounds(p.unit_id));
  }

  // ---- what the search found

  /** foundBounds is the area that was found; null for a position or for nothing that can be drawn. */
  private foundBounds(f: Found): L.LatLngBounds | null {
    const b = L.latLngBounds([]);
    for (const s of f.shapes) if (s.geometry) b.extend(L.geoJSON(s as GeoJSON.Feature).getBounds());
    for (const id of f.units) {
      const u = this.unitBounds(id);
      if (u) b.extend(u);
    }
    return b.isValid() ? b : null;
  }

  /** fly goes to what was found; the view is set at once, like every other here. */
  private fly(f: Found): void {
    if (f.at) {
      this.show(f.at[0], f.at[1], Math.max(this.map.getZoom(), 9.5));
      return;
    }
    const b = this.foundBounds(f);
    if (!b) return;
    const phone = this.phone;
    this.map.fitBounds(b, {
      animate: false,
      maxZoom: 11,
      paddingTopLeft: [30, 70],
      paddingBottomRight: phone ? [30, 30 + this.covered] : [60, 50],
    });
  }

  /** drawFound marks a position with the corners of a frame, which no incident has, or draws an area's outline. */
  private drawFound(): void {
    const f = this.app.found;
    const key = f ? `${f.name}|${f.at}|${f.units}|${f.shapes.length}|${this.unitsDrawn}` : '';
    if (f?.at) {
      const p = this.map.latLngToLayerPoint(f.at);
      this.foundMark.style.transform = `translate(${p.x}px,${p.y}px) translate(-50%,-50%)`;
    }
    if (key === this.foundKey) return;
    this.foundKey = key;
    this.foundLayer.clearLayers();
    this.layoutDue = true;
    this.foundMark.hidden = !f?.at;
    if (!f) return;
    if (f.at) {
      render(
        html`<svg width="36" height="36" viewBox="-18 -18 36 36" aria-hidden="true"><path class="cs" d="M-16-8v-8h8M8-16h8v8M16 8v8H8M-8 16h-8V8"/><path class="fb" d="M-16-8v-8h8M8-16h8v8M16 8v8H8M-8 16h-8V8"/></svg>`,
        this.foundMark,
      );
      return;
    }
    const pane = 'uncertainty';
    const style = () => ({ ...this.pathStyle('fnd', 2.5), renderer: this.renderer(pane) }) as L.PathOptions;
    for (const s of f.shapes)
      if (s.geometry) this.foundLayer.addLayer(L.geoJSON(s as GeoJSON.Feature, { pane, interactive: false, style }));
    for (const u of this.app.units?.features ?? [])
      if (f.units.includes(u.properties.id))
        this.foundLayer.addLayer(L.geoJSON(u, { pane, interactive: false, style }));
  }

  /** hover marks a row's symbol or badge. */
  private hover(row: number): void {
    this.hovered?.remove();
    this.hovered = null;
    for (const b of this.badges.values()) b.el?.classList.remove('hov');
    const app = this.app;
    const c = app.model?.cols;
    if (!c || row < 0) return;
    if (c.spot[row] === Spot.POINT) {
      const p = this.map.latLngToLayerPoint([c.lat[row]!, c.lon[row]!]);
      const el = document.createElement('i');
      el.className = 'hov-ring';
      el.style.transform = `translate(${p.x}px,${p.y}px) translate(-50%,-50%)`;
      this.map.getPane('selected')!.append(el);
      this.hovered = el;
      return;
    }
    const a = app.header!.areas[c.area[row]!];
    const key = {
      [Spot.UNIT]: `unit:${app.header!.units[c.unit[row]!]}`,
      [Spot.PROVINCE]: `province:${a?.country}:${a?.province}`,
      [Spot.COUNTRY]: `country:${a?.country}`,
      [Spot.BORDER]: 'border',
    }[c.spot[row]!];
    if (key) this.badges.get(key)?.el?.classList.add('hov');
  }
  private hovered: HTMLElement | null = null;

  private unitBounds(id: string | null): L.LatLngBounds | null {
    const f = id && this.app.units?.features.find((x) => x.properties.id === id);
    return f ? L.geoJSON(f).getBounds() : null;
  }

  /** bring moves the map only when the chosen place is out of sight or under the sheet. */
  private bring(b: L.LatLngBounds | null): void {
    if (!b) return;
    const size = this.map.getSize();
    const low = size.y - this.covered;
    const c = this.map.latLngToContainerPoint(b.getCenter());
    const ne = this.map.latLngToContainerPoint(b.getNorthEast());
    const sw = this.map.latLngToContainerPoint(b.getSouthWest());
    const seen = c.x > 40 && c.y > 30 && c.x < size.x - 40 && c.y < low - 30;
    if (seen && (ne.x - sw.x < size.x || ne.x < size.x + 40)) return;
    this.map.panBy([c.x - size.x / 2, c.y - low / 2], { animate: false });
  }

  // ---- pointer

  private pointer(el: HTMLElement): void {
    let last = '';
    const hide = () => {
      this.tip.hidden = true;
      last = '';
    };
    const show = (e: MouseEvent) => {
      const r = this.host.getBoundingClientRect();
      const x = e.clientX - r.left;
      const y = e.clientY - r.top;
      const target = e.target as Element;
      if (!el.contains(target)) return hide();
      const item = target.closest('.bdg') ? null : this.symbols.at(x, y, 2);
      el.style.cursor = item ? 'pointer' : '';
      const unit = target.closest<SVGPathElement>('[data-unit]')?.dataset.unit;
      const badge = target.closest<HTMLElement>('[data-badge]');
      const cross = this.crossingAt(x, y);
      let content: TemplateResult | null = null;
      let key = '';
      if (badge) {
        const b = this.badges.get(badge.dataset.badge!);
        if (b) {
          key = `b${b.key}${b.n}${this.app.window}${this.app.tally.total}`;
          content = html`<b>${fmt(b.n)}</b> ${b.only.kind === 'unit' ? t.somewhereIn(this.app.unitName(b.only.unit)) : b.el!.getAttribute('aria-label')!.replace(/^[\d,]+ /, '')}${b.only.kind === 'unit' ? this.formerFigures(b.only.unit) : nothing}<br><span class="dimmed">${t.openList}</span>`;
        }
      } else if (item) {
        key = `i${item.row},${item.n},${item.x}`;
        content = this.itemTip(item);
      } else if (cross) {
        key = `c${cross}`;
        const c = this.app.crossings!.features.find((f) => f.properties.name === cross)!.properties;
        content = html`<b>${c.name}</b><br>${t.crossing}${c.accuracy_km != null ? `, ${t.within(c.accuracy_km)}` : ''}`;
      } else if (unit && this.app.header) {
        key = `u${unit}${this.app.window}${this.app.tally.total}`;
        content = this.unitTip(unit);
      }
      if (!content) return hide();
      if (key !== last) {
        last = key;
        render(content, this.tip);
      }
      this.tip.hidden = false;
      const w = this.tip.offsetWidth;
      const h = this.tip.offsetHeight;
      this.tip.style.left = `${Math.max(4, x + 16 + w > r.width ? x - w - 12 : x + 16)}px`;
      this.tip.style.top = `${Math.max(4, Math.min(r.height - h - 28, y + 14))}px`;
    };
    this.host.addEventListener('mousemove', show);
    this.host.addEventListener('mouseleave', hide);
    this.map.on('click', (e: L.LeafletMouseEvent) => {
      const p = e.containerPoint;
      const item = this.symbols.at(p.x, p.y, matchMedia('(pointer: coarse)').matches ? 14 : 2);
      if (item) this.pick(item);
      else show(e.originalEvent);
    });
    this.map.on('movestart', hide);
  }

  private crossingAt(x: number, y: number): string | null {
    if (this.map.getZoom() < 7) return null;
    for (const f of this.app.crossings?.features ?? []) {
      const [lon, lat] = f.geometry.coordinates as [number, number];
      const p = this.map.latLngToContainerPoint([lat, lon]);
      if (
        Math.abs(p.x - x) < 8 &&
        Math.abs(p.y - y) < 8 &&
        this.labelPane.querySelector(`[data-crossing="${CSS.escape(f.properties.name)}"]`)
      )
        return f.properties.name;
    }
    return null;
  }

  private pick(item: Item): void {
    const app = this.app;
    if (item.n === 1) {
      app.select(item.row);
      return;
    }
    const { rows, box } = this.symbols.open(app.model!, item);
    const [x0, y0, x1, y1] = box;
    // Points that lie together at any zoom open as a list; others are taken apart by going closer.
    if ((x1 - x0 < 3 && y1 - y0 < 3) || this.map.getZoom() >= 12.5) {
      const { lon, lat } = app.model!.cols;
      let at: Box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const r of rows)
        at = [Math.min(at[0], lon[r]!), Math.min(at[1], lat[r]!), Math.max(at[2], lon[r]!), Math.max(at[3], lat[r]!)];
      app.set({ only: { kind: 'place', box: at.map((v) => +v.toFixed(4)) as Box }, tab: 'list' });
      return;
    }
    const a = this.map.containerPointToLatLng([x0, y0]);
    const b = this.map.containerPointToLatLng([x1, y1]);
    const before = this.map.getZoom();
    this.map.fitBounds(L.latLngBounds(a, b), { animate: false, padding: [60, 60], maxZoom: 12.5 });
    if (this.map.getZoom() <= before)
      this.map.setView(L.latLngBounds(a, b).getCenter(), before + 1, { animate: false });
  }

  private itemTip(m: Item): TemplateResult {
    const c = this.app.model!.cols;
    if (m.n > 1) return html`<b>${t.nIncidents(m.n)}</b><br><span class="dimmed">${t.clickZoom}</span>`;
    const i = m.row;
    const word = this.app.header!.precisions[c.precision[i]!];
    const k = c.best[i]!;
    const end = c.start[i]! + c.span[i]!;
    return html`<b>${typeWord(c.type[i]!)}</b> · ${fmtRange(c.start[i]!, end)}<br>${k === 65535 ? t.deathsUnknown : html`<span class="num">${fmtDeaths(k)}</span> ${t.killed}`}<br><span class="dimmed">${t.precisions[precisionClass(word)]}</span>`;
  }

  /** deaths of the incidents of a unit, by its place in the header; nothing of those where none has a figure. */
  private deaths(i: number): TemplateResult[] {
    const { unit, killed, unitUnknown, unitSilent, huge } = this.app.tally;
    const out: TemplateResult[] = [];
    if (unitUnknown[i]! < unit[i]!)
      out.push(html`<span class="num">${t.nKilled(killed[i]!, huge > 0 && killed[i]! >= OR_MORE)}</span>`);
    if (unitSilent[i]) out.push(html`${t.notReported(unitSilent[i]!)}`);
    return out;
  }

  /** formerFigures are for the badge of a former unit, which has neither a ring nor a tip of its own. */
  private formerFigures(id: string): TemplateResult[] {
    const i = this.app.header!.units.indexOf(id);
    return i >= 0 && this.app.former(id) ? this.deaths(i).map((d) => html`<br>${d}`) : [];
  }

  private unitTip(id: string): TemplateResult {
    const app = this.app;
    const u = app.unitById.get(id)!;
    const i = app.header!.units.indexOf(id);
    const n = i < 0 ? 0 : app.tally.unit[i]!;
    const cov = app.unitCoverage(id);
    const where = u.province !== u.name ? u.province : (t.countries[u.country] ?? u.country);
    const [a, b] = app.window;
    const part =
      cov.state === 'part'
        ? cov.to < b
          ? t.loadedTo(fmtDay(cov.to))
          : cov.from > a
            ? t.loadedFrom(fmtDay(cov.from))
            : ''
        : '';
    const coarse = i < 0 ? 0 : app.tally.coarse[i]!;
    return html`<b>${u.name}</b> · ${where}<br>${
      n
        ? html`<span class="num">${t.nIncidents(n)}</span>${this.deaths(i).map((d) => html`<br>${d}`)}`
        : app.progress || !app.datasets
          ? t.notLoadedMap
          : cov.state === 'none'
            ? t.noData
            : t.zeroReported
    }${n && app.datasets && cov.state === 'none' ? html`<br>${t.noData}` : nothing}${part ? html`<br>${part}` : nothing}${
      coarse ? html`<br><span class="dimmed">${t.ofThemSomewhere(coarse, u.name)}</span>` : nothing
    }${app.header!.units.map((other, k) => {
      const n0 = app.tally.unit[k]!;
      return n0 && app.former(other)?.units?.includes(id)
        ? html`<br><span class="dimmed">${t.alsoFormer(n0, app.unitName(other))}</span>`
        : nothing;
    })}`;
  }

  // ---- furniture: zoom, legend, what has no place, attribution

  private watched: HTMLElement | null = null;
  private furnitureKey = '';
  private drawFurniture(always = true): void {
    const app = this.app;
    const z = this.map.getZoom();
    const none = app.model ? app.tally.spots(Spot.NONE) : 0;
    const key = `${none}|${app.breaks}|${z}|${Math.round(this.ringMax)}|${app.found?.name}`;
    if (!always && key === this.furnitureKey) return;
    this.furnitureKey = key;
    const mode = z < OVERVIEW ? 'rings' : z < CLOSE ? 'clusters' : 'symbols';
    const phone = this.phone;
    const note = borderNote(app);
    const data = attribution(app);
    const compact = !phone && (this.low.matches || this.narrow.matches);
    const lg = () =>
      legend(app, {
        mode,
        ringMax: this.ringMax,
        radius: this.ringRadius,
        coarse: mode !== 'rings',
        compact,
        toggled: () => app.touch({ rest: true }),
      });
    render(
      html`<div class="mc">
          <div class="zm">
            <button type="button" aria-label=${t.zoomIn} title=${t.zoomIn} @click=${() => this.map.zoomIn(0.75)}>${icon('plus')}</button>
            <button type="button" aria-label=${t.zoomOut} title=${t.zoomOut} @click=${() => this.map.zoomOut(0.75)}>${icon('minus')}</button>
          </div>
          <div class="zm">
            <button type="button" aria-label=${t.wholeRegion} title=${t.wholeRegion} @click=${() => this.home()}>${icon('home')}</button>
            ${
              phone
                ? html`<button type="button" aria-label=${t.legend} aria-expanded=${this.legendOpen} @click=${() => {
                    this.legendOpen = !this.legendOpen;
                    this.drawFurniture();
                  }}>${icon('layers')}</button>`
                : nothing
            }
          </div>
        </div>
        ${phone ? html`${phoneLegend(app)}${this.legendOpen ? html`<div class="lgp"><div class="lgs">${lg()}<p class="src">${data}</p></div></div>` : nothing}` : lg()}
        ${
          app.found
            ? html`<div class="found" role="note"><span><b><bdi dir="auto">${app.found.name}</bdi></b> <span class="dimmed">${app.found.kind}</span><small>${app.found.note ?? t.searchMark}</small></span><button type="button" aria-label=${t.searchClear} title=${t.searchClear} @click=${() => app.show(null)}>${icon('x')}</button></div>`
            : nothing
        }
        ${
          none
            ? html`<button type="button" class="noplace" @click=${() => app.set({ only: { kind: 'none' }, tab: 'list' })}><b class="num">${fmt(none)}</b> ${t.noPlace(none)}</button>`
            : nothing
        }
        <div class="att"><span>${note}</span><span class="src">${data}</span></div>`,
      this.furniture,
    );
    // Attributions can be long: the legend stands on top of them.
    const att = this.furniture.querySelector<HTMLElement>('.att');
    if (att && att !== this.watched) {
      this.watched = att;
      new ResizeObserver(() => this.host.style.setProperty('--att', `${att.offsetHeight}px`)).observe(att);
    }
  }
}
