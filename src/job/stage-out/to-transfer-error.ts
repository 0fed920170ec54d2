import { basename } from 'node:path';

import { TransferError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';

/**
 * Makes a TransferError of what went wrong while a file was staged out; one that is none of the operating system's, and
 * no abort, is returned as it is.
 *
 * @param directory where the file was to go
 */
export function toTransferError(error: unknown, file: string, directory: string): unknown {
  if (error instanceof TransferError) return error;
  const errno = codeOf(error);
  const options = { facts: { file, directory, errno }, cause: error };
  if (errno === 'ABORT_ERR' || (error instanceof Error && error.name === 'AbortError')) {
    return new TransferError(`Stage-out of '${basename(file)}' was stopped: the job is being ended`, {
      code: 'transfer-stopped',
      ...options,
    });
  }
  if (!(error instanceof Error && 'errno' in error)) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const reason = errno === 'EDQUOT' ? 'the disk quota is exceeded' : 'no space is left';
    return new TransferError(`'${basename(file)}' cannot be written to '${directory}': ${reason}`, {
      code: 'transfer-space',
      advice: 'Free space there, then redo the job',
      ...options,
    });
  }
  const reason = describeError(error, `${file} ${directory}`);
  return new TransferError(`'${basename(file)}' could not be copied to '${directory}': ${reason}`, {
    code: 'transfer-failed',
    ...options,
  });
}
