import { assertPresent } from '#util/assert-present.ts';

import { expandJob } from '../expand-job.ts';
import { checkRowValue } from './check-finished-value.ts';
import { makeFileJudge } from './judge-files.ts';

import type { Template } from '../expand-macros.ts';
import type { JobRow } from './job-row.ts';
import type { CompiledJob } from './make-compiled-job.ts';

/** What is found out about one row. */
export interface RowJudgement {
  /** What is wrong with its job, a sentence without full stop; absent: nothing. */
  readonly fault?: string;
  /** Of {@link RowJudge.uneven}, the commands that are empty in this row. */
  readonly empty: readonly string[];
}

/** Finds out of one row after the other whether its job could be submitted, and started. */
export interface RowJudge {
  /**
   * Each row has to be judged: the rule puts values of rows where they are read as numbers or expressions. Else only those
   * with unusual characters, or very long ones, can be unfit.
   */
  readonly isForAll: boolean;
  /** Commands that may be empty in some rows only; then those rows cannot be submitted with the others. */
  readonly uneven: readonly string[];
  judge(row: JobRow): RowJudgement;
}

/** What the site's batch system makes of the values of a rule. */
export interface RowReader {
  /** Names of commands that the site gives to all jobs, whatever the rule says, in lower case. */
  readonly overridden: ReadonlySet<string>;
  /** A job gets the value of the first one where its own is empty. */
  readonly isInherited: boolean;
}

/** Linux starts no program with an argument of more bytes (128 kB with its end), nor with more than 2 MB of them. */
const argumentBytesAtMost = 131_071;
const allBytesAtMost = 1_900_000;

/** Commands that can be empty in one row and not in another: they have a spelling for it, or are worked out before. */
const mayDiffer =
  /^(?:\+|my\.)|^(?:arguments|environment|env|getenv|initialdir|transfer_(?:input_files|output_files|output_remaps|executable)|output_destination|user_job_wrapper|universe|should_transfer_files)$/iu;

/**
 * Makes a {@link RowJudge} for the jobs of a rule. HTCondor reads the values of the first row when a submission is handed
 * over, and refuses it; those of the others it reads when it makes the jobs, and then pauses the whole submission.
 *
 * @param reader absent: HTCondor, with no commands of the site
 * @see docs/htcondor.md
 */
export function makeRowJudge(
  prepared: { readonly job: CompiledJob },
  { overridden, isInherited }: RowReader = { overridden: new Set(), isInherited: true },
): RowJudge {
  const differing = prepared.job.commands.filter(
    ({ key, template }) => template.slots.length > 0 && !overridden.has(key.toLowerCase()),
  );
  const readKeys = new Set(differing.map(({ key }) => key).filter((key) => checkRowValue(key, '#( #') !== undefined));
  const uneven = differing
    .filter(({ key, template }) => isInherited && !mayDiffer.test(key) && canBeEmpty(template))
    .map(({ key }) => key);
  const judgeFiles = makeFileJudge(prepared.job, overridden);
  const known = new Map<string, string | undefined>();
  const judgeValue = (key: string, text: string): string | undefined => {
    const name = `${key}=${text}`;
    if (!known.has(name)) {
      if (known.size > 10_000) known.clear();
      known.set(name, checkRead(key, text));
    }
    return known.get(name);
  };
  return {
    isForAll: readKeys.size > 0 || uneven.length > 0 || judgeFiles !== undefined,
    uneven,
    judge: (row) => {
      let job;
      try {
        job = expandJob(prepared, row, { cupsid: 0 });
      } catch (error) {
        return { fault: error instanceof Error ? error.message : String(error), empty: [] };
      }
      const { commands } = job;
      let fault = checkArguments(job.arguments) ?? judgeFiles?.(job);
      for (const { key } of fault === undefined ? differing : []) {
        const text = assertPresent(commands[key], 'a command').trim();
        fault = checkText(key, text) ?? (readKeys.has(key) ? judgeValue(key, text) : undefined);
        if (fault !== undefined) break;
      }
      const empty = uneven.filter((key) => isEmpty(key, assertPresent(commands[key], 'a command')));
      return fault === undefined ? { empty } : { fault, empty };
    },
  };
}

const canBeEmpty = ({ texts }: Template): boolean => texts.every((text) => text.trim() === '');

function isEmpty(key: string, written: string): boolean {
  const text = written.trim();
  return text === '' || ((key === 'output' || key === 'error') && (text === '""' || text === '/dev/null'));
}

function checkArguments(words: string): string | undefined {
  const fault = checkText('arguments', words.trim());
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

function checkText(key: string, text: string): string | undefined {
  if (/[\n\r]/u.test(text)) return `'${key}' contains a line break: remove it in the query`;
  // A tab is a space to HTCondor.
  const control = /[\u0000-\u0008\u000B-\u001F\u007F]/u.exec(text)?.[0];
  if (control === undefined) return undefined;
  const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return `'${key}' contains the control character U+${code}: remove it in the query`;
}

function checkRead(key: string, text: string): string | undefined {
  if (text === '') return undefined;
  // What is left to HTCondor is something, and every other `$` is itself, as in a string.
  const plain = text.replaceAll(/\$\$\([^)]*\)|\$\((?:ClusterId|ProcId)\)/giu, '1').replaceAll('$', '#');
  const judged = checkRowValue(key, plain);
  return judged === undefined ? undefined : `${judged.message.replace(plain, () => text)}: expected ${judged.expected}`;
}
