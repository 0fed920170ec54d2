import { SiteError } from '#model/errors.ts';
import { formatSize } from '#util/text/format-size.ts';

import type { FoundFile } from './find-staged-files.ts';

const shown = 10;

/**
 * Checks the size of what each job would stage, before it is read.
 *
 * @throws SiteError `site-payload-too-large` that names the largest files
 */
export function checkSize(files: readonly FoundFile[], limitBytes: number): void {
  const copied = files.filter(({ kind }) => kind === 'file' || kind === 'program');
  const sizeBytes = copied.reduce((total, { facts }) => total + Number(facts.size), 0);
  if (sizeBytes <= limitBytes) return;
  const largest = copied.toSorted((one, other) => Number(other.facts.size - one.facts.size)).slice(0, shown);
  throw new SiteError(
    `The payload is too large, ${formatSize(sizeBytes)}: expected ${formatSize(limitBytes)} or less`,
    {
      code: 'site-payload-too-large',
      complaints: largest.map(({ source, facts }) => `${formatSize(Number(facts.size))}: '${source}'`),
      advice:
        "Stage less ('params.rsync' of the rule), or raise 'payloads.limit_mb' of the site; nothing was submitted",
    },
  );
}
