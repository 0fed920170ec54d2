import { expandJob } from '../expand-job.ts';
import { judgeJobValue } from './check-values.ts';

import type { CompiledJob } from './compile-job.ts';
import type { JobRow } from './job-row.ts';

/** Finds out of one row after the other whether its job could be submitted, and started. */
export interface RowJudge {
  /**
   * Each row has to be judged: the rule puts values of rows where they are read as numbers or expressions. Else only those
   * with unusual characters, or very long ones, can be unfit.
   */
  readonly isForAll: boolean;
  /** What is wrong with the job of a row, a sentence without full stop; undefined: nothing. */
  judge(row: JobRow): string | undefined;
}

/** Linux starts no program with an argument of more bytes (128 kB with its end), nor with more than 2 MB of them. */
const argumentBytesAtMost = 131_071;
const allBytesAtMost = 1_900_000;

/**
 * Makes a {@link RowJudge} for the jobs of a rule. HTCondor reads the values of the first row when a submission is handed
 * over, and refuses it; those of the others it reads when it makes the jobs, and then pauses the whole submission.
 *
 * @see docs/htcondor.md
 */
export function makeRowJudge(prepared: { readonly job: CompiledJob }): RowJudge {
  const { commands } = prepared.job;
  const read = commands.filter(
    ({ key, template }) => template.slots.length > 0 && judgeJobValue(key, '#(') !== undefined,
  );
  const differing = commands.filter(({ template }) => template.slots.length > 0).map(({ key }) => key);
  const readKeys = new Set(read.map(({ key }) => key));
  const known = new Map<string, string | undefined>();
  const judgeValue = (key: string, text: string): string | undefined => {
    const name = `${key}=${text}`;
    if (!known.has(name)) {
      if (known.size > 10_000) known.clear();
      known.set(name, judgeRead(key, text));
    }
    return known.get(name);
  };
  return {
    isForAll: read.length > 0,
    judge: (row) => {
      let job;
      try {
        job = expandJob(prepared, row, { cupsid: 0 });
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
      const tooLong = judgeArguments(job.arguments);
      if (tooLong !== undefined) return tooLong;
      for (const key of differing) {
        const text = (job.commands[key] ?? '').trim();
        const fault = judgeText(key, text) ?? (readKeys.has(key) ? judgeValue(key, text) : undefined);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

function judgeArguments(words: string): string | undefined {
  const fault = judgeText('arguments', words.trim());
  if (fault !== undefined) return fault;
  if (words.length * 3 <= argumentBytesAtMost) return undefined;
  const longest = Math.max(...words.split(/\s+/u).map((word) => Buffer.byteLength(word)));
  const all = Buffer.byteLength(words);
  if (longest > argumentBytesAtMost) {
    return `'arguments' holds a word of ${longest} bytes: no program can be started with more than ${argumentBytesAtMost}`;
  }
  return all > allBytesAtMost
    ? `'arguments' has ${all} bytes: no program can be started with more than 2 MB`
    : undefined;
}

function judgeText(key: string, text: string): string | undefined {
  if (/[\n\r]/u.test(text)) return `'${key}' contains a line break: remove it in the query`;
  // A tab is a space to HTCondor.
  const control = /[\u0000-\u0008\u000B-\u001F\u007F]/u.exec(text)?.[0];
  if (control === undefined) return undefined;
  const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return `'${key}' contains the control character U+${code}: remove it in the query`;
}

function judgeRead(key: string, text: string): string | undefined {
  if (text === '') return undefined;
  // What is left to HTCondor is something, and every other `$` is itself, as in a string.
  const plain = text.replaceAll(/\$\$\([^)]*\)|\$\((?:ClusterId|ProcId)\)/giu, '1').replaceAll('$', '#');
  const judged = judgeJobValue(key, plain);
  return judged === undefined ? undefined : `${judged.message.replace(plain, () => text)}: expected ${judged.expected}`;
}
