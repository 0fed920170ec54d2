import { expect, test } from 'vitest';

import { fillNumbers, parseEnvironment, parseList, placesOf } from '#batch/local/submit-commands.ts';

test.each([
  ['"A=1 B=2"', { A: '1', B: '2' }],
  [`"A='x y' B='it''s' C=""q"""`, { A: 'x y', B: "it's", C: '"q"' }],
  ['A=1;B=x y', { A: '1', B: 'x y' }],
  ['', {}],
  ['"A=b=c"', { A: 'b=c' }],
  ['nonsense', {}],
])('reads the environment %s', (text, expected) => {
  expect(parseEnvironment(text)).toEqual(expected);
});

test.each([
  [undefined, []],
  ['""', []],
  ['', []],
  [' a , b/ ,', ['a', 'b/']],
])('reads the list %s', (text, expected) => {
  expect(parseList(text)).toEqual(expected);
});

test('fills in cluster and process by all their names', () => {
  expect(fillNumbers('$(ClusterId).$(ProcId) $(cluster) $(Process) $(other)', 12, 3)).toBe('12.3 12 3 $(other)');
});

test('finds the places of outputs as HTCondor does', () => {
  const submission = {
    ...{ uuid: 'u', cluster: 7, count: 1, batchName: 'b', directory: '/s', workerDirectory: '/w' },
    ...{ submitDirectory: '/home/op', environment: {}, submittedAt: '' },
  };
  const job = { process: 2, cupsid: 1, dstfile: 'D', executable: '/x', arguments: '' };
  const commands = {
    ...{ output: 'a.out', error: '/logs/$(ClusterId).err', log: 'a.log' },
    output_destination: 'file:///data/log/',
  };
  expect(placesOf({ ...job, commands }, submission)).toEqual({
    ...{ initial: '/home/op', destination: '/data/log', output: '/data/log/a.out' },
    ...{ error: '/logs/7.err', log: '/home/op/a.log' },
  });
  expect(placesOf({ ...job, commands: { output_destination: 'file://./output/' } }, submission)).toEqual({
    initial: '/home/op',
    destination: '/home/op/output',
  });
});
