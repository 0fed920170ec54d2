import { expect, it } from 'vitest';

import { signalName } from '#util/signal-name.ts';

it('names signals as everybody does, and nothing else', () => {
  expect([1, 2, 6, 9, 15].map(signalName)).toEqual(['SIGHUP', 'SIGINT', 'SIGABRT', 'SIGKILL', 'SIGTERM']);
  expect([0, -128, 99].map(signalName)).toEqual([undefined, undefined, undefined]);
});
