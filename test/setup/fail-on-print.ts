import { format } from 'node:util';

import { afterEach } from 'vitest';

// T10: a test that prints fails. What is said to people goes through functions that a test can hand in.
const printed: string[] = [];

for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  // eslint-disable-next-line no-console
  console[name] = (...words: unknown[]) => {
    printed.push(format(...words));
  };
}
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (text: string | Uint8Array) => {
    printed.push(String(text));
    return true;
  };
}

afterEach(() => {
  const text = printed.splice(0).join('\n');
  if (text !== '') throw new Error(`This test printed: ${text}`);
});
