import { lstat } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';

import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';

import type { FilesRow } from '#db/catalog/find-removable-rows.ts';
import type { RemovableFile } from '#model/report/removal.ts';

/** Checks the files of catalog rows on disk, and finds which of them must not be removed, and why. */
export async function checkFiles(
  rows: readonly FilesRow[],
): Promise<{ readonly files: readonly RemovableFile[]; readonly refusals: readonly string[] }> {
  const files: RemovableFile[] = [];
  const refusals: string[] = [];
  for (const row of rows) {
    const looked = await checkFile(row);
    files.push({ ...row, isThere: looked !== 'gone' });
    if (looked !== 'there' && looked !== 'gone') refusals.push(looked.refusal);
  }
  return { files, refusals };
}

/**
 * Checks one file: `there` if it is as in the catalog, `gone` if it does not exist.
 *
 * @returns a refusal for anything else; never throws
 */
export async function checkFile(
  row: Pick<FilesRow, 'lfn' | 'path' | 'sizeBytes'>,
): Promise<'there' | 'gone' | { readonly refusal: string }> {
  const { lfn, path, sizeBytes } = row;
  if (!isAbsolute(path) || basename(path) !== lfn || /(?:^|\/)\.{1,2}(?:\/|$)/u.test(path)) {
    return {
      refusal: `The catalog says that '${lfn}' is at '${path}': expected an absolute path that ends in the name`,
    };
  }
  try {
    const found = await lstat(path);
    if (!found.isFile()) return { refusal: `'${path}' is not a regular file` };
    if (sizeBytes === null || found.size === sizeBytes) return 'there';
    return { refusal: `'${path}' has ${found.size} bytes, but ${sizeBytes} in the catalog: it may be another file` };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return 'gone';
    return { refusal: `'${path}' cannot be checked: ${describeError(error, path)}` };
  }
}
