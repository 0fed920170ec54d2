import { expect, test } from 'vitest';

import { renderRefused } from '#reports/render-refused.ts';

const report = {
  ...{ cupsid: 7, dstfile: 'DST_CALO_run2pp_ana437_2024p007-00053534-00000', rule: 'DST_CALO' },
  ...{ report: 'finished', reason: 'exitCode expected a whole number', refusedAt: new Date('2026-11-24T08:00:00Z') },
  isRemark: false,
};

test('says that nothing was refused', () => {
  expect(renderRefused([], [], 80)).toBe('No report was refused or remarked on\n');
});

test('renders reports and spools, and what to do about them', () => {
  const spool = { name: 'spool-7-0.jsonl.1', path: '/site/spool/refused/spool-7-0.jsonl.1', cupsid: 7 };
  expect(renderRefused([report], [spool], 120)).toMatchInlineSnapshot(`
    "cupsid  product                                         report    refused           reason
    ------  ----------------------------------------------  --------  ----------------  --------------------------------
    7       DST_CALO_run2pp_ana437_2024p007-00053534-00000  finished  2026-11-24 08:00  exitCode expected a whole number

    Refused spools:
      /site/spool/refused/spool-7-0.jsonl.1

    Fix the cause and redo the job, or run 'slurp refused ATTEMPT… --resolve'
    "
  `);
});

test('marks what is a remark, and cuts nothing where the width has no end, as in a pipe', () => {
  const reason = `'a.root' is registered, but ${'x'.repeat(300)}`;
  const text = renderRefused([{ ...report, report: 'stageout', reason, isRemark: true }], [], Infinity);
  expect(text).toContain(`${report.dstfile}  stageout (remark)  2026-11-24 08:00  ${reason}\n`);
});
