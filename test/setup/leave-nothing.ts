import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { bundleDirectoryPrefix } from '#test/util/bundle-script.ts';
import { waitUntil } from '#util/wait-until.ts';

/** Things that tools (not tests) keep in the temporary directory. */
const ofTools = new RegExp(`^(?:tsx-|node-compile-cache|${bundleDirectoryPrefix}|[\\w-]{21}$)`, 'u');

/**
 * T10: gives the run a temporary directory of its own and marks all its processes; at the end neither files nor
 * processes may be left. Stands first in the list of set-ups, so that it looks last.
 */
export default function setUp(): () => Promise<void> {
  const directory = mkdtempSync('/tmp/slurp-t-');
  const mark = `SLURP_TEST_RUN=${randomUUID()}`;
  process.env['TMPDIR'] = directory;
  process.env['SLURP_TEST_RUN'] = mark.split('=')[1];
  return async () => {
    const processes = await waitUntil(async () => (leftProcesses(mark).length === 0 ? [] : undefined), {
      timeoutMs: 25_000,
    });
    const files = readdirSync(directory).filter((name) => !ofTools.test(name));
    rmSync(directory, { recursive: true, force: true });
    const complaint = [
      ...(processes === undefined ? leftProcesses(mark).map((line) => `process ${line}`) : []),
      ...files.map((name) => `file ${name} in the temporary directory`),
    ];
    if (complaint.length === 0) return;
    // The runner shows the error, and would end with 0 all the same.
    process.exitCode = 1;
    throw new Error(`Tests left behind:\n${complaint.join('\n')}`);
  };
}

/** Command lines of the processes that descend from this run, but for the workers of the test runner. */
function leftProcesses(mark: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(join('/proc', pid, 'environ'), 'utf8').split('\0');
        const commandLine = readFileSync(join('/proc', pid, 'cmdline'), 'utf8')
          .replaceAll('\0', ' ')
          .trim();
        const isOfTools = commandLine === '' || /node_modules\/(?:vitest|esbuild|@esbuild)\//u.test(commandLine);
        return environment.includes(mark) && !isOfTools ? [`${pid} ${commandLine}`] : [];
      } catch {
        return [];
      }
    });
}
