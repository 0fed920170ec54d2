import { countOf } from '#util/count-of.ts';
import { formatSize } from '#util/text/format-size.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { RemovableFile, RemovableProduct, RemovalPlan, Removed } from '#model/report/removal.ts';

/** Renders what a removal would remove, and what prevents it. */
export function renderRemovalPlan({ dstname, run, products, refusals }: RemovalPlan): string {
  if (products.length === 0) return `Nothing to remove for '${dstname}', run ${run}\n`;
  const lines = [
    `${countOf(products.length, 'product')} of '${dstname}', run ${run}:`,
    ...products.flatMap(describeProduct),
    `Total: ${describeTotal(products)}`,
    ...(refusals.length === 0
      ? []
      : ['Cannot be removed:', ...refusals.map((refusal) => `  ${withoutControls(refusal)}`)]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Renders what a removal removed. */
export function renderRemoved({ products, files, bytes, filesRows, datasetsRows, attempts }: Removed): string {
  return (
    `Removed ${countOf(products, 'product')}: ${countOf(files, 'file')} (${formatSize(bytes)}), ` +
    `${countOf(filesRows, 'row')} of files, ${countOf(datasetsRows, 'row')} of datasets; ` +
    `${countOf(attempts, 'attempt')} retired\n`
  );
}

function describeProduct({ dstfile, attempt, files, datasets }: RemovableProduct): readonly string[] {
  return [
    `  ${withoutControls(dstfile)}`,
    ...(attempt === undefined ? [] : [`    attempt  cupsid ${attempt.cupsid}, ${attempt.state}`]),
    ...files.map((file) => `    file     ${withoutControls(file.path)} (${describeSize(file)})`),
    `    catalog  ${countOf(files.length, 'row')} of files, ${countOf(datasets.length, 'row')} of datasets`,
  ];
}

function describeSize({ isThere, sizeBytes }: RemovableFile): string {
  const size = sizeBytes === null ? 'size unknown' : formatSize(sizeBytes);
  return isThere ? size : `${size}, not on disk`;
}

function describeTotal(products: readonly RemovableProduct[]): string {
  const files = products.flatMap((product) => product.files);
  const onDisk = files.filter(({ isThere }) => isThere);
  const bytes = onDisk.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const datasets = products.reduce((sum, product) => sum + product.datasets.length, 0);
  const attempts = products.filter(({ attempt }) => attempt !== undefined).length;
  return (
    `${countOf(onDisk.length, 'file')} (${formatSize(bytes)}), ${countOf(files.length, 'row')} of files, ` +
    `${countOf(datasets, 'row')} of datasets, ${countOf(attempts, 'attempt')}`
  );
}
