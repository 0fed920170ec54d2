import { readFile, stat } from 'node:fs/promises';

import { demoRules } from './production.ts';

import type { CatalogFile } from './production.ts';

/**
 * Checks that nothing was lost on the way: every file of the catalog is where the catalog says and as long, each rule
 * has registered as many events as the DAQ took, and the histograms hold every value that the DAQ wrote.
 *
 * @param taken what the DAQ took
 * @returns all complaints, a line each
 */
export async function checkConservation(
  files: readonly CatalogFile[],
  taken: { readonly events: number; readonly adcSum: number },
): Promise<readonly string[]> {
  const complaints: string[] = [];
  let histogramEvents = 0;
  let histogramSum = 0;
  for (const { lfn, path, size, dsttype } of files) {
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== size) complaints.push(`'${path}' has ${found?.size ?? 'no'} bytes: expected ${size}`);
    if (found === undefined || !dsttype.startsWith('HIST_')) continue;
    const [, events, sum] = /^#hist 1 .*events=(\d+) .*sum=(\d+)$/mu.exec(await readFile(path, 'utf8')) ?? [];
    if (sum === undefined) complaints.push(`'${lfn}' is not a histogram`);
    histogramEvents += Number(events ?? 0);
    histogramSum += Number(sum ?? 0);
  }
  for (const rule of demoRules) {
    const events = files
      .filter(({ dsttype }) => dsttype === `${rule}_demo25`)
      .reduce((total, file) => total + file.events, 0);
    if (events !== taken.events) complaints.push(`${rule} registered ${events} events: expected ${taken.events}`);
  }
  if (histogramEvents !== taken.events) {
    complaints.push(`The histograms hold ${histogramEvents} events: expected ${taken.events}`);
  }
  if (histogramSum !== taken.adcSum) {
    complaints.push(`The values in the histograms sum up to ${histogramSum}: expected ${taken.adcSum}`);
  }
  return complaints;
}
