import { datasetOf } from '#model/dst-name.ts';

import type { AttemptProduct } from '#db/status/find-stageouts.ts';
import type { CatalogFile, StagedFile } from '#model/job/job-event.ts';

/** Fills in what the worker did not know about a file: run, segment, dsttype and dataset are those of the attempt. */
export function makeCatalogFile(file: StagedFile, product: AttemptProduct): CatalogFile {
  return {
    ...file,
    run: file.run ?? product.run,
    segment: file.segment ?? product.segment,
    dsttype: file.dsttype ?? product.dsttype,
    dataset: file.dataset ?? datasetOf(product),
  };
}
