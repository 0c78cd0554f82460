/** esc makes text from data safe inside HTML and SVG strings; lit escapes by itself. */
export const esc = (s: unknown): string =>
  String(s ?? '').replace(
    /[&<>"']/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]!,
  );

// How figures and words run; lib/i18n.ts sets it with the language.
let local = false;
let rtl = false;
export function setScript(rightToLeft: boolean, localDigits: boolean): void {
  rtl = rightToLeft;
  local = localDigits;
}

/** ARABIC is in a text that has Arabic letters. */
export const ARABIC = /[\u0600-\u06ff]/;

/** digits writes the figures of a text as the reader chose: 0–9, or ۰–۹ with the separators that go with them. */
export const digits = (s: string): string =>
  local
    ? s.replace(/\d[\d.,]*/g, (m) =>
        m.replace(/[\d.,]/g, (c) => (c === ',' ? '٬' : c === '.' ? '٫' : '۰۱۲۳۴۵۶۷۸۹'[+c]!)),
      )
    : s;
/** latin turns ۰–۹ and ٠–٩ that somebody typed into 0–9. */
export const latin = (s: string): string => s.replace(/[٠-٩۰-۹]/g, (c) => String(c.charCodeAt(0) & 15));

/** fmt writes a whole number with separators of thousands. */
export function fmt(n: number): string {
  // toLocaleString is fifty times slower, and every count on the page goes through here at each step of the brush.
  let s = String(n);
  if (n >= 1000 || n <= -1000) s = s.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return local ? digits(s) : s;
}

/** compact shortens only what stands on clusters, from 1,000 on. */
export const compact = (n: number): string =>
  digits(n >= 1000 ? `${(n / 1000).toFixed(n >= 9950 ? 0 : 1)}k` : String(n));

/** safeUrl lets only web links through: a source's URL is text from a file. */
export function safeUrl(u: string | null | undefined): string | null {
  return u && /^https?:\/\//i.test(u) ? u : null;
}

/** fmtDeaths writes a figure of the columns; the largest means that or more. */
export const fmtDeaths = (n: number): string => (n === 65534 ? `${fmt(n)}+` : fmt(n));

/** plainError puts a browser's words for "no answer" into ours. */
export const plainError = (m: string, words: string): string =>
  /failed to fetch|networkerror|network error|load failed/i.test(m) ? words : m;

/**
 * isolate keeps a value of another direction from turning the text around it; for texts that are not markup. On a page
 * that runs from right to left that is any value with a letter in it.
 */
export const isolate = (s: string): string =>
  (rtl ? /\p{L}/u : /[\u0590-\u08ff\ufb1d-\ufefc]/).test(s) ? `\u2068${s}\u2069` : s;
/** ltr keeps figures that belong together in their order, "12–20" or "100+", wherever they stand. */
export const ltr = (s: string): string => (rtl ? `\u2066${s}\u2069` : s);
