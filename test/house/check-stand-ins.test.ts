import { expect, it } from 'vitest';

import { checkStandIns } from '../../scripts/house/check-stand-ins.ts';

const complaintsAbout = (line: string, path = 'src/db/a.ts'): number => checkStandIns(new Map([[path, line]])).length;

it.each([
  "const first = words[0] ?? '';",
  "const next = words[index + 1] ?? '';",
  'const last = counts[counts.length - 1] ?? 0;',
  "const last = words.at(-1) ?? '';",
  'const rest = lists.pop() ?? [];',
  'const code = text.codePointAt(at) ?? 0;',
])('finds the stand-in in: %s', (line) => {
  expect(complaintsAbout(line)).toBe(1);
});

it.each([
  "const path = env['PATH'] ?? '';",
  "const text = params[key] ?? '';",
  "const [first = ''] = words;",
  "const last = words.at(-1) ?? 'none';",
  'const count = counts.get(name) ?? 0;',
])('accepts: %s', (line) => {
  expect(complaintsAbout(line)).toBe(0);
});

it('looks at the source only, and not at the model, which imports nothing', () => {
  const line = "const first = words[0] ?? '';";
  expect(complaintsAbout(line, 'src/model/a.ts') + complaintsAbout(line, 'test/db/a.test.ts')).toBe(0);
});
