import { expect, it } from 'vitest';

import { findOutputWidth, renderTable } from '#cli/table.ts';

it('renders numbers to the right, a total below, and no colour', () => {
  const text = renderTable({
    head: ['rule', 'expected', 'failed'],
    rows: [
      ['DST_EVENT', 24, 0],
      ['DST_CALOR', 144, undefined],
    ],
    total: ['all', 168, 0],
  });
  expect(text).toMatchInlineSnapshot(`
    "rule       expected  failed
    ---------  --------  ------
    DST_EVENT        24       0
    DST_CALOR       144
    ---------  --------  ------
    all             168       0
    "
  `);
});

it('cuts the widest column where a line would be too long', () => {
  const text = renderTable({ head: ['file', 'n'], rows: [['x'.repeat(200), 1]] }, 40);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBe(40);
  expect(text).toContain('…');
});

it('renders an empty table as its head', () => {
  expect(renderTable({ head: ['a', 'b'], rows: [] })).toBe('a  b\n-  -\n');
});

it('cuts nothing in a pipe', () => {
  expect(findOutputWidth()).toBe(Infinity);
});

it('renders as many rows as a query may return', () => {
  const rows = Array.from({ length: 150_000 }, (_, index) => [index]);
  const lines = renderTable({ head: ['n'], rows }).split('\n');
  expect(lines).toHaveLength(150_003);
  expect(lines.at(-2)).toBe('149999');
});
