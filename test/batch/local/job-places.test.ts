import { expect, test } from 'vitest';

import { placesOf, substituteNumbers } from '#batch/local/job-places.ts';

test('fills in cluster and process by all their names', () => {
  expect(substituteNumbers('$(ClusterId).$(ProcId) $(cluster) $(Process) $(other)', 12, 3)).toBe('12.3 12 3 $(other)');
});

test('finds the places of outputs as HTCondor does', () => {
  const submission = {
    ...{ uuid: 'u', cluster: 7, count: 1, batchName: 'b', directory: '/s', workerDirectory: '/w' },
    isSupervised: false,
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
