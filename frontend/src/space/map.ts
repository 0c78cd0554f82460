// The map: our own boundaries, shaded by count; symbols, rings and badges on top of them. Leaflet holds the outlines
// and the view; what changes with the brush is a class on a path, one canvas, and the text of some badges.

import * as L from 'leaflet';
import { html, nothing, render, type TemplateResult } from 'lit';
import { localName, onWords } from '../lib/i18n';
import { icon } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import { Spot } from '../lib/vocab';
import { attribution, borderNote } from '../panel/attribution';
import type { App, Change } from '../state/app';
import { Badges } from './badges';
import { BorderLayer } from './border';
import { Chosen } from './chosen';
import { FoundLayer } from './found';
import { Labels } from './labels';
import { loadLand } from './land';
import { legend, phoneLegend } from './legend';
import { Rings } from './rings';
import { type Box, CLOSE, OVERVIEW, Stage } from './stage';
import { FAN, type Fan, type Item, Symbols } from './symbols';
import { formerFigures, itemTip, unitTip } from './tips';
import { UnitsLayer } from './units';
import './space.css';

export class MapView {
  readonly map: L.Map;
  private stage: Stage;
  private symbols: Symbols;
  private units: UnitsLayer;
  private border: BorderLayer;
  private rings: Rings;
  private badges: Badges;
  private labels: Labels;
  private chosen: Chosen;
  private foundLayer: FoundLayer;
  private tip: HTMLElement;
  private furniture: HTMLElement;
  /** says how many incidents have no place on the map */
  private placeless = document.createElement('button');
  private looked: unknown = null;
  private fitted = false;
  private legendOpen = false;
  private choosing = false;
  private fan: Fan | null = null;

  constructor(
    private app: App,
    host: HTMLElement,
    still = 0,
  ) {
    const stage = new Stage(app, host, still);
    this.stage = stage;
    this.map = stage.map;
    const canvas = document.createElement('canvas');
    canvas.className = 'symbols';
    canvas.setAttribute('aria-hidden', 'true');
    this.map.getPane('symbols')!.append(canvas);
    this.symbols = new Symbols(canvas, still);
    this.units = new UnitsLayer(stage);
    this.border = new BorderLayer(stage);
    this.rings = new Rings(stage, this.symbols);
    this.badges = new Badges(stage, this.border);
    this.labels = new Labels(stage, this.symbols, this.border, this.rings, this.badges);
    this.chosen = new Chosen(stage, this.border, this.badges);
    this.foundLayer = new FoundLayer(stage, (lat, lon, zoom) => this.show(lat, lon, zoom));
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.furniture = document.createElement('div');
    this.furniture.className = 'furniture';
    host.append(this.furniture, this.tip);
    this.placeless.type = 'button';
    this.placeless.className = 'noplace';
    this.placeless.addEventListener('click', () => app.set({ only: { kind: 'none' }, tab: 'list' }));
    onWords(() => {
      this.map.getContainer().setAttribute('aria-label', t.mapLabel);
      this.badges.forget();
      this.drawFurniture();
    });

    const v = app.state.view;
    if (v) {
      this.show(v.lat, v.lon, v.zoom);
      this.fitted = true;
    } else this.map.setView([31.5, 68], 5.5, { animate: false });
    this.map.on('move', () => this.moved(false));
    this.map.on('moveend zoomend resize', () => this.moved(true));
    this.pointer(this.map.getContainer());
    app.hover = (row) => this.chosen.hover(row);
    app.fly = (f) => this.foundLayer.fly(f);
    app.restored = () => {
      const to = app.state.view;
      if (to) this.show(to.lat, to.lon, to.zoom);
    };
    // The first picture of the data comes before the backdrop, unless they are long in coming.
    const turn = new Promise<void>((ok) => {
      app.later(ok);
      setTimeout(ok, still ? 0 : 700);
    });
    this.land = loadLand(stage, turn).then((towns) => {
      this.labels.towns = towns;
      this.moved(true);
    });
  }
  /** land is kept when the backdrop is drawn. */
  readonly land: Promise<void>;
  /** close ends a map that stood still for a picture. */
  close(): void {
    cancelAnimationFrame(this.frame);
    this.map.remove();
  }

  // ---- the fixed parts

