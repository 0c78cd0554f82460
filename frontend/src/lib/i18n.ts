// The page's language. English is part of the page; the words of the others are data files, fetched when they are chosen
// and put over `t`, so that every view finds them where it finds the English ones. docs/translations.md has the form.
import { LANGS, type Lang } from '../state/permalink';
import { setMonths } from './dates';
import { fill, type Pattern } from './patterns';
import { t } from './strings.en';
import { digits, setScript } from './text';

/** How each language calls itself. */
export const LANGUAGES: Record<Lang, string> = { en: 'English', ur: 'اردو', ps: 'پښتو', prs: 'دری' };

export interface Words {
  [key: string]: Pattern | Words | Words[] | string[];
}
/** A file of a language. `review` has the keys that no speaker has read yet; "all" if none has been. */
export interface LanguageFile {
  lang: Lang;
  review: 'all' | string[];
  words: Words;
}

type Tree = Record<string, unknown>;
const copy = (o: Tree): Tree =>
  Object.fromEntries(Object.entries(o).map(([k, v]) => [k, v && typeof v === 'object' ? copy(v as Tree) : v]));
const ENGLISH = copy(t as unknown as Tree);
/** english are the words as they are in English, whatever the page speaks. */
export const english = ENGLISH as unknown as typeof t;

/** lay puts words over those of `to`; what they lack is English. The objects stay, since views hold some of them. */
function lay(lang: Lang, to: Tree, from: Tree, words: Tree | undefined): void {
  for (const [k, v] of Object.entries(from)) {
    const w = words?.[k];
    if (v && typeof v === 'object') lay(lang, to[k] as Tree, v as Tree, w as Tree | undefined);
    else if (w === undefined) to[k] = v;
    else
      to[k] =
        typeof v === 'function'
          ? (...args: unknown[]) => fill(lang, w as Pattern, args)
          : // What names the Latin figures shows them.
            k === 'latinFigures'
            ? w
            : digits(w as string);
  }
}

/** speak puts the words of a file over `t`; null is English. */
export function speak(file: LanguageFile | null, localDigits = false): void {
  const lang = file?.lang ?? 'en';
  setScript(lang !== 'en', lang !== 'en' && localDigits);
  lay(lang, t as unknown as Tree, ENGLISH, file?.words as Tree | undefined);
  t.lang = lang;
  setMonths(file ? t.monthNames : null);
}

// ---- in the browser

const files = import.meta.glob<string>('./strings.*.json', { query: '?url', import: 'default', eager: true });
const FONT = new URL('../fonts/noto-sans-arabic.woff2', import.meta.url).href;
const had = new Map<Lang, LanguageFile>();
let spoken: Lang = 'en';
let asked = 0;
const listeners: (() => void)[] = [];

/** onWords is told when the language or the figures have changed: what was written once is to be written anew. */
export function onWords(f: () => void): void {
  listeners.push(f);
}
/** language is what the page speaks now. */
export const language = (): Lang => spoken;
/** unreviewed: no speaker has read all of the words that are shown. */
export const unreviewed = (): boolean => !!had.get(spoken)?.review.length;

/** wanted is the language to use: the chosen one, else the first of the reader's that there is, else English. */
export function wanted(chosen: Lang | null, readers: readonly string[] = navigator.languages): Lang {
  if (chosen) return chosen;
  for (const r of readers) {
    const [l] = r.toLowerCase().split('-');
    const lang = l === 'fa' ? 'prs' : l;
    if ((LANGS as readonly string[]).includes(lang!)) return lang as Lang;
  }
  return 'en';
}

/**
 * useLanguage fetches what a language needs and puts it over the page. False where the file does not come: then the
 * page stays as it is. The last call wins.
 */
export async function useLanguage(lang: Lang, localDigits: boolean): Promise<boolean> {
  const job = ++asked;
  if (lang !== 'en' && !had.has(lang)) {
    try {
      const r = await fetch(files[`./strings.${lang}.json`]!);
      if (!r.ok) return false;
      had.set(lang, (await r.json()) as LanguageFile);
    } catch {
      return false;
    }
    if (job !== asked) return true;
  }
  spoken = lang;
  speak(had.get(lang) ?? null, localDigits);
  dress();
  if (lang !== 'en') void letters();
  for (const f of listeners) f();
  return true;
}

/** dress gives the document its language, direction and title, and the words that stand in index.html. */
function dress(): void {
  const root = document.documentElement;
  root.lang = spoken;
  root.dir = spoken === 'en' ? 'ltr' : 'rtl';
  document.title = t.pageTitle;
  for (const [selector, words] of [
    ['.skip[href="#panel"]', t.skipPanel],
    ['.skip[href="#time"]', t.skipTime],
  ] as const) {
    const el = document.querySelector(selector);
    if (el) el.textContent = words;
  }
  for (const [id, words] of [
    ['panel', t.panelLabel],
    ['mapw', t.map],
    ['time', t.time],
  ] as const)
    document.getElementById(id)?.setAttribute('aria-label', words);
}

let looked = false;
/**
 * letters loads the page's own font where no font of the system has all letters of the three languages. What cannot be
 * drawn is as wide as what no font has.
 */
async function letters(): Promise<void> {
  if (looked) return;
  looked = true;
  const g = document.createElement('canvas').getContext('2d');
  if (!g) return;
  g.font = `200px ${getComputedStyle(document.documentElement).getPropertyValue('--arab') || 'sans-serif'}`;
  const width = (c: string) => g.measureText(c).width;
  const none = width('\u0378');
  if (![...'ٹڈڑےںہګښږځڅېۍټډړڼ'].some((c) => Math.abs(width(c) - none) < 0.01)) return;
  try {
    document.fonts.add(await new FontFace('Sarhad Arabic', `url(${FONT})`, { weight: '400 600' }).load());
    document.documentElement.dataset.letters = 'own';
    for (const f of listeners) f();
  } catch {
    looked = false; // the next choice of a language tries again
  }
}

interface Named {
  name: string;
  name_ur?: string | null;
  name_ps?: string | null;
  name_fa?: string | null;
}
/**
 * localName is a place's name in the language of the page, else in another language of the place in the same script,
 * else in Latin letters. Nothing is transcribed.
 */
export function localName(p: Named): string {
  switch (spoken) {
    case 'ur':
      return p.name_ur || p.name_fa || p.name_ps || p.name;
    case 'ps':
      return p.name_ps || p.name_fa || p.name_ur || p.name;
    case 'prs':
      return p.name_fa || p.name_ps || p.name_ur || p.name;
    default:
      return p.name;
  }
}
/** placeName is the name of a province or a neighbouring country, which the words have; the name itself where they do not. */
export const placeName = (name: string): string => (Object.hasOwn(t.names, name) ? t.names[name]! : name);
