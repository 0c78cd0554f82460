// The map of two windows: the legend of the change and what stands in the tooltip of a unit.
import { html, nothing, type TemplateResult } from 'lit';
import { fmtRange } from '../lib/dates';
import { t } from '../lib/strings.en';
import { digits } from '../lib/text';
import type { App } from '../state/app';
import type { Comparison } from '../table/comparison';

/** signed writes a change with its sign; a part of an incident, from windows of unequal length, to one figure. */
export function signed(v: number): string {
  const n = Math.abs(v);
  const text =
    Number.isInteger(n) || n >= 100 ? Math.round(n).toLocaleString('en') : n < 0.95 ? n.toPrecision(1) : n.toFixed(1);
  return digits(text === '0' ? '0' : `${v < 0 ? '−' : '+'}${text}`);
}

/** classes are the names of the classes, from the largest decrease to the largest increase. */
const CLASSES = [-3, -2, -1, 0, 1, 2, 3];
export const className = (k: number): string => (k < 0 ? `m${-k}` : k > 0 ? `p${k}` : 'm0');

const ramp = (c: Comparison): TemplateResult =>
  html`<div class="ramp">${CLASSES.map(
    (k) =>
      html`<div><i class=${className(k)}></i><span class="num">${signed(Math.sign(k) * (c.breaks[Math.abs(k) - 1] ?? 0))}</span></div>`,
  )}</div>`;

export function changeLegend(app: App, c: Comparison, compact: boolean): TemplateResult {
  const [a, b] = [app.window, app.state.compare!];
  return html`<section class="lg" data-change-legend aria-label=${t.legend}>
    <h2>${t.compare.changeOf[app.state.shade]}</h2>
    ${ramp(c)}<p class="ways"><span>${t.compare.fewer}</span><span>${t.compare.more}</span></p>
    <p class="part"><b>A</b> <bdi>${fmtRange(...a)}</bdi><br><b>B</b> <bdi>${fmtRange(...b)}</bdi></p>
    <p class="part">${t.compare.minus} ${c.lengths()}</p>
    ${
      compact
        ? nothing
        : html`<div class="lk one"><div><svg width="22" height="11" aria-hidden="true"><rect width="21" height="10" x=".5" y=".5" class="hatched" /></svg>${t.compare.one}</div></div>`
    }
  </section>`;
}

export const changePhoneLegend = (app: App, c: Comparison): TemplateResult =>
  html`<div class="plg"><span>${t.compare.changeOf[app.state.shade]}</span>${ramp(c)}</div>`;

export function changeTip(app: App, c: Comparison, id: string): TemplateResult {
  const r = c.unit(id);
  const line = (name: string, days: [number, number], v: string | TemplateResult) =>
    html`<br><b>${name}</b> <bdi>${fmtRange(...days)}</bdi>: <span class="num">${v}</span>`;
  return html`<b>${app.unitName(id)}</b><br>${t.compare.measure[app.state.shade]}${line('A', app.window, r.textA)}${line('B', app.state.compare!, r.textB)}<br>${
    r.change === null ? r.why : html`${t.compare.change} <span class="num">${signed(r.change)}</span>`
  }`;
}
