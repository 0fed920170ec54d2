import { PassThrough } from 'node:stream';

import { expect, it } from 'vitest';

import { openProgress } from '#cli/progress.ts';

/** A terminal (or none) that keeps what is drawn. */
function fakeTerminal(isTTY: boolean): { stream: PassThrough & { isTTY: boolean }; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { stream, text: () => text };
}

it('draws nothing where there is no terminal', () => {
  const { stream, text } = fakeTerminal(false);
  const progress = openProgress({ label: 'DST_X', total: 3, stream, delayMs: 0 });
  progress.update(3);
  progress.close();
  expect(text()).toBe('');
});

it('draws nothing for work that ends early', () => {
  const { stream, text } = fakeTerminal(true);
  const progress = openProgress({ label: 'DST_X', total: 3, stream });
  progress.update(3);
  progress.close();
  expect(text()).toBe('');
});

it('draws label, count and unit on a terminal', () => {
  const { stream, text } = fakeTerminal(true);
  const progress = openProgress({ label: 'DST_X', total: 3, unit: 'jobs', stream, delayMs: 0 });
  progress.phase('reserving');
  progress.update(2);
  progress.close();
  progress.update(3);
  expect(text()).toContain('DST_X');
  expect(text()).toContain('/3 jobs');
});
