// Words of warnings, and numbers that are less than one exact number.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Claim, Incident } from '../src/api/client';
import { t } from '../src/lib/strings.en';
import { claimTable, figureWords, named, whyNoBest } from '../src/panel/claims';
import { killedText } from '../src/panel/detail';

/** text is what a template shows, without its elements. */
function text(v: unknown): string {
  const walk = (x: unknown): string => {
    if (Array.isArray(x)) return x.map(walk).join('');
    if (x && typeof x === 'object' && 'strings' in x && 'values' in x) {
      const { strings, values } = x as { strings: string[]; values: unknown[] };
      return strings.map((s, i) => s + (i < values.length ? walk(values[i]) : '')).join('');
    }
    return typeof x === 'string' || typeof x === 'number' ? String(x).replace(/</g, '&lt;').replace(/>/g, '&gt;') : '';
  };
  return walk(v)
    .replace(/<svg class="rng".*?<\/svg>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

const claim = (c: Partial<Claim>): Claim => ({
  quantity: 'killed',
  about: null,
  low: null,
  best: null,
  high: null,
  qualifier: null,
  claimant: null,
  claimant_role: null,
  source: null,
  quote: null,
  language: null,
  ...c,
});
const incident = (p: Partial<Incident>): Incident =>
  ({ fatalities_low: null, fatalities_best: null, fatalities_high: null, claims: [], ...p }) as Incident;

describe('warnings', () => {
  const doc = readFileSync(new URL('../../docs/data-model.md', import.meta.url), 'utf8');
  const section = /^## Warnings on loading$(.*?)^## /ms.exec(doc)?.[1] ?? '';
  const codes = [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap((row) =>
    [...row[1]!.matchAll(/`(\w+)`/g)].map((m) => m[1]!),
  );

  it('the table of the documentation is found', () => {
    expect(codes.length).toBeGreaterThan(15);
    expect(codes).toContain('zero_coordinates');
    expect(codes).toContain('invalid_coordinates');
  });
  it.each([...codes, 'text_cut', 'suspicious_encoding', 'not_replaced'])('%s has words', (code) => {
    expect(t.warnings[code]).toMatch(/^\p{Lu}.*\.$/u);
  });
});

describe('figures of claims', () => {
  it.each([
    [{ low: 100, qualifier: 'at_least' }, 'at least 100'],
    [{ low: 1234, qualifier: 'over' }, 'more than 1,234'],
    [{ high: 20, qualifier: 'at_most' }, 'up to 20'],
    [{ high: 20, qualifier: 'under' }, 'fewer than 20'],
    [{ best: 30, qualifier: 'about' }, 'about 30'],
    [{ low: 13, high: 22 }, '13–22'],
    [{ low: 23, best: 23, high: 23 }, '23'],
    [{ low: 5, high: 5 }, '5'],
    [{ best: 0 }, '0'],
    [{ best: 6, qualifier: 'constructor' }, '6'],
    [{ low: 10 }, 'at least 10'],
    [{ high: 10 }, 'up to 10'],
    [{ qualifier: 'dozens' }, null],
    [{}, null],
  ])('%o is "%s"', (c, words) => {
    expect(figureWords(claim(c))).toBe(words);
  });

  it('a claim without a claimant is the source’s, whether its name is null or empty', () => {
    for (const claimant of [null, '']) {
      const c = [claim({ claimant, low: 100, qualifier: 'at_least', quote: '100+' })];
      const shown = text(claimTable(incident({ claims: c }), c));
      expect(named(c)).toEqual([]);
      expect(shown).toMatch(
        /What the source says .*The source .*Killed .*at least 100 .*100\+ .*as the source gave them/,
      );
      expect(shown).not.toMatch(/each side|claimant|at_least|null|\[/);
    }
  });

  it('two bounds of the source are both shown', () => {
    const c = [claim({ low: 100, qualifier: 'at_least' }), claim({ high: 200, qualifier: 'at_most' })];
    expect(text(claimTable(incident({ claims: c }), c))).toMatch(/at least 100 .*up to 200/);
  });

  it('two sides stay two sides', () => {
    const c = [
      claim({ claimant: 'A', low: 200, qualifier: 'over', source: 0 }),
      claim({ claimant: 'B', best: 9 }),
      claim({ qualifier: 'dozens', quantity: 'wounded' }),
    ];
    expect(named(c)).toEqual(['A', 'B']);
    const shown = text(claimTable(incident({ claims: c, sources: [{ publisher: 'Paper' }] }), c));
    expect(shown).toMatch(/What each side says 2 claimants .*more than 200 .*Paper .*\[ ?1 ?\].*9 .*Wounded .*dozens/);
  });
});

describe('the killed of an incident', () => {
  const wounded = claim({ quantity: 'wounded', best: 4 });
  it('stay in sight beside a claim of something else', () => {
    const shown = text(killedText(incident({ fatalities_best: 7, claims: [wounded] })));
    expect(shown).toMatch(/7 .*best estimate; low not reported, high not reported/);
    expect(text(killedText(incident({ claims: [wounded] })))).toMatch(/not reported/);
  });
  it('of a range have no best estimate', () => {
    const p = incident({ fatalities_low: 13, fatalities_high: 22 });
    expect(text(killedText(p))).toMatch(/no best estimate; low 13, high 22/);
    expect(whyNoBest(p)).toBe('13–22');
  });
  it('are left to the claims where only those have figures', () => {
    expect(killedText(incident({ claims: [claim({ claimant: 'A', best: 3 })] }))).toBeNull();
  });
  it('in the list are named as far as they are known', () => {
    expect(whyNoBest(incident({}))).toBe(t.notReportedShort);
    expect(whyNoBest(incident({ claims: [wounded] }))).toBe(t.notReportedShort);
    expect(whyNoBest(incident({ fatalities_low: 100, claims: [claim({ low: 100, qualifier: 'over' })] }))).toBe(
      'more than 100',
    );
    expect(whyNoBest(incident({ claims: [claim({ claimant: 'A', best: 3 })] }))).toBe(t.claimsAny);
    expect(
      whyNoBest(incident({ claims: [claim({ claimant: 'A', best: 3 }), claim({ claimant: 'B', best: 5 })] })),
    ).toBe(t.claimsShort);
  });
});
