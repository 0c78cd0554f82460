// What each side, or the source in words of its own, says in numbers. Figures of two sides stand beside each other and
// are never added; a bound stays a bound.
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { Claim, Incident } from '../api/client';
import { fmtDay, parseIso } from '../lib/dates';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';

type Numbers = Pick<Claim, 'low' | 'best' | 'high' | 'qualifier'>;

/** named are the claimants that have a name. A claim without one is the source's own way to give a number. */
export const named = (claims: Claim[]): string[] => [...new Set(claims.map((c) => c.claimant ?? '').filter(Boolean))];

/** bound is the qualifier as a key of t.qualifiers: the one given or, of a lone end of a range, the one that it means. */
function bound(c: Numbers): string {
  if (c.qualifier) return c.qualifier.trim().toLowerCase().replace(/\s+/g, '_');
  if (c.best !== null) return '';
  return c.low !== null && c.high === null ? 'at_least' : c.low === null && c.high !== null ? 'at_most' : '';
}
/** word looks a word of the data up. It may be any word, also one that every object has. */
const word = (words: Record<string, string>, key: string): string =>
  (Object.hasOwn(words, key) ? words[key] : undefined) ?? '';
const openAbove = (c: Numbers): boolean => ['at_least', 'over', 'more_than'].includes(bound(c));
const openBelow = (c: Numbers): boolean => ['at_most', 'under', 'fewer_than', 'less_than'].includes(bound(c));

/** ends are the numbers that a claim can be drawn at: one, the two of a range, or none. */
function ends(c: Numbers): number[] {
  if (c.best !== null) return [c.best];
  return [c.low, c.high].filter((n, i, a): n is number => n !== null && a.indexOf(n) === i);
}

/** figureWords is the number with its qualifier, "at least 100" or "13–22"; null where no number is given. */
export function figureWords(c: Numbers): string | null {
  const n = ends(c);
  if (!n.length) return null;
  const words = word(t.qualifiers, bound(c));
  return `${words ? `${words} ` : ''}${n.map(fmt).join('–')}`;
}

/** whyNoBest is what stands in the list in place of a best estimate. */
export function whyNoBest(p: Incident): string {
  const killed = (p.claims ?? []).filter((c) => c.quantity === 'killed' && figureWords(c) !== null);
  const who = named(killed).length;
  if (who) return who > 1 ? t.claimsShort : t.claimsAny;
  const whole = killed.filter((c) => !c.about);
  const c =
    whole.length === 1 ? whole[0]! : { low: p.fatalities_low, best: null, high: p.fatalities_high, qualifier: null };
  return figureWords(c) ?? t.notReportedShort;
}

/** claimTable has a column for each claimant and a row for each thing that is counted. */
export function claimTable(p: Incident, claims: Claim[]): TemplateResult {
  const who = [...new Set(claims.map((c) => c.claimant ?? ''))];
  const names = named(claims).length;
  const kinds = [...new Map(claims.map((c) => [`${c.quantity}|${c.about ?? ''}`, c])).values()];
  const role = (name: string) => {
    const r = claims.find((c) => (c.claimant ?? '') === name)?.claimant_role ?? '';
    return word(t.roles, r) || r;
  };
  const dot = (k: number) =>
    html`<svg width="12" height="12" viewBox="0 0 12 12" class="dot" aria-hidden="true"><circle cx="6" cy="6" r="4.2" class=${mark(k)} /></svg> `;
  return html`<h2 class="s">${names ? t.claims : t.claimsOfSource}${names ? html`<small>${t.claimants(names)}</small>` : nothing}</h2>
    <div class="cls"><table class="cl"><thead><tr>${who.map((w, k) => html`<th scope="col">${dot(k)}<bdi>${w || t.theSource}</bdi><small>${role(w)}</small></th>`)}</tr></thead><tbody>
    ${kinds.map((kind) => {
      // One claimant may give several: the ends of a range come in two columns of a file.
      const cells = who.map((w) =>
        claims.filter(
          (c) => (c.claimant ?? '') === w && c.quantity === kind.quantity && (c.about ?? '') === (kind.about ?? ''),
        ),
      );
      const q = word(t.quantity, kind.quantity) || kind.quantity;
      return html`<tr><td class="ql" colspan=${who.length}>${kind.about ? t.aboutQuantity(kind.about, q.toLowerCase()) : q}</td></tr>
        <tr class="v">${cells.map((cs) => html`<td>${cs.length ? cs.map((c) => cell(p, c)) : html`<span class="qu">${t.noFigure}</span>`}</td>`)}</tr>
        ${cells.some((cs) => cs.some((c) => ends(c).length)) ? html`<tr aria-hidden="true"><td class="ax0" colspan=${who.length}>${axis(cells)}</td></tr>` : nothing}`;
    })}</tbody></table></div>
    <p class="note">${names ? t.claimsFoot : t.claimsFootSource}</p>`;
}

