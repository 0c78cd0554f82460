// The legend says what the map shows at this zoom, and always how zero and "nothing loaded" look.
import { html, nothing, svg, type TemplateResult } from 'lit';
import { fmtDay } from '../lib/dates';
import { symbolRadius } from '../lib/shapes';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import type { App, Coverage } from '../state/app';
import { SHADES } from '../state/permalink';

interface Shown {
  mode: 'rings' | 'clusters' | 'symbols';
  ringMax: number;
  radius: (killed: number) => number;
  coarse: boolean;
  /** little room: only the colours stand open */
  compact: boolean;
  toggled: () => void;
  /** the choice of what is shaded is open */
  choosing: boolean;
  choose: () => void;
}

function ramp(app: App): TemplateResult {
  const last = app.breaks.length - 1;
  // A rate below the first step has the first colour: nothing above zero may look like zero.
  const word = (b: number, k: number) =>
    k === last ? `${fmt(b)}+` : k === 0 && app.state.shade === 'rate' ? '>0' : fmt(b);
  return html`<div class="ramp"><div><i class="z0"></i><span>${fmt(0)}</span></div>${app.breaks.map(
    (b, k) => html`<div><i class="c${k + 1}"></i><span class="num">${word(b, k)}</span></div>`,
  )}</div>`;
}

/** hasUnknown: a unit has incidents, but none of them says how many died. */
const hasUnknown = (app: App): boolean =>
  app.state.shade === 'killed' && !!app.header?.units.some((id, i) => app.inFocus(id) && app.shadeOf(i) === null);

/** choose is how the units are shaded, and whether the steps of the scale stay as they are. */
function choose(app: App, { choosing: open, choose: flip }: Shown): TemplateResult | typeof nothing {
  const { shade, scale } = app.state;
  if (!open && !scale) return nothing;
  return html`<div class="shb">${
    open
      ? html`<div role="radiogroup" aria-label=${t.shadeBy}>${SHADES.map(
          (s) =>
            html`<label><input type="radio" name="shade" value=${s} .checked=${s === shade} @change=${() => app.set({ shade: s, scale: null })}>${t.shadeWords[s]}</label>`,
        )}</div>`
      : nothing
  }<label><input type="checkbox" data-keep .checked=${!!scale} @change=${(e: Event) => {
    const keep = (e.target as HTMLInputElement).checked;
    // Let go of with the choice shut, it would vanish under the pointer: the choice opens instead.
    if (!keep && !open) flip();
    app.set({ scale: keep ? [...app.breaks] : null });
  }}>${t.keepScale}</label></div>`;
}

const hatch = html`<svg width="22" height="11" aria-hidden="true"><rect width="21" height="10" x=".5" y=".5" class="hatched" /></svg>`;
const dots = html`<svg width="22" height="11" aria-hidden="true"><rect width="21" height="10" x=".5" y=".5" class="dotted" /></svg>`;
const dash = html`<svg width="22" height="11" aria-hidden="true"><path d="M0 5.5H22" class="bl0" stroke-width="1.6" stroke-dasharray="7 2.5 1.5 2.5" /></svg>`;

const circle = (r: number) =>
  html`<svg width=${2 * r + 3} height=${2 * r + 3} viewBox="${-r - 1.5} ${-r - 1.5} ${2 * r + 3} ${2 * r + 3}" aria-hidden="true">${svg`<circle r=${r} class="lr" />`}</svg>`;

const donut = () =>
  html`<svg width="22" height="22" viewBox="-11 -11 22 22" aria-hidden="true"><circle r="10" class="dc" /><path d="M0-8A8 8 0 1 1-6.900 4" class="d0" /><path d="M-6.900 4A8 8 0 0 1 0-8" class="d1" /><text y="3.800" text-anchor="middle">${fmt(12)}</text></svg>`;

const none = html`<svg width="22" height="12" viewBox="-11 -6 22 12" aria-hidden="true"><circle r="4" class="lh" /></svg>`;
const unknown = html`<svg width="22" height="12" viewBox="-11 -6 22 12" aria-hidden="true"><circle r="4" class="lh" stroke-dasharray="2 2" /></svg>`;

const vicinity = html`<svg width="22" height="22" viewBox="-11 -11 22 22" aria-hidden="true"><circle r="10" class="lh" stroke-dasharray="3 3" /></svg>`;

