import { open, rename } from 'node:fs/promises';

import { closeLine, encodeField } from './encode-field.ts';

import type { FileHandle } from 'node:fs/promises';

import type { BatchJob } from '../backend.ts';

/** What is the same in all jobs, and what the rows of the item file hold. */
export interface WrittenItems {
  readonly count: number;
  readonly constants: ReadonlyMap<string, string>;
  /** Keys of the columns that follow the cupsid's; `arguments`, if it is among them, is the last. */
  readonly columns: readonly string[];
}

/** What broke off was the source of the jobs, not the writing. */
export class ItemsFailure extends Error {}

/** So many jobs are looked at before it is decided what differs among them. */
const sampleSize = 1000;

const flushBytes = 1 << 20;

/** Commands for which nothing at all has a spelling of its own; else a job would get what the first one has. */
const emptySpellings: Readonly<Record<string, string>> = {
  arguments: '""',
  environment: '""',
  transfer_input_files: '""',
  transfer_output_files: '""',
  transfer_output_remaps: '""',
};

/**
 * Writes one row for each job: its cupsid, then what differs between jobs. Which commands differ is learned from the
 * first jobs; a later surprise costs one rewriting. Memory does not grow with the number of jobs.
 *
 * @param finish makes the submit commands of one job
 * @throws ItemsFailure with the error of `items` as its cause; the error of `finish`; Error for items out of order, or
 * commands that cannot differ
 */
export async function writeItems(
  path: string,
  items: AsyncIterable<BatchJob>,
  finish: (job: BatchJob) => ReadonlyMap<string, string>,
): Promise<WrittenItems> {
  const writer = await openRows(path);
  try {
    let expected = 0;
    for await (const job of guarded(items)) {
      if (job.process !== expected) throw new Error(`Item ${expected} of the submission says it is ${job.process}`);
      expected += 1;
      await writer.add(job.cupsid, finish(job));
    }
    return { count: expected, ...(await writer.end()) };
  } finally {
    await writer.close();
  }
}

async function* guarded(items: AsyncIterable<BatchJob>): AsyncGenerator<BatchJob> {
  try {
    yield* items;
  } catch (error) {
    throw new ItemsFailure('The items broke off', { cause: error });
  }
}

interface Row {
  readonly cupsid: number;
  readonly commands: ReadonlyMap<string, string>;
}

async function openRows(path: string) {
  let handle: FileHandle = await open(path, 'w', 0o600);
  let sample: Row[] | undefined = [];
  const constants = new Map<string, string>();
  let columns: readonly string[] = [];
  let chunk: string[] = [];
  let bytes = 0;

  const flush = async (): Promise<void> => {
    if (chunk.length > 0) await handle.appendFile(chunk.join(''));
    chunk = [];
    bytes = 0;
  };
  const write = async ({ cupsid, commands }: Row): Promise<void> => {
    for (const [key, value] of constants) if (commands.get(key) !== value) await addColumn(key, value);
    for (const key of commands.keys()) {
      if (!constants.has(key) && !columns.includes(key)) await addColumn(key, '');
    }
    const line = `${[cupsid, ...columns.map((key) => fieldOf(key, commands.get(key) ?? '', key === columns.at(-1)))].join(',')}\n`;
    chunk.push(line);
    bytes += line.length;
    if (bytes >= flushBytes) await flush();
  };
  // Right behind the cupsid, because there a row can be cut without looking at its other fields.
  const addColumn = async (key: string, earlier: string): Promise<void> => {
    constants.delete(key);
    columns = [key, ...columns];
    await flush();
    const field = fieldOf(key, earlier, columns.length === 1);
    const draft = await open(`${path}.new`, 'w', 0o600);
    const source = await open(path, 'r');
    for await (const line of source.readLines()) {
      const end = line.includes(',') ? line.indexOf(',') : line.length;
      chunk.push(`${line.slice(0, end)},${field}${line.slice(end)}\n`);
      if (chunk.length >= sampleSize) await draft.appendFile(chunk.splice(0).join(''));
    }
    await draft.appendFile(chunk.splice(0).join(''));
    await handle.close();
    await rename(`${path}.new`, path);
    handle = draft;
  };
  const decide = async (rows: readonly Row[]): Promise<void> => {
    const keys = new Set(rows.flatMap(({ commands }) => [...commands.keys()]));
    const first = rows[0]?.commands;
    const varying: string[] = [];
    for (const key of keys) {
      const value = first?.get(key);
      if (value !== undefined && rows.every(({ commands }) => commands.get(key) === value)) constants.set(key, value);
      else varying.push(key);
    }
    columns = varying.toSorted((one, other) => Number(one === 'arguments') - Number(other === 'arguments'));
    for (const row of rows) await write(row);
  };
  return {
    add: async (cupsid: number, commands: ReadonlyMap<string, string>): Promise<void> => {
      if (sample === undefined) {
        await write({ cupsid, commands });
        return;
      }
      sample.push({ cupsid, commands });
      if (sample.length < sampleSize) return;
      await decide(sample);
      sample = undefined;
    },
    end: async (): Promise<Omit<WrittenItems, 'count'>> => {
      if (sample !== undefined) await decide(sample);
      await flush();
      if (columns.includes('executable')) {
        throw new Error("The jobs have different programs ('executable'): HTCondor takes one a submission");
      }
      return { constants, columns };
    },
    close: () => handle.close(),
  };
}

/** Writes one value as it stands in a row. */
function fieldOf(key: string, value: string, isLast: boolean): string {
  if (value === '') {
    const spelling = key.startsWith('+') ? 'undefined' : emptySpellings[key];
    if (spelling !== undefined) return spelling;
    throw new Error(`The submit command '${key}' is there for some of the jobs only: let the rule write it for all`);
  }
  // Only the last field may hold blanks and commas as they are.
  return key === 'arguments' && isLast ? closeLine(value) : encodeField(closeLine(value));
}
