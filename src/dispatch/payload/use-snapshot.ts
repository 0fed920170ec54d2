import { resolve } from 'node:path';

import { parseList } from '#batch/parse-list.ts';

import { isAddress } from './survey/staged-path.ts';

import type { ExpandedJob } from '#rules/expand-job.ts';

import type { Snapshot } from './snapshot/ensure-snapshot.ts';

/**
 * Makes the function that lets a job take its program and its files from a snapshot, where that holds them; everything
 * else of it stays as it is. Fast: most jobs of a submission have the same files.
 */
export function makeSnapshotUser(
  { moved }: Pick<Snapshot, 'moved'>,
  submitDirectory: string,
): (job: ExpandedJob) => ExpandedJob {
  const filesOf = withMemory((written) => {
    const [initial = '', list = ''] = written.split('\0');
    return parseList(list)
      .map((item) => {
        const place = isAddress(item) ? undefined : moved.get(resolve(initial, item));
        return place === undefined ? item : `${place}${item.endsWith('/') ? '/' : ''}`;
      })
      .join(',');
  });
  return (job) => {
    const { executable, commands } = job;
    const program = executable.kind === 'own' ? moved.get(executable.path) : undefined;
    const key = Object.keys(commands).find((name) => name.toLowerCase() === 'transfer_input_files');
    const list = key === undefined ? '' : (commands[key] ?? '');
    if (program === undefined && list === '') return job;
    const initial = resolve(submitDirectory, commands['initialdir']?.trim() ?? '.');
    return {
      ...job,
      ...(program === undefined ? {} : { executable: { kind: 'own', path: program } }),
      ...(key === undefined ? {} : { commands: { ...commands, [key]: filesOf(`${initial}\0${list}`) } }),
    };
  };
}

function withMemory(make: (written: string) => string): (written: string) => string {
  let last: { readonly written: string; readonly made: string } | undefined;
  return (written) => {
    if (last?.written !== written) last = { written, made: make(written) };
    return last.made;
  };
}
