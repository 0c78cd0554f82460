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
