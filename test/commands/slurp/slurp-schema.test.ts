import { expect, test } from 'vitest';

import { makeFileSchema } from '#commands/slurp/slurp-schema.ts';

test('the schema of a site file has its sections, and accepts time spans as they are written', () => {
  expect(makeFileSchema('site')).toMatchObject({
    ...{ title: 'Site file of SLURP', type: 'object', additionalProperties: false },
    properties: { statement_timeout: { type: 'string' }, testbed: { type: 'object' } },
  });
});

test('the schema of a rule file takes any rules, and further keys in them', () => {
  expect(makeFileSchema('rule')).toMatchObject({
    ...{ title: 'Rule file of SLURP', type: 'object' },
    additionalProperties: {
      properties: { input: { type: 'object' }, job: { type: 'object' }, supervise: { type: 'boolean' } },
    },
  });
});
