import { open, rename } from 'node:fs/promises';

import { withItemsFailure } from '../../with-items-failure.ts';
import { makeLayoutLearner } from './row-layout.ts';

import type { FileHandle } from 'node:fs/promises';

import type { BatchJob } from '../../backend.ts';
import type { Row, RowLayout } from './row-layout.ts';

/** What the description of a submission is made of, beside the item file. */
export interface WrittenItems extends Pick<RowLayout, 'commands' | 'variables'> {
  readonly count: number;
}

/** So many jobs are looked at before it is decided what differs among them. */
const sampleSize = 1000;

const flushLength = 1 << 18;

/**
 * Writes one row for each job: its cupsid, then what differs between jobs, and be it a few digits within a long text: the
 * time that a schedd takes grows with the length of rows (docs/measures.md). What differs is learned from the first jobs;
 * a later surprise costs one rewriting. Memory does not grow with the number of jobs.
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
    for await (const job of withItemsFailure(items)) {
      if (job.process !== expected) throw new Error(`Item ${expected} of the submission is numbered ${job.process}`);
      expected += 1;
      const waiting = writer.add({ cupsid: job.cupsid, commands: finish(job) });
      if (waiting !== undefined) await waiting;
    }
    return { count: expected, ...(await writer.end()) };
  } finally {
    await writer.close();
  }
}

async function openRows(path: string) {
  let handle: FileHandle = await open(path, 'w', 0o600);
  const learner = makeLayoutLearner();
  let sample: Row[] | undefined = [];
  let layout: RowLayout | undefined;
  let chunk = '';

  const flush = async (): Promise<void> => {
    const text = chunk;
    chunk = '';
    if (text !== '') await handle.appendFile(text);
  };
  /** Writes a file again with another layout; returns which of its jobs that one cannot hold. */
  const copyRows = async (from: RowLayout, to: RowLayout): Promise<Row | undefined> => {
    const [source, draft] = [await open(path, 'r'), await open(`${path}.new`, 'w', 0o600)];
    let text = '';
    let isInPlace = false;
    try {
      for await (const line of source.readLines({ autoClose: false })) {
        const row = from.decode(line);
        const encoded = to.encode(row);
        if (encoded === undefined) return row;
        text += `${encoded}\n`;
        if (text.length >= flushLength) {
          await draft.appendFile(text);
          text = '';
        }
      }
      await draft.appendFile(text);
      await rename(`${path}.new`, path);
      isInPlace = true;
    } finally {
      await source.close();
      if (!isInPlace) await draft.close();
    }
    await handle.close();
    handle = draft;
    return undefined;
  };
  const surprise = async (row: Row): Promise<void> => {
    await flush();
    const before = layout;
    learner.learn(row);
    layout = learner.make();
    if (before !== undefined) {
      for (let odd = await copyRows(before, layout); odd !== undefined; odd = await copyRows(before, layout)) {
        learner.learn(odd);
        layout = learner.make();
      }
    }
    await write(row);
  };
  /** A promise only where there is something to wait for. */
  const write = (row: Row): Promise<void> | undefined => {
    const line = layout?.encode(row);
    if (line === undefined) return surprise(row);
    chunk += `${line}\n`;
    return chunk.length >= flushLength ? flush() : undefined;
  };
  const decide = async (rows: readonly Row[]): Promise<void> => {
    for (const row of rows) learner.learn(row);
    layout = learner.make();
    for (const row of rows) await write(row);
  };
  return {
    add: (row: Row): Promise<void> | undefined => {
      if (sample === undefined) return write(row);
      sample.push(row);
      if (sample.length < sampleSize) return undefined;
      const rows = sample;
      sample = undefined;
      return decide(rows);
    },
    end: async (): Promise<Pick<RowLayout, 'commands' | 'variables'>> => {
      if (sample !== undefined) await decide(sample);
      await flush();
      const { commands, variables } = layout ?? learner.make();
      if (variables.some((name) => commands.get('executable')?.includes(`$(${name})`) === true)) {
        throw new Error("The jobs have different programs ('executable'): HTCondor accepts one per submission");
      }
      return { commands, variables };
    },
    close: () => handle.close(),
  };
}