const mark = (k: number): string => (k === 0 ? 'first' : k === 1 ? 'second' : 'later');

function cell(p: Incident, c: Claim): TemplateResult {
  const n = ends(c);
  const words = word(t.qualifiers, bound(c));
  const s = c.source === null ? undefined : p.sources?.[c.source];
  const day = s?.date ? parseIso(s.date.slice(0, 10)) : null;
  return html`${n.length ? html`<span class="big num">${words ? html`<span class="qw">${words}</span> ` : nothing}${n.map(fmt).join('–')}</span>` : nothing}<span class="qu">${c.qualifier && !(words && n.length) ? html`${words || c.qualifier}<br>` : nothing}${c.quote ? html`<q dir="auto">${c.quote}</q><br>` : nothing}${s?.publisher ? html`<bdi>${s.publisher}</bdi>` : nothing}${s?.publisher && day !== null ? t.comma : ''}${day === null ? nothing : fmtDay(day)}${
    c.source === null
      ? nothing
      : html` <a href="#source-${c.source + 1}" @click=${(e: Event) => {
          e.preventDefault();
          document.getElementById(`source-${c.source! + 1}`)?.scrollIntoView({ block: 'center' });
        }}>[${fmt(c.source + 1)}]</a>`
  }</span>`;
}

/** axis draws the figures of one row from 0 on one line: first claimant filled, second open, an arrow where a bound is open. */
function axis(cells: Claim[][]): TemplateResult {
  const W = 360;
  const max = Math.max(1, ...cells.flat().flatMap(ends)) * 1.15;
  const x = (v: number) => 4 + (v / max) * (W - 44);
  return html`<svg class="rng" viewBox="0 0 ${W} 34"><line x1="4" x2=${W} y1="14" y2="14" class="ln" /><path d="M4 10v8" class="ln" /><text x="4" y="31" class="z">${fmt(0)}</text>${cells.map(
    (cs, k) =>
      cs.map((c) => {
        const at = ends(c).map(x);
        if (!at.length) return nothing;
        const a = at[0]!;
        const b = at.at(-1)!;
        const line = openAbove(c)
          ? svg`<path d="M${b} 14H${b + 26}m-5-4l5 4-5 4" class="arrow" />`
          : openBelow(c)
            ? svg`<path d="M${a} 14H${Math.max(4, a - 26)}m5-4l-5 4 5 4" class="arrow" />`
            : a < b
              ? svg`<path d="M${a} 14H${b}" class="arrow" />`
              : nothing;
        const sign = word(t.qualifierSigns, bound(c));
        return svg`${line}${at.map((v) => svg`<circle cx=${v} cy="14" r="5" class=${mark(k)} />`)}<text x=${(a + b) / 2} y="31" text-anchor="middle" class="v">${sign}${ends(c).map(fmt).join('–')}</text>`;
      }),
  )}</svg>`;
}
