import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { makeMacroProgram, renderTemplate } from '#rules/expand-macros.ts';

import type { MacroMeaning, MacroProblem } from '#rules/expand-macros.ts';

interface Row {
  readonly run: string;
  readonly empty: string;
  readonly sly: string;
}

const meanings: Readonly<Record<string, MacroMeaning<Row>>> = {
  name: { kind: 'constant', text: 'DST_X' },
  run: { kind: 'value', read: (row) => row.run },
  empty: { kind: 'value', read: (row) => row.empty },
  sly: { kind: 'value', read: (row) => row.sly },
  column: { kind: 'value', read: () => undefined, isUncertain: true },
  outdir: { kind: 'template', text: '/data/$(name)/run_$INT(run,%08i)' },
  deep: { kind: 'template', text: '$(outdir)/$(name)' },
  still: { kind: 'template', text: '$(name)-$(name)' },
  loop: { kind: 'template', text: 'a$(pool)' },
  pool: { kind: 'template', text: 'b$(loop)' },
  instead: { kind: 'value', read: (row) => row.empty, otherwise: '<$(run)>' },
};
const row: Row = { run: '22026', empty: '', sly: '$(name) {name}' };

function expand(text: string, values: Row = row): string {
  const program = makeMacroProgram<Row>((name) => (Object.hasOwn(meanings, name) ? meanings[name] : undefined));
  const template = program.compile(text);
  return renderTemplate(template, program.evaluate(values));
}

function problemsOf(text: string): readonly MacroProblem[] {
  const problems: MacroProblem[] = [];
  const program = makeMacroProgram<Row>((name) => (Object.hasOwn(meanings, name) ? meanings[name] : undefined));
  program.compile(text, (problem) => problems.push(problem));
  return problems;
}

describe('macros', () => {
  it.each([
    ['', ''],
    ['plain $ text $5 100$', 'plain $ text $5 100$'],
    ['$(name)-$(run)', 'DST_X-22026'],
    ['$(NAME) $( run )', 'DST_X 22026'],
    ['$(outdir)', '/data/DST_X/run_00022026'],
    ['$(deep)', '/data/DST_X/run_00022026/DST_X'],
    ['$(still)', 'DST_X-DST_X'],
    ['$(instead)', '<22026>'],
    ['[$(nothing)]', '[]'],
    ['[$(nothing:x y)]', '[x y]'],
    ['[$(nothing:$(run))]', '[22026]'],
    ['[$(empty:none)]', '[none]'],
    ['[$(run:none)]', '[22026]'],
    ['[$(name:none)]', '[DST_X]'],
    ['$INT(run,%08i)', '00022026'],
    ['$INT(run,%010d)', '0000022026'],
    ['$INT(run, %05d)', '22026'],
    ['$INT(run)', '22026'],
    ['$INT($(run)/100,%d)', '220'],
    ['$INT(7,%03d)', '007'],
    ['$REAL(run,%.1f)', '22026.0'],
    ['$REAL(1.5)', '1.5'],
    ['run $INT(run,no. %d)', 'run no. 22026'],
    ['/d/$$([$(run)/100])00', '/d/22000'],
    ['/d/$$([ ($(run)+50)/100 ])00', '/d/22000'],
    ['$$([7*6])', '42'],
    ['$$([$(run)/0])', '$$([22026/0])'],
    ['$$([TARGET.Memory - $(run)])', '$$([TARGET.Memory - 22026])'],
    ['$$(Name) $$(Disk:5)', '$$(Name) $$(Disk:5)'],
    ['$(ClusterId).$(ProcId) $(cluster).$(PROCESS)', '$(ClusterId).$(ProcId) $(ClusterId).$(ProcId)'],
    ['$ENV(HOME) $F(name)', '$ENV(HOME) $F(name)'],
    ['$(DOLLAR)(name)', '$(name)'],
    ['$(name', '$(name'],
    ['$(a b)', '$(a b)'],
    ['$(sly)', '$(name) {name}'],
    ['$(loop)', 'ab'],
  ])('expands %j to %j (C-R8)', (text, expanded) => {
    expect(expand(text)).toBe(expanded);
  });

  it('says what nothing provides, what is not known yet, what is left, and what is none', () => {
    expect(
      problemsOf(
        '$(name) $(nothing) $(column) $(nothing:x) $(column:x) $ENV(A) $INT(run,%s) $(a b) $(loop) $INT(name,%d)',
      ),
    ).toMatchInlineSnapshot(`
        [
          {
            "kind": "unprovided",
            "macro": "$(nothing)",
            "name": "nothing",
            "offset": 8,
          },
          {
            "kind": "uncertain",
            "macro": "$(column)",
            "name": "column",
            "offset": 19,
          },
          {
            "kind": "left-to-batch",
            "macro": "$ENV(A)",
            "offset": 54,
          },
          {
            "kind": "malformed",
            "macro": "$INT(run,%s)",
            "offset": 62,
          },
          {
            "kind": "malformed",
            "macro": "$(a b)",
            "offset": 75,
          },
          {
            "kind": "cycle",
            "macro": "$(loop)",
            "name": "loop",
            "offset": 82,
          },
          {
            "kind": "malformed",
            "macro": "$INT(name,%d)",
            "offset": 90,
          },
        ]
      `);
  });

  it('throws where a number format meets a text', () => {
    expect(() => expand('$INT(run,%08i)', { ...row, run: 'abc' })).toThrow(
      "'$INT(run,%08i)' needs a number, but the value is 'abc'",
    );
  });

  it('never throws on templates', () => {
    const text = fc.string({ unit: fc.constantFrom(...'$()[]:,%dINTRname 1/'.split('')) });
    fc.assert(
      fc.property(text, (template) => {
        expect(typeof problemsOf(template).length).toBe('number');
      }),
      { numRuns: 500 },
    );
  });

  it('leaves a text without dollars as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('$')),
        (text) => {
          expect(expand(text)).toBe(text);
        },
      ),
    );
  });
});
