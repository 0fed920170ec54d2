import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { decideByDisk } from '#loop/back-pressure/decide-by-disk.ts';

/** A rule whose output directory is this text, with a value of the row after it where there are two. */
const ruleOf = (...texts: readonly string[]): Parameters<typeof decideByDisk>[0] => ({
  job: {
    directories: [{ key: 'outdir', template: { texts, slots: texts.slice(1).map((_, index) => index) } }],
    ...{ executable: { kind: 'wrapper' }, arguments: { texts: [''], slots: [] }, commands: [], attributes: [] },
    ...{ ownLogs: [], submitDirectory: '/submit', isStaging: false },
    program: { compile: (text) => ({ texts: [text], slots: [] }), evaluate: () => [] },
  },
});
const askedFor = async (...texts: readonly string[]): Promise<readonly string[]> => {
  const asked: string[] = [];
  const find = (directory: string) => Promise.resolve(asked.push(directory));
  expect(await decideByDisk(ruleOf(...texts), 1, { find, withinMs: 1000 })).toMatchObject({ kind: 'go' });
  return asked;
};

test('looks at the part of the output directory that is the same for all jobs', async () => {
  expect(await askedFor('/data/out')).toEqual(['/data/out']);
  expect(await askedFor('file:///data/out/', '')).toEqual(['/data/out']);
  expect(await askedFor('/data/out/run_', '/dst')).toEqual(['/data/out']);
  expect(await askedFor('out')).toEqual(['/submit/out']);
  expect(await askedFor('', '/dst')).toEqual([]);
});

test('waits while too little is free, or the directory does not answer (C-Q27)', async () => {
  const rule = ruleOf(join(tmpdir(), 'not', 'made', 'yet'));
  expect(await decideByDisk(rule, 1)).toEqual({ kind: 'go', room: Infinity });
  expect(await decideByDisk(rule, 1e18)).toMatchObject({ kind: 'wait', reason: expect.stringContaining(' free: ') });
  const silent = { find: () => new Promise<number>(() => undefined), withinMs: 1 };
  expect(await decideByDisk(rule, 1, silent)).toEqual({
    ...{ kind: 'wait', reason: `'${join(tmpdir(), 'not', 'made', 'yet')}' does not answer: is its file server down?` },
  });
});

test('knows nothing of a directory that this host does not have', async () => {
  expect(await decideByDisk(ruleOf('/none-of-this-host/out'), 1e18)).toEqual({ kind: 'go', room: Infinity });
});
