import { describe, expect, it } from 'vitest';

import { makeScriptRows, renderScript, renderScriptCsv } from '#reports/render-script.ts';

import type { ScriptResult } from '#db/connect.ts';

const table: ScriptResult = {
  command: 'SELECT',
  rowCount: 2,
  columns: [
    { name: 'run', typeId: 23 },
    { name: 'dstfile', typeId: 25 },
    { name: 'done', typeId: 16 },
    { name: 'qual', typeId: 3802 },
    { name: 'share', typeId: 701 },
  ],
  rows: [
    ['22026', 'DST_EVENT_auau23_ana387_2023p003-00022026-0000 and a long tail behind it', 't', '{"a": 1}', '0.5'],
    ['7', 'x,"y"', null, null, 'NaN'],
  ],
};
const changed: ScriptResult = { command: 'UPDATE', rowCount: 3, columns: [], rows: [] };

describe('the results of statements', () => {
  it('are a table each, cut to the width, numbers at the right', () => {
    expect(renderScript([table, changed], 60)).toMatchInlineSnapshot(`
      "  run  dstfile                         done  qual      share
      -----  ------------------------------  ----  --------  -----
      22026  DST_EVENT_auau23_ana387_2023p…  t     {"a": 1}  0.5
          7  x,"y"                                           NaN
      (2 rows)

      UPDATE 3
      "
    `);
  });

  it('have a line a value where there are too many columns', () => {
    const names = Array.from({ length: 12 }, (_, n) => ({ name: `a_long_name_${n}`, typeId: 25 }));
    const wide = { ...table, columns: names, rows: [names.map(() => 'x'), names.map(() => null)] };
    expect(renderScript([wide]).split('\n').slice(0, 3)).toEqual([
      '-- row 1',
      'a_long_name_0   x',
      'a_long_name_1   x',
    ]);
    expect(renderScript([{ ...wide, rows: [] }])).toBe('(0 rows)\n');
  });

  it('are CSV that distinguishes null from an empty text', () => {
    const row = {
      ...table,
      columns: table.columns.slice(0, 3),
      rows: [
        ['1', '', null],
        ['2', 'a,"b"', 't'],
      ],
    };
    expect(renderScriptCsv([changed, row])).toBe('run,dstfile,done\n1,"",\n2,"a,""b""",t\n');
  });

  it('are JSON with numbers, truth values and documents', () => {
    expect(makeScriptRows([table])).toEqual([
      { run: 22026, dstfile: table.rows[0]?.[1], done: true, qual: { a: 1 }, share: 0.5 },
      { run: 7, dstfile: 'x,"y"', done: null, qual: null, share: 'NaN' },
    ]);
    expect(makeScriptRows([changed, { ...table, rows: [] }])).toEqual([{ command: 'UPDATE', rowCount: 3 }, []]);
  });
});