/** rounds picks up to three round numbers for the scale of rings. */
function rounds(max: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000];
  const upto = steps.filter((s) => s <= max * 1.2);
  const n = upto.length;
  return n <= 3 ? upto : [upto[n - 5] ?? upto[0]!, upto[n - 3]!, upto[n - 1]!].filter((v, i, a) => a.indexOf(v) === i);
}

/** loadedText says which part of the window is loaded; empty when it is whole, or nothing is. */
export function loadedText(app: App, c: Coverage): string {
  const [a, b] = app.window;
  if (c.state !== 'part') return '';
  return [c.to < b ? t.loadedTo(fmtDay(c.to)) : c.from > a ? t.loadedFrom(fmtDay(c.from)) : '', c.gap ? t.gapShort : '']
    .filter(Boolean)
    .join(t.comma);
}

/** partTexts say how far the data reach where they end inside the window, and of days in it without any; empty when they cover it. */
function partTexts(app: App): string[] {
  const ends = new Map<number, number>();
  let n = 0;
  let gap = false;
  const days = app.window;
  for (const id of app.header?.units ?? []) {
    if (!app.inFocus(id)) continue;
    const c = app.unitCoverage(id, days);
    if (c.state !== 'part') continue;
    n++;
    gap ||= c.gap;
    ends.set(c.to, (ends.get(c.to) ?? 0) + 1);
  }
  if (!n) return [];
  const [to, most] = [...ends].sort((a, b) => b[1] - a[1])[0]!;
  const text =
    most < n * 0.8 || to >= app.window[1] ? t.partly : most === n ? t.partAll(fmtDay(to)) : t.partMost(fmtDay(to));
  return gap ? [text, t.gapLong] : [text];
}

export function legend(app: App, s: Shown): TemplateResult {
  const rest = html`<div class="lk">
      <div>${hatch}${t.nothingLoaded}</div>
      ${hasUnknown(app) ? html`<div class="wide">${dots}${t.allUnknown}</div>` : nothing}
      ${s.mode !== 'rings' ? html`<div>${donut()}${t.several}</div>` : html`<div><svg width="22" height="11" aria-hidden="true"><path d="M0 5.5H22" class="pv" stroke-width="1.2" /></svg>${t.provinceLine}</div>`}
      ${s.coarse ? html`<div><span class="bdg key">${fmt(7)}</span>${t.districtOnly}</div>` : nothing}
      <div>${dash}${t.borderShort}</div>
      ${s.coarse ? html`<div>${none}${t.noneKilled}</div><div>${unknown}${t.deathsUnknown}</div>` : nothing}
      ${s.mode === 'symbols' ? html`<div>${vicinity}${t.precisions[1]}</div>` : nothing}
    </div>
    ${
      s.mode === 'rings' && app.tally.best > 0
        ? html`<div class="lk scale"><div>${t.ring}</div>${rounds(s.ringMax).map((v) => html`<div class="v">${circle(s.radius(v))}<span class="num">${fmt(v)}</span></div>`)}</div>`
        : s.mode === 'symbols'
          ? html`<div class="lk scale"><div>${t.area}</div>${[1, 10, 50].map((v) => html`<div class="v">${circle(symbolRadius(v))}<span class="num">${fmt(v)}</span></div>`)}</div>`
          : nothing
    }
    ${partTexts(app).map((text) => html`<p class="part">${text}</p>`)}`;
  return html`<section class="lg ${s.compact ? 'cmp' : ''}" aria-label=${t.legend}>
    <h2><span>${t.shades[app.state.shade]}</span><button type="button" class="lnk" aria-expanded=${s.choosing} @click=${s.choose}>${s.choosing ? t.shadeDone : t.shadeChange}</button></h2>
    ${ramp(app)}${s.mode === 'symbols' ? html`<p class="part">${t.shadeFar}</p>` : nothing}${choose(app, s)}
    ${s.compact ? html`<details @toggle=${s.toggled}><summary>${t.legendMore}</summary>${rest}</details>` : rest}
  </section>`;
}

export const phoneLegend = (app: App): TemplateResult =>
  html`<div class="plg"><span>${t.shadesShort[app.state.shade]}</span>${ramp(app)}</div>`;
