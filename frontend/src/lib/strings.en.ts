// Every word of the page in English: the plain texts in strings.en.json, which comes beside the scripts, and here those
// that take something in. Another language is one file, see i18n.ts.
import type texts from './strings.en.json';
import file from './strings.en.json?url';
import { SUBTYPES } from './subtypes';
import { fmt } from './text';

const fmtKm = (km: number) => (km < 10 ? km.toFixed(1) : String(Math.round(km)));
const plural = (n: number, one: string, many: string) => (n === 1 ? one : many);
const made = {
  elsewhere: (n: number) => `${fmt(n)} of them in other provinces of Pakistan`,
  incidents: (n: number) => plural(n, 'incident', 'incidents'),
  soFarOf: (n: number) => `incidents so far, of ${fmt(n)}`,
  lowHighBest: (n: number) =>
    `${fmt(n)} ${plural(n, 'incident gives', 'incidents give')} no low or no high figure; the best one stands in for it`,
  before1900: (n: number) =>
    `${fmt(n)} ${plural(n, 'incident before 1900 is', 'incidents before 1900 are')} not shown here`,
  notReported: (n: number) => `${fmt(n)} with deaths not reported`,
  chosen: (n: number) => `${fmt(n)} chosen`,
  filtersOn: (n: number) => `${fmt(n)} ${plural(n, 'filter', 'filters')} on`,
  removeFilter: (w: string) => `Remove filter: ${w}`,
  subtypes: Object.fromEntries(SUBTYPES.map(([word]) => [word, word])) as Record<string, string>,
  moreSubtypes: (n: number) => `${fmt(n)} more ${plural(n, 'sub-type', 'sub-types')}`,
  actorWithheld: (names: string) => `Not counted: ${names}. The terms allow no counts by actor.`,
  actorAny: (words: string) => `Any name with “${words}”`,
  actorChip: (words: string) => `Actor: ${words}`,
  moreActors: (n: number) => `${fmt(n)} more ${plural(n, 'actor', 'actors')}`,
  actorsBeyond: (n: number) => `And ${fmt(n)} more: type a word of the name.`,
  noActor: (words: string) => `No name of a side here has “${words}”; associated actors may.`,
  nearStep: (km: number) => (km === 0 ? 'May lie on the border' : `May lie within ${fmt(km)} km`),
  nearChip: (km: number) => (km === 0 ? 'May lie on the border' : `May lie within ${fmt(km)} km of the border`),
  wordsChip: (words: string) => `Words: ${words}`,
  unitOnly: (country: string) => (country === 'AF' ? 'Only the province' : 'Only the district'),
  near: (n: string) => `Near ${n}`,
  someDay: (what: string) => `some day in ${what}`,
  someDayBetween: (what: string) => `some day ${what}`,
  moreDistricts: (n: number) => `${fmt(n)} more ${plural(n, 'district', 'districts')}`,
  moreProvinces: (n: number) => `${fmt(n)} more ${plural(n, 'province', 'provinces')}`,
  showUnits: (name: string) => `Districts and provinces of ${name}`,
  atLeast: (n: number) => (n === 0 ? 'A figure is given, 0 or more' : `${fmt(n)} or more`),
  atLeastShort: (n: number) => `${fmt(n)} or more killed`,
  speed: (n: number) => `${n} steps a second`,
  days: (n: number) => `${fmt(n)} ${plural(n, 'day', 'days')}`,
  months: (n: number) => `${fmt(n)} ${plural(n, 'month', 'months')}`,
  years: (n: number) => `${fmt(n)} ${plural(n, 'year', 'years')}`,
  windowText: (a: string, b: string) => `${a} to ${b}`,
  badDate: (v: string) => `“${v}” is not a date. Try 2025-10-01 or 1 Oct 2025.`,
  perArea: (rate: string, km2: number) => `${rate} per 1,000 km² (area ${fmt(km2)} km²)`,
  loadedTo: (d: string) => `loaded to ${d}`,
  loadedFrom: (d: string) => `loaded from ${d}`,
  partAll: (d: string) => `Shaded districts are loaded to ${d}`,
  partMost: (d: string) => `Most shaded districts are loaded to ${d}`,
  notPlaced: (q: string) => `“${q}” cannot be placed: no place here goes by this name.`,
  placesOfName: (n: number) => `${n === 2 ? 'Two' : fmt(n)} places of this name. Choose one.`,
  placesFound: (n: number) => `${fmt(n)} ${plural(n, 'place', 'places')} found`,
  placesBegin: (n: number, q: string) => `${fmt(n)} ${plural(n, 'name begins', 'names begin')} with “${q}”`,
  shownInstead: (place: string, kind: string, name: string) =>
    `The position of ${place} is not known. Shown: ${kind.toLowerCase()} ${name}.`,
  formerShown: (units: string, part: boolean) =>
    part ? `It was a part of what is now ${units}; its limits are not drawn.` : `Shown as what it is today: ${units}.`,
  notDrawn: (name: string) => `${name} is known, but cannot be drawn.`,
  until: (name: string, year: string) => `${name} (until ${year})`,
  thenNow: (units: string) => `Today: ${units}`,
  thenWas: (name: string) => `Then: ${name}`,
  inSubunit: (kind: string, name: string) => `somewhere in the ${kind} ${name}`,
  alsoFormer: (n: number, name: string) => `${fmt(n)} more somewhere in ${name}, not counted here`,
  noPlace: (n: number) => plural(n, 'incident has no place on the map', 'incidents have no place on the map'),
  somewhereIn: (place: string) => `somewhere in ${place}`,
  borderAt: (place: string) => `somewhere on the border at ${place}`,
  nIncidents: (n: number) => `${fmt(n)} ${plural(n, 'incident', 'incidents')}`,
  nKilled: (n: number, more = false) => `${fmt(n)}${more ? '+' : ''} reported killed`,
  ofThemSomewhere: (n: number, place: string) => `${fmt(n)} of them somewhere in ${place}, place in it not known`,
  within: (km: number) => `position within ${km} km`,
  table: {
    captionUnits: (when: string) => `Incidents by district and province, ${when}`,
    captionIncidents: (when: string) => `Incidents, ${when}`,
    onlyProvince: (p: string) => `${p}, district not known`,
    onlyCountry: (c: string) => `${c}, province not known`,
    shown: (a: number, b: number, n: number) => `${fmt(a)}–${fmt(b)} of ${fmt(n)}`,
  },
  compare: {
    b: (when: string) => `B ${when}`,
    same: (days: number) => `Both windows have ${fmt(days)} ${plural(days, 'day', 'days')}.`,
    adjusted: (a: number, b: number) =>
      `A has ${fmt(a)} ${plural(a, 'day', 'days')}, B ${fmt(b)}: for the change B counts × ${fmt(a)}/${fmt(b)}.`,
    caption: (what: string) => `${what} by district and province, largest increase first`,
    notListed: (n: number) =>
      `${fmt(n)} ${plural(n, 'district or province', 'districts and provinces')} without an incident in either window not listed.`,
  },
  // list and detail
  onlyShown: (what: string) => `Only: ${what}`,
  ofN: (i: number, n: number) => `${fmt(i)} of ${fmt(n)}`,
  lowHighOf: (lo: string, hi: string) => `low ${lo}, high ${hi}`,
  sourceCode: (c: string) => `The source’s own code: ${c}`,
  ambiguous: (names: string) => `Ambiguous: ${names}`,
  placedIn: (unit: string) => `Placed in ${unit}`,
  km: (a: number, b: number) => (a === b ? `${a} km away` : `${a}–${b} km away`),
  upToKm: (b: number) => `up to ${b} km away`,
  nearestCrossing: (name: string, km: number) => `Nearest crossing: ${name}, ${km} km`,
  claimants: (n: number) => `${fmt(n)} ${plural(n, 'claimant', 'claimants')}`,
  aboutQuantity: (about: string, q: string) => `${about} ${q.toLowerCase()}`,
  record: (id: string, set: string) => `Record ${id} of ${set}`,
  wasNow: (was: string, now: string) => `was ${was}, now ${now}`,
  olderVersions: (n: number) => `and ${fmt(n)} older`,
  fileLine: (f: string, l: number) => `${f}, line ${fmt(l)}`,
  licence: (l: string) => `Licence: ${l}`,
  warningKm: (km: number) => `(${km} km away)`,
  likelyRecord: (id: string, set: string) => `record ${id} of ${set}`,
  kmApart: (km: number) => (km < 0.1 ? 'at the same point' : `${fmtKm(km)} km apart`),
  lift: (what: string) => `Lift “${what}”`,
  widenYear: (y: string) => `Widen to all of ${y}`,
  noneTitle: (when: string) => `Nothing loaded for ${when}`,
  noneEnds: (d: string) => `The datasets here end on ${d}.`,
  noneBegins: (d: string) => `The datasets here begin on ${d}.`,
  withheldTitle: (name: string) => `${name}: counts only`,
  withheldText: (n: number) =>
    `${fmt(n)} ${plural(n, 'incident is', 'incidents are')} loaded whose single rows may not be republished: in no map, list or figure of this page.`,
  version: (v: string) => `version ${v}`,
  accessed: (d: string) => `fetched ${d}`,
  loadedBack: (a: string, b: string, d: string) => `${a} of ${b} incidents loaded, back to ${d}`,
  offlineText: (at: string) =>
    `${at === '–' ? '' : `Showing what was loaded at ${at}. `}New incidents and downloads wait.`,
  linkText: (k: string, v: string) => `${k}=${v} is not known here. Shown without it.`,
  linkMore: (n: number) => `and ${fmt(n)} more`,
  gone: (name: string) => `The data set ${name} is no longer loaded. Shown without its filter.`,
  asFiltered: (n: number) => `${fmt(n)} ${plural(n, 'incident', 'incidents')}, as filtered`,
  announce: (n: number, k: number, when: string, more = false) =>
    `${fmt(n)} ${plural(n, 'incident', 'incidents')}, ${fmt(k)}${more ? '+' : ''} reported killed, ${when}`,
  out: {
    about: (size: string) => `about ${size}`,
    countsOnly: (names: string, n: number) =>
      `${names}: the terms of ${plural(n, 'this data set', 'these data sets')} allow only counts to be passed on, so there are no files of incidents.`,
    without: (names: string) => `Without ${names}: only counts of it may be passed on.`,
    read: (day: string) => `read on ${day}`,
    filters: (words: string) => `Filters: ${words}`,
    copyOf: (what: string) => `Copy: ${what}`,
  },
  load: {
    upTo: (size: string) => `Up to ${size} each.`,
    remove: (name: string) => `Leave out ${name}`,
    start: (n: number, dry: boolean) => `${dry ? 'Try' : 'Load'} ${n === 1 ? 'this file' : `these ${fmt(n)} files`}`,
    tooLarge: (name: string, max: string) => `${name} is larger than ${max}, which is the most that this server takes.`,
    sending: (pc: number | null) => (pc === null ? 'Sending' : `Sending, ${pc} %`),
    waiting: (n: number) =>
      n
        ? `Sent; waits for ${fmt(n)} ${plural(n, 'load', 'loads')} before it`
        : 'Sent; begins when no other load is at work',
    running: (rows: number, pc: number | null) =>
      `Loading, ${fmt(rows)} ${plural(rows, 'row', 'rows')} so far${pc === null ? '' : `, ${pc} %`}`,
    runningShort: (pc: number | null) => (pc ? `Loading, ${pc} %` : 'Loading'),
    progress: (name: string) => `Progress of ${name}`,
    cancelOf: (name: string) => `Call off ${name}`,
    // the report
    into: (set: string) => `into ${set}`,
    read: (n: number) => plural(n, 'row read', 'rows read'),
    sum: (r: { read: number; new: number; changed: number; unchanged: number; rejected: number }) =>
      `${fmt(r.read)} read = ${fmt(r.new)} new + ${fmt(r.changed)} changed + ${fmt(r.unchanged)} unchanged + ${fmt(r.rejected)} refused`,
    gone: (n: number) =>
      `${fmt(n)} ${plural(n, 'incident is', 'incidents are')} not in the file and ${plural(n, 'was', 'were')} taken away.`,
    wouldGone: (n: number) =>
      `${fmt(n)} ${plural(n, 'incident is', 'incidents are')} not in the file and would be taken away.`,
    rows: (n: number) => `${fmt(n)} ${plural(n, 'row', 'rows')}`,
    forExample: (line: string, reason: string) => `${line}: ${reason}`,
    lineN: (n: number) => `Line ${fmt(n)}`,
    featureN: (n: number) => `Feature ${fmt(n)}`,
    firstOf: (k: number, n: number) => (k < n ? `first ${fmt(k)} of ${fmt(n)}` : fmt(n)),
    more: (n: number) => `Show ${fmt(n)} more`,
    undoOf: (name: string) => `Undo this import: ${name}`,
    undoSure: (name: string) => `Take back all that ${name} brought? What it changed gets its former version again.`,
    undoWas: (removed: number, restored: number, kept: number) =>
      [
        `${fmt(removed)} ${plural(removed, 'incident', 'incidents')} taken away again`,
        restored ? `${fmt(restored)} with the former version again` : '',
        kept ? `${fmt(kept)} left, since a later import wrote them` : '',
      ]
        .filter(Boolean)
        .join(', ')
        .concat('.'),
  },
};

/** What is looked up by a word of the data may be missing. */
type Texts = typeof texts & {
  names: Record<string, string>;
  timePrecision: Record<string, string>;
  countries: Record<string, string>;
  placeKinds: Record<string, string>;
  subunitKinds: Record<string, string>;
  borderSide: Record<string, string>;
  roles: Record<string, string>;
  qualifiers: Record<string, string>;
  qualifierSigns: Record<string, string>;
  quantity: Record<string, string>;
  verification: Record<string, string>;
  warnings: Record<string, string>;
  likelyReasons: Record<string, string>;
  load: { formats: Record<string, string>; readAs: Record<string, string>; stateWords: Record<string, string> };
};

type Tree = Record<string, unknown>;
/** merge puts texts among the functions. */
function merge(to: Tree, from: Tree): Tree {
  for (const [k, v] of Object.entries(from)) {
    if (k in to) merge(to[k] as Tree, v as Tree);
    else to[k] = v;
  }
  return to;
}

const plain: Tree =
  import.meta.env.MODE === 'test'
    ? (await import('./strings.en.json')).default
    : ((await (await fetch(file)).json()) as Tree);
export const t = merge(made, plain) as typeof made & Texts;

export type Strings = typeof t;