  private weights(): void {
    const z = this.map.getZoom();
    this.units.weights();
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
    const bounds = this.stage.boundsOf((id) => this.app.inFocus(id));
    if (!bounds) return;
    // The strip may have come or gone in this very frame.
    this.map.invalidateSize({ animate: false, pan: false });
    const phone = this.stage.phone;
    const w = this.map.getSize().x;
    this.fitted = true;
    this.map.options.maxBounds = undefined;
    this.map.options.minZoom = 5;
    this.limited = '';
    // The legend is at the end of the text's line.
    const rtl = document.documentElement.dir === 'rtl' && !phone && !this.stage.narrow.matches;
    const legend = Math.min(230, w * 0.25);
    this.map.fitBounds(bounds, {
      animate: false,
      paddingTopLeft: [rtl ? legend : 6, 4],
      // Kept free for the legend; less where there is no room to spare.
      paddingBottomRight: phone
        ? [10, 10 + this.stage.covered]
        : this.stage.narrow.matches
          ? [10, 116]
          : [rtl ? 6 : legend, 44],
    });
    this.homeZoom = this.map.getZoom();
    this.limit();
  }
  /** show puts a place into the middle of what is not under the sheet. */
  private show(lat: number, lon: number, asked: number): void {
    // The map stands on quarters; the sheet's part is counted at the zoom that it will have.
    const zoom = Math.max(5, Math.min(13, Math.round(asked * 4) / 4));
    const p = this.map.project([lat, lon], zoom);
    this.map.setView(this.map.unproject([p.x, p.y + this.stage.covered / 2], zoom), zoom, { animate: false });
  }
  /** middle is the place in the middle of what is not under the sheet: the centre that links keep. */
  private middle(): L.LatLng {
    const c = this.map.getCenter();
    if (!this.stage.covered) return c;
    const z = this.map.getZoom();
    const p = this.map.project(c, z);
    return this.map.unproject([p.x, p.y - this.stage.covered / 2], z);
  }

  private limited = '';
  private homeZoom = 5;
  /** limit keeps the view where the backdrop has coasts: beyond its edges there would be false, straight ones. */
  private limit(): void {
    const map = this.map;
    const size = map.getSize();
    const z = map.getZoom();
    if (!size.x || !size.y) return;
    const key = `${size}|${z}|${Math.round(this.stage.covered)}`;
    if (key === this.limited) return;
    this.limited = key;
    const [south, west, north, east] = [18.1, 33, 43.9, 100];
    if (!this.stage.phone) {
      // So high a window that it would look beyond north and south begins closer, but never closer than the region.
      const high = map.project([south, 0], 0).y - map.project([north, 0], 0).y;
      const need = Math.ceil(Math.log2(size.y / high) * 4) / 4;
      const least = Math.max(5, Math.min(need, this.homeZoom));
      if (map.getMinZoom() !== least) map.setMinZoom(least);
    }
    const low = map.project([south, west], z);
    map.setMaxBounds([
      [map.unproject([low.x, low.y + this.stage.covered], z).lat, west],
      [north, east],
    ]);
  }

