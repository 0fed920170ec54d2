import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';

import { TransferError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';

/**
 * Checks both ends of a stage-out before anything is done: a file to copy, and a directory that keeps it.
 *
 * @throws TransferError `transfer-missing`, `transfer-name`, `transfer-directory`
 */
export async function checkEnds(file: string, directory: string, jobDirectory: string): Promise<void> {
  const source = await stat(file).catch((cause: unknown) => {
    // What of a name is not UTF-8 arrives as U+FFFD.
    if (codeOf(cause) === 'ENOENT' && file.includes('\uFFFD')) {
      throw new TransferError(`The name '${file}' is not UTF-8: expected a file name in UTF-8`, {
        code: 'transfer-name',
        cause,
        advice: 'Rename the file in the script before it is staged out',
      });
    }
    const options = { code: 'transfer-missing', cause };
    if (codeOf(cause) === 'ENOENT')
      throw new TransferError(`File '${file}' does not exist and cannot be staged out`, options);
    throw new TransferError(`The file '${file}' cannot be staged out: ${describeError(cause, file)}`, options);
  });
  if (!source.isFile()) {
    throw new TransferError(`'${file}' is not a regular file: only files can be staged out`, {
      code: 'transfer-missing',
    });
  }
  // Not made here: on a node where a file system is not mounted, the product would go to the local disk, and be lost.
  const target = await stat(directory).catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw toDirectoryError(directory, cause);
    throw new TransferError(`The output directory '${directory}' does not exist on this node`, {
      code: 'transfer-directory',
      cause,
      advice: 'It is created when the job is submitted: check that its file system is mounted here',
    });
  });
  if (!target.isDirectory()) {
    throw new TransferError(`The output directory '${directory}' is not a directory`, { code: 'transfer-directory' });
  }
  await checkOutside(directory, jobDirectory);
}

/** Checks that files can be made in a directory. @throws TransferError `transfer-directory` */
export async function checkWritable(directory: string): Promise<void> {
  await access(directory, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw new TransferError(
      `The output directory '${directory}' cannot be written to: ${describeError(cause, directory)}`,
      { code: 'transfer-directory', cause, advice: 'Check its permissions, and how its file system is mounted here' },
    );
  });
}

// A link that leads out of the job's directory is as good as the place it leads to.
async function checkOutside(directory: string, jobDirectory: string): Promise<void> {
  const [target, own] = await Promise.all([realpath(directory), realpath(jobDirectory)]).catch((cause: unknown) => {
    throw toDirectoryError(directory, cause);
  });
  const way = relative(own, target);
  if (way === '..' || way.startsWith('../') || isAbsolute(way)) return;
  throw new TransferError(`The output directory '${directory}' is the job's own, which is removed when the job ends`, {
    code: 'transfer-directory',
    advice: "Name the directory where the file is to stay: 'cups stageout FILE OUTDIR'",
  });
}

function toDirectoryError(directory: string, cause: unknown): TransferError {
  return new TransferError(`The output directory '${directory}' cannot be used: ${describeError(cause, directory)}`, {
    code: 'transfer-directory',
    cause,
  });
}
