// Texts that take something in, as the files of the languages write them; docs/translations.md has the form.
import type { Lang } from '../state/permalink';
import { digits, fmt, isolate, ltr } from './text';

/**
 * A Pattern stands for a function: a text with the arguments in braces, or a choice between patterns by one argument
 * (`by`, the first if it is left out): its value, else its plural category, else `other`; `same` if all arguments are
 * equal.
 */
export type Pattern = string | { by?: number; [choice: string]: Pattern | number | undefined };

/** plural is the category of a number by CLDR: Dari counts nought and one as one, the others only one. */
export const plural = (lang: Lang, n: number): 'one' | 'other' =>
  n === 1 || (lang === 'prs' && n === 0) ? 'one' : 'other';

const text = (v: unknown): string =>
  typeof v === 'number'
    ? fmt(Number.isInteger(v) || v >= 10 ? Math.round(v) : Math.round(v * 10) / 10)
    : isolate(String(v ?? ''));

/** fill puts the arguments into a pattern. */
export function fill(lang: Lang, p: Pattern, args: unknown[]): string {
  if (typeof p !== 'string') {
    const v = args[p.by ?? 0];
    const choice = [
      args.length > 1 && args.every((a) => a === v) ? 'same' : '',
      typeof v === 'number' ? String(Math.round(v * 10) / 10) : String(v),
      typeof v === 'number' ? plural(lang, v) : '',
    ].find((k) => k !== '' && k !== 'by' && Object.hasOwn(p, k));
    return fill(lang, p[choice ?? 'other'] as Pattern, args);
  }
  const one = (key: string): string => {
    const v = /^\d/.test(key) ? args[+key] : (args[0] as Record<string, unknown>)[key];
    return text(v);
  };
  // A range of figures, and a figure with its plus, stay in their order. Figures of the text itself are as chosen too.
  return p.replace(
    /\{(\w+)\}(?:–\{(\w+)\})?(\+?)|\d[\d.,]*/g,
    (own, a: string | undefined, b: string | undefined, plus: string) =>
      !a ? digits(own) : b || plus ? ltr(`${one(a)}${b ? `–${one(b)}` : ''}${plus}`) : one(a),
  );
}
