import { expect, it } from 'vitest';

import { withoutControls } from '#util/text/without-controls.ts';

it.each([
  ['plain text é', 'plain text é'],
  ['two\r\nlines\tand more', 'two lines and more'],
  ['\u001B[31mred\u0007', '�[31mred�'],
  ['left\u202Eright', 'left�right'],
])('makes %j harmless for a terminal', (text, harmless) => {
  expect(withoutControls(text)).toBe(harmless);
});
