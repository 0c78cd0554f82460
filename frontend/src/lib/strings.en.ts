// Every word of the page in English is in strings.en.json, which comes beside the scripts: the plain texts, and the patterns
// of those that take something in. Another language is one file, see i18n.ts.
import { fill, type Pattern } from './patterns';
import type file from './strings.en.json';
import address from './strings.en.json?url';
import { SUBTYPES } from './subtypes';

/** The texts that take something in; their patterns are in the file. */
interface Made {
  elsewhere: (n: number) => string;
  incidents: (n: number) => string;
  soFarOf: (n: number) => string;
  givenBy: (n: number, of: number) => string;
  before1900: (n: number) => string;
  notReported: (n: number) => string;
  chosen: (n: number) => string;
  filtersOn: (n: number) => string;
  removeFilter: (w: string) => string;
  moreSubtypes: (n: number) => string;
  actorWithheld: (names: string) => string;
  actorAny: (words: string) => string;
  actorChip: (words: string) => string;
  moreActors: (n: number) => string;
  actorsBeyond: (n: number) => string;
  noActor: (words: string) => string;
  nearStep: (km: number) => string;
  nearChip: (km: number) => string;
  wordsChip: (words: string) => string;
  unitOnly: (country: string) => string;
  near: (n: string) => string;
  someDay: (what: string) => string;
  someDayBetween: (what: string) => string;
  moreDistricts: (n: number) => string;
  moreProvinces: (n: number) => string;
  showUnits: (name: string) => string;
  atLeast: (n: number) => string;
  atLeastShort: (n: number) => string;
  speed: (n: number) => string;
  days: (n: number) => string;
  months: (n: number) => string;
  years: (n: number) => string;
  windowText: (a: string, b: string) => string;
  badDate: (v: string) => string;
  perArea: (rate: string, km2: number) => string;
  loadedTo: (d: string) => string;
  loadedFrom: (d: string) => string;
  partAll: (d: string) => string;
  partMost: (d: string) => string;
  notPlaced: (q: string) => string;
  placesOfName: (n: number) => string;
  placesFound: (n: number) => string;
  placesBegin: (n: number, q: string) => string;
  shownInstead: (place: string, kind: string, name: string) => string;
  formerShown: (units: string, part: boolean) => string;
  notDrawn: (name: string) => string;
  until: (name: string, year: string) => string;
  thenNow: (units: string) => string;
  thenWas: (name: string) => string;
  inSubunit: (kind: string, name: string) => string;
  alsoFormer: (n: number, name: string) => string;
  noPlace: (n: number) => string;
  somewhereIn: (place: string) => string;
  borderAt: (place: string) => string;
  nIncidents: (n: number) => string;
  nKilled: (n: number, more?: boolean) => string;
  ofThemSomewhere: (n: number, place: string) => string;
  within: (km: number) => string;
  table: {
    captionUnits: (when: string) => string;
    captionIncidents: (when: string) => string;
    onlyProvince: (p: string) => string;
    onlyCountry: (c: string) => string;
    shown: (a: number, b: number, n: number) => string;
  };
  compare: {
    b: (when: string) => string;
    same: (days: number) => string;
    adjusted: (a: number, b: number) => string;
    caption: (what: string) => string;
    notListed: (n: number) => string;
  };
  onlyShown: (what: string) => string;
  ofN: (i: number, n: number) => string;
  lowHighOf: (lo: string, hi: string) => string;
  sourceCode: (c: string) => string;
  ambiguous: (names: string) => string;
  placedIn: (unit: string) => string;
  km: (a: number, b: number) => string;
  upToKm: (b: number) => string;
  nearestCrossing: (name: string, km: number) => string;
  claimants: (n: number) => string;
  aboutQuantity: (about: string, q: string) => string;
  record: (id: string, set: string) => string;
  wasNow: (was: string, now: string) => string;
  olderVersions: (n: number) => string;
  fileLine: (f: string, l: number) => string;
  licence: (l: string) => string;
  warningKm: (km: number) => string;
  likelyRecord: (id: string, set: string) => string;
  kmApart: (km: number) => string;
  lift: (what: string) => string;
  widenYear: (y: string) => string;
  noneTitle: (when: string) => string;
  noneEnds: (d: string) => string;
  noneBegins: (d: string) => string;
  withheldTitle: (name: string) => string;
  withheldText: (n: number) => string;
  version: (v: string) => string;
  accessed: (d: string) => string;
  loadedBack: (a: string, b: string, d: string) => string;
  offlineText: (at: string) => string;
  linkText: (k: string, v: string) => string;
  linkMore: (n: number) => string;
  gone: (name: string) => string;
  asFiltered: (n: number) => string;
  announce: (n: number, k: string, when: string) => string;
  out: {
    about: (size: string) => string;
    countsOnly: (names: string, n: number) => string;
    without: (names: string) => string;
    read: (day: string) => string;
    filters: (words: string) => string;
    copyOf: (what: string) => string;
  };
  load: {
    upTo: (size: string) => string;
    remove: (name: string) => string;
    start: (n: number, dry: boolean) => string;
    tooLarge: (name: string, max: string) => string;
    sending: (pc: number | null) => string;
    waiting: (n: number) => string;
    running: (rows: number, pc: number | null) => string;
    runningShort: (pc: number | null) => string;
    progress: (name: string) => string;
    cancelOf: (name: string) => string;
    into: (set: string) => string;
    read: (n: number) => string;
    sum: (r: { read: number; new: number; changed: number; unchanged: number; rejected: number }) => string;
    gone: (n: number) => string;
    wouldGone: (n: number) => string;
    rows: (n: number) => string;
    forExample: (line: string, reason: string) => string;
    lineN: (n: number) => string;
    featureN: (n: number) => string;
    firstOf: (k: number, n: number) => string;
    more: (n: number) => string;
    undoOf: (name: string) => string;
    undoSure: (name: string) => string;
    undoWas: (removed: number, restored: number, kept: number) => string;
  };
}

/** Shape has the keys of texts. */
type Shape<T> = { [K in keyof T]: T[K] extends (...args: never) => string ? unknown : Shape<T[K]> };
/** All checks that each has a pattern. */
type All<T extends Shape<Made>> = T;
export type Patterns = All<(typeof file)['patterns']>;

/** What is looked up by a word of the data may be missing. */
type Texts = Omit<typeof file, 'patterns'> & {
  subtypes: Record<string, string>;
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
/** made turns patterns into functions; a choice between patterns says by which argument. */
const made = (p: unknown): unknown =>
  typeof p === 'string' || 'by' in (p as Tree)
    ? (...args: unknown[]) => fill('en', p as Pattern, args)
    : Object.fromEntries(Object.entries(p as Tree).map(([k, v]) => [k, made(v)]));
/** merge puts texts among the functions. */
function merge(to: Tree, from: Tree): Tree {
  for (const [k, v] of Object.entries(from)) {
    if (k in to) merge(to[k] as Tree, v as Tree);
    else to[k] = v;
  }
  return to;
}

const { patterns, ...plain }: Tree =
  import.meta.env.MODE === 'test'
    ? (await import('./strings.en.json')).default
    : ((await (await fetch(address)).json()) as Tree);
export const t = merge(merge(made(patterns) as Tree, plain), {
  subtypes: Object.fromEntries(SUBTYPES.map(([word]) => [word, word])),
}) as unknown as Made & Texts;

export type Strings = typeof t;
