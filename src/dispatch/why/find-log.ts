import { open } from 'node:fs/promises';
import { resolve } from 'node:path';

import { expandJob, toDirectoryPath } from '#rules/expand-job.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';

import type { ExplainedRow, FoundLog } from '#model/report/why.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

const linesAtMost = 3;
const charactersAtMost = 200;
const tailBytes = 4096;

/**
 * Finds the log of errors of a row's job: where the rule would put it, if there is such a file. Never throws.
 *
 * @param inputs of the attempt, comma-separated: the run type in directories is theirs
 * @returns undefined where the rule names none, or there is none (yet, or from here)
 */
export async function findLog(
  prepared: PreparedRule,
  row: ExplainedRow,
  inputs: string,
): Promise<FoundLog | undefined> {
  const { dstfile } = row;
  if (dstfile === null) return undefined;
  const dstname = dstfile.replace(/-\d+-\d+$/u, '');
  try {
    const { commands } = expandJob(
      prepared,
      {
        ...{ run: row.run, segment: row.segment, dstfile, dstname, dsttype: dsttypeOf(prepared, row) },
        ...(row.streamname === null ? {} : { streamname: row.streamname }),
        ...{ source: '', inputs, ranges: '', extra: {} },
      },
      { cupsid: 0 },
    );
    const { submitDirectory } = prepared.job;
    const destination = toDirectoryPath(commands['output_destination'] ?? '.', submitDirectory);
    for (const name of ['error', 'output'] as const) {
      const written = commands[name] ?? '';
      if (written === '' || written === '/dev/null') continue;
      const path = resolve(destination, withoutFileScheme(written));
      const lines = await readTail(path);
      if (lines !== undefined && (lines.length > 0 || name === 'output')) return { path, lines };
    }
  } catch {
    // A column of the query stands in the name, whose value this job's row had.
  }
  return undefined;
}

function dsttypeOf(prepared: PreparedRule, { streamname }: ExplainedRow): string {
  return prepared.names.production.dsttype.replaceAll(/\$\(streamname\)/giu, streamname ?? '');
}

async function readTail(path: string): Promise<readonly string[] | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, start);
    return buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-linesAtMost)
      .map((line) => line.replaceAll(/\p{Cc}/gu, ' ').slice(0, charactersAtMost));
  } finally {
    await file.close();
  }
}
