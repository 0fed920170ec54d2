import { join } from 'node:path';

import { putProductDirectories } from '#db/status/product/put-product-directories.ts';
import { readReserved } from '#db/status/submission/read-reserved.ts';
import { SiteError } from '#model/errors.ts';
import { expandJob } from '#rules/expand-job.ts';
import { countOf } from '#util/count-of.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { present } from '#util/present.ts';

import { makeSnapshotUser } from '../payload/use-snapshot.ts';

import type { BatchJob, JobNeeds } from '#batch/backend.ts';
import type { Session } from '#db/connect.ts';
import type { ReservedRow } from '#db/status/submission/read-reserved.ts';
import type { JobRow } from '#rules/job/job-row.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { Snapshot } from '../payload/snapshot/ensure-snapshot.ts';

/** What the items of a submission are made of. */
export interface ItemsInput {
  /** The session of the plan, in which the attempts were reserved. */
  readonly session: Session;
  readonly uuid: string;
  readonly prepared: PreparedRule;
  readonly workerDirectory: string;
  readonly directories: DirectoryMaker;
  /** What the jobs stage from. */
  readonly snapshot: Pick<Snapshot, 'stageDirectory' | 'moved'>;
  /** What all request, by what the scouts used; absent: what the rule says. */
  readonly memoryMb?: number;
  /** Names of nodes on which none of the jobs may run. */
  readonly avoidedNodes: readonly string[];
  /** Told after each batch how many are made. */
  readonly onProgress?: (done: number) => void;
  /** Told when all are made and have been taken. */
  readonly onEnd?: () => void;
}

/**
 * Makes the jobs of a reserved submission, one after the other as they are asked for, and the directories they need: all
 * of them are there when the last job has been handed out, or the items break off with every complaint.
 *
 * @throws SiteError (`site-directory`), RuleError, DatabaseError
 */
export async function* makeItems(input: ItemsInput): AsyncGenerator<BatchJob> {
  const { prepared, directories, snapshot } = input;
  const { stageDirectory } = snapshot;
  const useSnapshot = makeSnapshotUser(snapshot, prepared.options.submitDirectory);
  const memory = input.memoryMb === undefined ? undefined : `${input.memoryMb}MB`;
  let done = 0;
  let made: readonly string[] = [];
  const used = new Set<string>();
  for await (const rows of readReserved(input.session, input.uuid)) {
    for (const row of rows) {
      const expanded = expandJob(prepared, toJobRow(row), { cupsid: row.id, stageDirectory });
      const job = useSnapshot(expanded);
      if (job.directories !== made) {
        for (const directory of job.directories) {
          used.add(directory);
          if (!directories.isKnown(directory)) await directories.make(directory);
        }
        made = job.directories;
      }
      yield {
        process: row.process,
        cupsid: row.id,
        dstfile: row.dstfile,
        executable: job.executable.kind === 'wrapper' ? join(input.workerDirectory, 'wrapper.sh') : job.executable.path,
        arguments: job.arguments,
        commands: { ...job.commands, ...present({ request_memory: memory }) },
        ...present({ needs: needsOf(row, input.avoidedNodes) }),
      };
    }
    done += rows.length;
    input.onProgress?.(done);
  }
  directories.check();
  // Before the jobs are handed over: what they leave there without a report is looked for later.
  await putProductDirectories(input.session, input.uuid, [...used]);
  input.onEnd?.();
}

function needsOf({ memoryMb, diskMb, avoidedNodes: own }: ReservedRow, all: readonly string[]): JobNeeds | undefined {
  const avoidedNodes = [...new Set([...own, ...all])];
  if (memoryMb === null && diskMb === null && avoidedNodes.length === 0) return undefined;
  return { memoryMb, diskMb, avoidedNodes };
}

function toJobRow(row: ReservedRow): JobRow {
  const { streamname, ...rest } = row;
  return streamname === null ? rest : { ...rest, streamname };
}

/** Makes each distinct directory once, and remembers what went wrong. */
export interface DirectoryMaker {
  isKnown(directory: string): boolean;
  make(directory: string): Promise<void>;
  /** @throws SiteError with all complaints so far */
  check(): void;
}

/**
 * Opens a {@link DirectoryMaker} that tries each directory once, and throws for all failures together, in `check`.
 */
export function openDirectoryMaker(): DirectoryMaker {
  const known = new Set<string>();
  const complaints: string[] = [];
  return {
    isKnown: (directory) => known.has(directory),
    make: async (directory) => {
      known.add(directory);
      try {
        await createDirectory(directory);
      } catch (error) {
        complaints.push(`'${directory}': ${describeError(error, directory)}`);
      }
    },
    check: () => {
      if (complaints.length === 0) return;
      throw new SiteError(
        `${countOf(complaints.length, 'directory', 'directories')} for outputs and logs cannot be created`,
        {
          code: 'site-directory',
          complaints: complaints.slice(0, 20),
          advice: "Fix 'filesystem' in the rule, or the permissions of the parent directories; nothing was submitted",
        },
      );
    },
  };
}
