import { expect, test } from 'vitest';

import { askToGoOn } from '#cli/ask-to-go-on.ts';

test('goes on by itself where there is no terminal to ask at', async () => {
  expect(await askToGoOn()).toBe(true);
});
