// Server-sent events out of a stream of text. EventSource cannot send a token, so the page reads them itself.

export interface ServerEvent {
  name: string;
  data: string;
}

/** EventReader takes text as it comes, cut anywhere, and gives the events that are whole. */
export class EventReader {
  private rest = '';
  private name = '';
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const out: ServerEvent[] = [];
    this.rest += text;
    for (;;) {
      const m = /\r\n|\n|\r/.exec(this.rest);
      // A lone CR at the end may be the first half of a CRLF.
      if (!m || (m[0] === '\r' && m.index + 1 === this.rest.length)) return out;
      const line = this.rest.slice(0, m.index);
      this.rest = this.rest.slice(m.index + m[0].length);
      if (line === '') {
        if (this.data.length) out.push({ name: this.name || 'message', data: this.data.join('\n') });
        this.name = '';
        this.data = [];
        continue;
      }
      const k = line.indexOf(':');
      if (k === 0) continue; // a comment, which only keeps the connection alive
      const field = k < 0 ? line : line.slice(0, k);
      const value = k < 0 ? '' : line.slice(k + 1).replace(/^ /, '');
      if (field === 'event') this.name = value;
      else if (field === 'data') this.data.push(value);
    }
  }
}
