import { expect, test } from 'vitest';

import { askToGoOn } from '#cli/ask-to-go-on.ts';

test('continues without a question where there is no terminal', async () => {
  expect(await askToGoOn()).toBe(true);
});
