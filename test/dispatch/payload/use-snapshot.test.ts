import { expect, it } from 'vitest';

import { makeSnapshotUser } from '#dispatch/payload/use-snapshot.ts';

import type { ExpandedJob } from '#rules/expand-job.ts';

const moved = new Map([
  ['/prod/calo/run.sh', '/s/files/calo/run.sh'],
  ['/prod/calo', '/s/files/calo'],
  ['/prod/here/a.list', '/s/files/here/a.list'],
]);

const job = (path: string, commands: Readonly<Record<string, string>> = {}): ExpandedJob => ({
  ...{ executable: { kind: 'own', path }, arguments: '1', commands, directories: [] },
});

it('uses program and files of a job from the snapshot, and keeps paths that it does not have', () => {
  const use = makeSnapshotUser({ moved }, '/prod');
  expect(use(job('/prod/calo/run.sh')).executable).toEqual({ kind: 'own', path: '/s/files/calo/run.sh' });
  expect(use(job('/bin/true'))).toEqual(job('/bin/true'));
  const commands = { transfer_input_files: './calo/,cups.py,https://host/calo,in-7.evt', log: 'x' };
  expect(use(job('/bin/true', commands)).commands).toEqual({
    ...{ transfer_input_files: '/s/files/calo/,cups.py,https://host/calo,in-7.evt', log: 'x' },
  });
});

it('reads relative files from where the job begins', () => {
  const use = makeSnapshotUser({ moved }, '/prod');
  const commands = { initialdir: 'here', Transfer_Input_Files: 'a.list, ../calo' };
  expect(use(job('/bin/true', commands)).commands).toEqual({
    ...{ initialdir: 'here', Transfer_Input_Files: '/s/files/here/a.list,/s/files/calo' },
  });
});
