import { findDatasetsOfRun, findRowsOfFiles } from '#db/catalog/find-removable-rows.ts';
import { findAttemptedProducts, findLiveAttempts } from '#db/status/product/find-live-attempts.ts';
import { formatDstname, parseFileName } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import { checkFiles } from './check-files.ts';
import { findJobsInTheWay } from './find-jobs-in-the-way.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { RemovableProduct, RemovalPlan } from '#model/report/removal.ts';

/** Which products are to be removed. */
export interface RemovalRequest {
  /** Exactly. */
  readonly dstname: string;
  readonly run: number;
  /** All where absent. */
  readonly segment?: number;
  readonly extension: 'root' | 'prdf';
}

/** Where products are looked for. */
export interface RemovalInput {
  readonly status: Database;
  readonly catalog: Database;
  readonly backend: BatchBackend;
}

/**
 * Finds what belongs to the products of one dstname and run (files on disk, rows of the catalog, live attempts), and what
 * prevents their removal. Changes nothing.
 *
 * @throws DatabaseError; BatchError (`batch-no-answer`) if it is not known whether jobs still run
 */
export async function planRemoval(input: RemovalInput, request: RemovalRequest): Promise<RemovalPlan> {
  const { dstname, run, segment, extension } = request;
  const { status, catalog } = input;
  const where = { dstname, run, ...present({ segment }) };
  const attempts = await findLiveAttempts(status, where);
  // Of one that was killed on the way, the attempt is retired already.
  const attempted = await findAttemptedProducts(status, where);
  const listed = await findDatasetsOfRun(catalog, run, `${dstname}-`);
  const lfns = new Set([
    ...attempted.map((dstfile) => `${dstfile}.${extension}`),
    ...listed.map(({ filename }) => filename).filter((filename) => isAsked(filename, request)),
    ...(segment === undefined ? [] : namesOf(request, segment)),
  ]);
  const rows = await findRowsOfFiles(catalog, [...lfns]);
  const { files, refusals } = await checkFiles(rows.files);
  const attemptOf = new Map(attempts.map((attempt) => [attempt.dstfile, attempt]));
  const products = [...lfns].toSorted().flatMap((lfn): RemovableProduct[] => {
    const dstfile = lfn.slice(0, -extension.length - 1);
    const attempt = attemptOf.get(dstfile);
    const product = {
      dstfile,
      ...(attempt === undefined ? {} : { attempt: { cupsid: attempt.cupsid, state: attempt.state } }),
      files: files.filter((file) => file.lfn === lfn),
      datasets: rows.datasets.filter(({ filename }) => filename === lfn),
    };
    const isEmpty = attempt === undefined && product.files.length === 0 && product.datasets.length === 0;
    return isEmpty ? [] : [product];
  });
  return { dstname, run, products, refusals: [...(await findJobsInTheWay(input.backend, attempts)), ...refusals] };
}

/** Returns whether a file is a product that was asked for: its whole name is compared, part by part. */
function isAsked(filename: string, { dstname, run, segment, extension }: RemovalRequest): boolean {
  const parts = parseFileName(filename);
  if (parts.kind !== 'dstfile') return false;
  const isSegmentAsked = segment === undefined || parts.segment === segment;
  return formatDstname(parts) === dstname && parts.run === run && isSegmentAsked && parts.extension === extension;
}

/** The names of a product with a segment of four and of five digits; both are in use. */
function namesOf({ dstname, run, extension }: RemovalRequest, segment: number): readonly string[] {
  return [4, 5].map(
    (digits) => `${dstname}-${String(run).padStart(8, '0')}-${String(segment).padStart(digits, '0')}.${extension}`,
  );
}
