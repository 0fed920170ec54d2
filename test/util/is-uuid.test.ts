import { randomUUID } from 'node:crypto';

import { expect, it } from 'vitest';

import { isUuid } from '#util/is-uuid.ts';

it('takes a uuid, and no text that only holds one', () => {
  const uuid = randomUUID();
  expect(isUuid(uuid)).toBe(true);
  for (const text of ['', uuid.toUpperCase(), `${uuid}\n`, `../${uuid}`, `${uuid}"`]) expect(isUuid(text)).toBe(false);
});