  private frame = 0;
  private moved(end: boolean): void {
    this.looked = null;
    if (end) {
      this.limit();
      this.border.moved();
      this.stage.insideCache.clear();
      this.weights();
      this.border.draw();
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

  private missed = false;
  draw(c: Change): void {
    const app = this.app;
    // Under the table nothing is drawn but what is said of the data; all of it when the map comes back.
    if (app.state.show === 'table' && !this.stage.still) {
      this.missed = true;
      this.drawFurniture(c.data || c.ui);
      return;
    }
    if (this.missed) {
      this.missed = false;
      c = { data: true, filter: true, window: true, view: true, ui: true, rest: true };
    }
    if (c.data) {
      this.border.moved();
      this.stage.fresh();
      this.border.fresh();
      this.fan = null; // its rows may be others now
      // First the view, then what is drawn in it: the other way round all outlines would be worked out twice.
      if (app.units && !this.fitted) this.home();
      this.units.draw();
      this.border.draw();
      this.drawBase();
      this.looked = null;
      // Names come after the first picture, and anew with the last of the incidents.
      if (!app.progress) this.layoutDue = true;
    }
    if (c.view || c.data) this.symbols.readColours();
    if (c.rest) this.layoutDue = true;
    if (app.model && (c.window || c.data || c.rest || c.view)) {
      if (c.window || c.data || c.rest) this.units.shade();
      this.paint();
    }
    if (this.chosen.draw()) this.layoutDue = true;
    if (this.foundLayer.draw()) this.layoutDue = true;
    // While the brush moves, only what it changes is drawn: the number without a place, the scale of the rings.
    if (c.ui || c.window || c.rest || c.data || c.view) this.drawFurniture(!app.moving || c.data);
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
    // The overview shows no places.
    if (zoom >= OVERVIEW) model.look(zoom, origin.x + corner.x, origin.y + corner.y, size.x, size.y);
    if (zoom >= OVERVIEW && this.looked !== model.seen) {
      this.symbols.look(model, zoom, origin.x + corner.x, origin.y + corner.y, size.x, size.y);
      this.looked = model.seen;
    }
    this.symbols.clear(size.x, size.y);
    if (zoom < OVERVIEW) this.rings.paint();
    else if (model.groups) this.symbols.drawGroups(model.groups);
    else {
      const vicinity = app.header!.precisions.indexOf('vicinity_25km');
      this.symbols.draw(model, zoom < CLOSE, app.selectedRow, vicinity, this.fan);
    }
    if (this.layoutDue && !app.moving && (app.ready || this.stage.still)) {
      this.layoutDue = false;
      this.labels.layout();
    } else if (app.ready) {
      this.badges.draw(false, this.labels.staticBoxes);
      this.rings.draw(false);
    }
    const dim = !!app.detail;
    this.symbols.canvas.style.opacity = dim ? '.5' : '';
    this.map.getPane('badges')!.classList.toggle('dim', dim);
    const p = dim ? app.detail?.feature?.properties : null;
    for (const b of this.badges.all.values())
      if (b.solid) b.el?.classList.toggle('keep', p?.place_kind === 'border' && (!b.along || b.along === p.unit_id));
  }

  // ---- pointer

  private pointer(el: HTMLElement): void {
    let last = '';
    const hide = () => {
      this.tip.hidden = true;
      last = '';
    };
    const show = (e: MouseEvent) => {
      const r = this.stage.host.getBoundingClientRect();
      const x = e.clientX - r.left;
      const y = e.clientY - r.top;
      const target = e.target as Element;
      if (!el.contains(target)) return hide();
      const item = target.closest('.bdg') || this.app.compared ? null : this.symbols.at(x, y, 2);
      el.style.cursor = item ? 'pointer' : '';
      const unit = target.closest<SVGPathElement>('[data-unit]')?.dataset.unit;
      const badge = target.closest<HTMLElement>('[data-badge]');
      const cross = this.crossingAt(x, y);
      let content: TemplateResult | null = null;
      let key = '';
      if (badge) {
        const b = this.badges.all.get(badge.dataset.badge!);
        if (b) {
          key = `b${b.key}${b.n}${this.app.window}${this.app.tally.total}`;
          content = html`<b>${fmt(b.n)}</b> ${b.only.kind === 'unit' ? t.somewhereIn(this.app.unitName(b.only.unit)) : b.el!.getAttribute('aria-label')!.replace(/^[\d,٬۰-۹]+ /, '')}${b.only.kind === 'unit' ? formerFigures(this.app, b.only.unit) : nothing}<br><span class="dimmed">${t.openList}</span>`;
        }
      } else if (item) {
        key = `i${item.row},${item.n},${item.x}`;
        content = itemTip(this.app, item);
      } else if (cross) {
        key = `c${cross}`;
        const c = this.app.crossings!.features.find((f) => f.properties.name === cross)!.properties;
        content = html`<b>${localName(c)}</b><br>${t.crossing}${c.accuracy_km != null ? `, ${t.within(c.accuracy_km)}` : ''}`;
      } else if (unit && this.app.header) {
        key = `u${unit}${this.app.window}${this.app.state.compare}${this.app.tally.total}`;
        content = this.app.compared?.tip(unit) ?? unitTip(this.app, unit);
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
    this.stage.host.addEventListener('mousemove', show);
    this.stage.host.addEventListener('mouseleave', hide);
    this.map.on('click', (e: L.LeafletMouseEvent) => {
      const p = e.containerPoint;
      const finger = matchMedia('(pointer: coarse)').matches;
      const item = this.symbols.at(p.x, p.y, finger ? 14 : 2);
      const { clientX, clientY } = e.originalEvent;
      const badge = !item && finger && this.badges.near(clientX, clientY);
      if (item && !this.app.compared) {
        hide();
        this.pick(item);
      } else if (badge) badge.click();
      else {
        this.takeApart(null);
        show(e.originalEvent);
      }
    });
    this.map.on('movestart', hide);
    this.map.on('zoomstart', () => this.takeApart(null));
    el.addEventListener('keydown', (e) => {
      if (e.key === 'Escape') this.takeApart(null);
    });
  }

  private crossingAt(x: number, y: number): string | null {
    if (this.map.getZoom() < 7) return null;
    for (const f of this.app.crossings?.features ?? []) {
      const [lon, lat] = f.geometry.coordinates as [number, number];
      const p = this.map.latLngToContainerPoint([lat, lon]);
      if (
        Math.abs(p.x - x) < 8 &&
        Math.abs(p.y - y) < 8 &&
        this.map.getPane('labels')!.querySelector(`[data-crossing="${CSS.escape(f.properties.name)}"]`)
      )
        return f.properties.name;
    }
    return null;
  }

  /** takeApart fans out the incidents of one place, or puts them together again. */
  private takeApart(fan: Fan | null): void {
    if (fan === this.fan) return;
    this.fan = fan;
    this.app.touch({ view: true });
  }

  private pick(item: Item): void {
    const app = this.app;
    // What the server has put together has no rows here: it is taken apart by going closer.
    if (item.row < 0 && !item.cells && item.pixel < 0) {
      this.map.setView(this.map.containerPointToLatLng([item.x, item.y]), this.map.getZoom() + 1, { animate: false });
      return;
    }
    if (item.n === 1) {
      app.select(item.row);
      return;
    }
    const { rows, box } = this.symbols.open(app.model!, item);
    if (item.pixel >= 0 && rows.length <= FAN) {
      this.takeApart(this.fan?.rows[0] === rows[0] ? null : { rows });
      return;
    }
    const [x0, y0, x1, y1] = box;
    // Points that lie together at any zoom open as a list; others are taken apart by going closer.
    if (item.pixel >= 0 || (x1 - x0 < 3 && y1 - y0 < 3) || this.map.getZoom() >= 12.5) {
      const c = app.model!.cols;
      let at: Box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const r of rows)
        at = [
          Math.min(at[0], c.lon(r)),
          Math.min(at[1], c.lat(r)),
          Math.max(at[2], c.lon(r)),
          Math.max(at[3], c.lat(r)),
        ];
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

  // ---- furniture: zoom, legend, what has no place, attribution

  private watched: HTMLElement | null = null;
  private furnitureKey = '';
  private drawFurniture(always = true): void {
    const app = this.app;
    const z = this.map.getZoom();
    const none = app.model ? app.tally.spots(Spot.NONE) : 0;
    const key = `${app.compared ? app.window : ''}|${app.state.compare}|${app.state.shade}|${app.breaks}|${z}|${Math.round(this.rings.max)}|${app.found?.name}`;
    this.placeless.hidden = !none;
    if (none) render(html`<b class="num">${fmt(none)}</b> ${t.noPlace(none)}`, this.placeless);
    if (!always && key === this.furnitureKey) return;
    this.furnitureKey = key;
    const mode = z < OVERVIEW ? 'rings' : z < CLOSE ? 'clusters' : 'symbols';
    const phone = this.stage.phone;
    const note = borderNote(app);
    const data = attribution(app);
    const compact =
      !phone && !this.stage.still && (app.state.embed || this.stage.low.matches || this.stage.narrow.matches);
    const lg = () =>
      app.compared?.legend(compact) ??
      legend(app, {
        mode,
        ringMax: this.rings.max,
        radius: this.rings.radius,
        coarse: mode !== 'rings',
        compact,
        toggled: () => app.touch({ rest: true }),
        choosing: this.choosing,
        choose: () => {
          this.choosing = !this.choosing;
          app.touch({ rest: true });
        },
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
        ${phone ? html`${app.compared?.phoneLegend() ?? phoneLegend(app)}${this.legendOpen ? html`<div class="lgp"><div class="lgs">${lg()}<p class="src">${data}</p></div></div>` : nothing}` : !this.stage.still && this.stage.flat.matches ? html`<details class="lgf" @toggle=${() => app.touch({ rest: true })}><summary>${t.legend}</summary>${lg()}</details>` : lg()}
        ${
          app.found
            ? html`<div class="found" role="note"><span><b><bdi dir="auto">${app.found.name}</bdi></b> <span class="dimmed">${app.found.kind}</span><small>${app.found.note ?? t.searchMark}</small></span><button type="button" aria-label=${t.searchClear} title=${t.searchClear} @click=${() => app.show(null)}>${icon('x')}</button></div>`
            : nothing
        }
        ${this.placeless}
        <div class="att"><span>${note}</span><span class="src">${data}</span></div>`,
      this.furniture,
    );
    // Attributions can be long: the legend stands on top of them.
    const att = this.furniture.querySelector<HTMLElement>('.att');
    if (att && att !== this.watched) {
      this.watched = att;
      new ResizeObserver(() => this.stage.host.style.setProperty('--att', `${att.offsetHeight}px`)).observe(att);
    }
  }
}
