import { expect, it } from 'vitest';

import { signalNameOf } from '#util/process/signal-name.ts';

it('names signals as everybody does, and nothing else', () => {
  expect([1, 2, 6, 9, 15].map(signalNameOf)).toEqual(['SIGHUP', 'SIGINT', 'SIGABRT', 'SIGKILL', 'SIGTERM']);
  expect([0, -128, 99].map(signalNameOf)).toEqual([undefined, undefined, undefined]);
});
