// What stands in the tooltip of a symbol, a cluster, a unit.

import { html, nothing, type TemplateResult } from 'lit';
import { OR_MORE } from '../lib/columns';
import { fmtRange } from '../lib/dates';
import { localName } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { digits, fmt, fmtDeaths } from '../lib/text';
import { precisionClass } from '../lib/vocab';
import { type App, typeWord } from '../state/app';
import { loadedText } from './legend';
import { FAN, type Item } from './symbols';

/** fmtRate writes incidents per 1,000 km², to a hundredth where they are few. */
const fmtRate = (v: number): string => (v < 100 ? digits(v.toFixed(v < 1 ? 2 : 1)) : fmt(Math.round(v)));

export function itemTip(app: App, m: Item): TemplateResult {
  const c = app.model!.cols;
  if (m.n > 1 || m.row < 0)
    return html`<b>${t.nIncidents(m.n)}</b><br><span class="dimmed">${m.pixel < 0 ? t.clickZoom : m.n > FAN ? t.openList : t.clickFan}</span>`;
  const i = m.row;
  const word = app.header!.precisions[c.precision(i)];
  const k = c.best(i);
  const end = c.last(i);
  return html`<b>${typeWord(c.type(i))}</b> · ${fmtRange(c.first(i), end)}<br>${k === 65535 ? t.deathsUnknown : html`<span class="num">${fmtDeaths(k)}</span> ${t.killed}`}<br><span class="dimmed">${t.precisions[precisionClass(word)]}</span>`;
}

/** deaths of the incidents of a unit, by its place in the header; nothing of those where none has a figure. */
function deaths(app: App, i: number): TemplateResult[] {
  const { unit, killed, unitUnknown, unitSilent, huge } = app.tally;
  const out: TemplateResult[] = [];
  if (unitUnknown[i]! < unit[i]!)
    out.push(html`<span class="nt">${t.nKilled(killed[i]!, huge > 0 && killed[i]! >= OR_MORE)}</span>`);
  if (unitSilent[i]) out.push(html`${t.notReported(unitSilent[i]!)}`);
  return out;
}

/** formerFigures are for the badge of a former unit, which has neither a ring nor a tip of its own. */
export function formerFigures(app: App, id: string): TemplateResult[] {
  const i = app.header!.units.indexOf(id);
  return i >= 0 && app.former(id) ? deaths(app, i).map((d) => html`<br>${d}`) : [];
}

export function unitTip(app: App, id: string): TemplateResult {
  const u = app.unitById.get(id)!;
  const i = app.header!.units.indexOf(id);
  const n = i < 0 ? 0 : app.tally.unit[i]!;
  const cov = app.unitCoverage(id);
  const where = u.province !== u.name ? app.provinceName(u.province) : (t.countries[u.country] ?? u.country);
  const part = loadedText(app, cov);
  const coarse = i < 0 ? 0 : app.tally.coarse[i]!;
  const name = localName(u);
  return html`<b>${name}</b> · ${where}<br>${
    n
      ? html`<span class="nt">${t.nIncidents(n)}</span>${app.state.shade === 'rate' ? html`<br><span class="num">${t.perArea(fmtRate(app.shadeOf(i)!), u.area_km2)}</span>` : nothing}${deaths(app, i).map((d) => html`<br>${d}`)}`
      : app.progress || !app.datasets
        ? t.notLoadedMap
        : cov.state === 'none'
          ? t.noData
          : t.zeroReported
  }${n && app.datasets && cov.state === 'none' ? html`<br>${t.noData}` : nothing}${part ? html`<br>${part}` : nothing}${
    coarse ? html`<br><span class="dimmed">${t.ofThemSomewhere(coarse, name)}</span>` : nothing
  }${app.header!.units.map((other, k) => {
    const n0 = app.tally.unit[k]!;
    return n0 && app.former(other)?.units?.includes(id)
      ? html`<br><span class="dimmed">${t.alsoFormer(n0, app.unitName(other))}</span>`
      : nothing;
  })}`;
}
