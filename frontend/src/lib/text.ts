/** esc makes text from data safe inside HTML and SVG strings; lit escapes by itself. */
export const esc = (s: unknown): string =>
  String(s ?? '').replace(
    /[&<>"']/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]!,
  );

/** fmt writes a whole number with separators of thousands. */
export function fmt(n: number): string {
  // toLocaleString is fifty times slower, and every count on the page goes through here at each step of the brush.
  const s = String(n);
  return n < 1000 && n > -1000 ? s : s.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** compact shortens only what stands on clusters, from 1,000 on. */
export const compact = (n: number): string => (n >= 1000 ? `${(n / 1000).toFixed(n >= 9950 ? 0 : 1)}k` : String(n));

/** safeUrl lets only web links through: a source's URL is text from a file. */
export function safeUrl(u: string | null | undefined): string | null {
  return u && /^https?:\/\//i.test(u) ? u : null;
}

/** fmtDeaths writes a figure of the columns; the largest means that or more. */
export const fmtDeaths = (n: number): string => (n === 65534 ? `${fmt(n)}+` : fmt(n));

/** plainError puts a browser's words for "no answer" into ours. */
export const plainError = (m: string, words: string): string =>
  /failed to fetch|networkerror|network error|load failed/i.test(m) ? words : m;

/** isolate keeps a value of another direction from turning the text around it; for texts that are not markup. */
export const isolate = (s: string): string => (/[\u0590-\u08ff\ufb1d-\ufefc]/.test(s) ? `\u2068${s}\u2069` : s);
