import { expect, test } from 'vitest';

import { renderIngested } from '#reports/render-ingested.ts';

const counts = { new: 3, duplicate: 1, 'unknown-attempt': 0, forbidden: 0, invalid: 0 };

test('renders a line for each spool, and a sum', () => {
  const torn = { ...counts, new: 0, invalid: 1 };
  const files = [
    { file: '/home/spool-1-0.jsonl', counts, complaints: [] },
    { file: '/home/spool-2-0.jsonl', counts: torn, complaints: [':2: not JSON', ': the last line is torn (5 bytes)'] },
  ];
  expect(renderIngested(files, 80)).toMatchInlineSnapshot(`
    "spool            new  known  refused
    ---------------  ---  -----  -------
    spool-1-0.jsonl    3      1        0
    spool-2-0.jsonl    0      1        2
    ---------------  ---  -----  -------
    2 files            3      2        2
    "
  `);
});
