// Draws what the browser has laid out onto a canvas: boxes, text, SVG and canvases, in the languages and directions
// they stand in. It knows no more of HTML and CSS than the map, its legend and the picture's own words need, and loads
// nothing: an image of another host could not be read back.

const px = (v: string) => Number.parseFloat(v) || 0;
const fontOf = (s: CSSStyleDeclaration) => `${s.fontStyle} ${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
const seen = (colour: string) => colour !== 'none' && !/^rgba\(.*, 0\)$|^transparent$/.test(colour);

/** paint draws an element with the given number of pixels per CSS px, and returns the lines of text it drew. */
export function paint(c: CanvasRenderingContext2D, root: Element, scale: number): string[] {
  const o = root.getBoundingClientRect();
  const texts: string[] = [];
  const range = document.createRange();

  const write = (line: string, x: number, y: number, s: CSSStyleDeclaration) => {
    c.font = fontOf(s);
    c.letterSpacing = s.letterSpacing === 'normal' ? '0px' : s.letterSpacing;
    c.direction = s.direction as CanvasDirection;
    const halo = px(s.webkitTextStrokeWidth);
    if (halo) {
      c.lineJoin = 'round';
      c.lineWidth = halo;
      c.strokeStyle = s.webkitTextStrokeColor;
      c.strokeText(line, x, y);
    }
    c.fillText(line, x, y);
    texts.push(line);
  };

  const words = (n: Text, s: CSSStyleDeclaration) => {
    const rtl = s.direction === 'rtl';
    const lines: { text: string; r: DOMRect; x: number }[] = [];
    for (const m of n.data.matchAll(/\S+\s*/g)) {
      range.setStart(n, m.index);
      range.setEnd(n, m.index + m[0].length);
      const r = range.getBoundingClientRect();
      if (!r.width) continue;
      const last = lines[lines.length - 1];
      if (last && Math.abs(last.r.top - r.top) < r.height / 2) {
        last.text += m[0];
        last.x = rtl ? Math.max(last.x, r.right) : Math.min(last.x, r.left);
      } else lines.push({ text: m[0], r, x: rtl ? r.right : r.left });
    }
    for (const { text, r, x } of lines) {
      if (r.right < o.left || r.left > o.right || r.bottom < o.top || r.top > o.bottom) continue;
      let line = text.replace(/\s+/g, ' ').trim();
      if (s.textTransform === 'uppercase') line = line.toUpperCase();
      c.font = fontOf(s);
      const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = c.measureText(line);
      c.fillStyle = s.color;
      c.textAlign = rtl ? 'right' : 'left';
      write(line, x - o.left, r.top - o.top + (r.height - up - down) / 2 + up, s);
    }
  };

  const box = (r: DOMRect, s: CSSStyleDeclaration, inset: number) => {
    const radius = s.borderTopLeftRadius;
    c.beginPath();
    c.roundRect(
      r.left - o.left + inset,
      r.top - o.top + inset,
      Math.max(0, r.width - 2 * inset),
      Math.max(0, r.height - 2 * inset),
      radius.endsWith('%') ? r.width / 2 : px(radius),
    );
  };
  const frame = (r: DOMRect, s: CSSStyleDeclaration) => {
    box(r, s, 0);
    if (seen(s.backgroundColor)) {
      c.fillStyle = s.backgroundColor;
      c.fill();
    }
    const w = px(s.borderTopWidth);
    if (w && px(s.borderLeftWidth)) {
      box(r, s, w / 2);
      c.strokeStyle = s.borderTopColor;
      c.lineWidth = w;
      c.setLineDash(s.borderTopStyle === 'dashed' ? [3, 2] : []);
      c.stroke();
      c.setLineDash([]);
    } else if (w) {
      c.fillStyle = s.borderTopColor;
      c.fillRect(r.left - o.left, r.top - o.top, r.width, w);
    }
  };

  const shape = (el: Element): Path2D | null => {
    const n = (name: string) => px(el.getAttribute(name) ?? '');
    const p = new Path2D(el.localName === 'path' ? (el.getAttribute('d') ?? '') : '');
    if (el.localName === 'circle') p.arc(n('cx'), n('cy'), n('r'), 0, 7);
    else if (el.localName === 'rect') p.rect(n('x'), n('y'), n('width'), n('height'));
    else if (el.localName !== 'path') return null;
    return p;
  };
  /** tile is a pattern of an SVG. */
  const tile = (url: string): CanvasPattern | null => {
    const p = root.querySelector(`[id="${/#([\w-]+)/.exec(url)?.[1]}"]`);
    if (!p) return null;
    const t = document.createElement('canvas');
    t.width = t.height = 64;
    const g = t.getContext('2d')!;
    const k = 64 / px(p.getAttribute('width')!);
    g.scale(k, k);
    for (const part of p.children) {
      g.fillStyle = getComputedStyle(part).fill;
      g.fill(shape(part)!);
    }
    const made = c.createPattern(t, 'repeat');
    made?.setTransform(new DOMMatrix().rotate(p.hasAttribute('patternTransform') ? 45 : 0).scale(1 / k));
    return made;
  };
  const drawing = (svg: SVGSVGElement) => {
    const patterns = new Map<string, CanvasPattern | null>();
    for (const el of svg.querySelectorAll<SVGGraphicsElement>('path,circle,rect,text')) {
      const m = !el.closest('defs') && el.getScreenCTM();
      const s = getComputedStyle(el);
      if (!m || s.display === 'none') continue;
      c.save();
      c.setTransform(m.a * scale, m.b * scale, m.c * scale, m.d * scale, (m.e - o.left) * scale, (m.f - o.top) * scale);
      const alpha = c.globalAlpha * Number(s.opacity);
      const p = shape(el);
      let fill: string | CanvasPattern | null = seen(s.fill) ? s.fill : null;
      if (fill && s.fill.startsWith('url')) {
        if (!patterns.has(s.fill)) patterns.set(s.fill, tile(s.fill));
        fill = patterns.get(s.fill)!;
      }
      c.globalAlpha = alpha * Number(s.fillOpacity);
      if (fill) c.fillStyle = fill;
      if (!p) {
        c.textAlign = s.textAnchor === 'middle' ? 'center' : 'left';
        write(el.textContent!, px(el.getAttribute('x') ?? ''), px(el.getAttribute('y') ?? ''), s);
      } else {
        if (fill) c.fill(p, 'evenodd');
        if (seen(s.stroke) && px(s.strokeWidth)) {
          c.globalAlpha = alpha * Number(s.strokeOpacity);
          c.strokeStyle = s.stroke;
          c.lineWidth = px(s.strokeWidth);
          c.lineCap = s.strokeLinecap as CanvasLineCap;
          c.lineJoin = s.strokeLinejoin as CanvasLineJoin;
          c.setLineDash(s.strokeDasharray === 'none' ? [] : s.strokeDasharray.split(/[ ,]+/).map(px));
          c.stroke(p);
        }
      }
      c.restore();
    }
  };

  const element = (el: Element) => {
    const s = getComputedStyle(el);
    if (s.display === 'none' || el.localName === 'img') return;
    const r = el.getBoundingClientRect();
    c.save();
    c.globalAlpha *= Number(s.opacity);
    if (el instanceof SVGSVGElement) drawing(el);
    else {
      frame(r, s);
      if (el instanceof HTMLCanvasElement && el.width)
        c.drawImage(el, r.left - o.left, r.top - o.top, r.width, r.height);
      if (s.overflowX !== 'visible') {
        box(r, s, 0);
        c.clip();
      }
      const z = (n: Node) => (n instanceof Element ? px(getComputedStyle(n).zIndex) : 0);
      for (const n of [...el.childNodes].sort((a, b) => z(a) - z(b))) {
        if (n instanceof Element) element(n);
        else if (n instanceof Text) words(n, s);
      }
    }
    c.restore();
  };
  c.setTransform(scale, 0, 0, scale, 0, 0);
  element(root);
  return texts;
}
