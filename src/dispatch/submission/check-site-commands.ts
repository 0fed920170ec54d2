import { SiteError } from '#model/errors.ts';
import { checkRowValue } from '#rules/job/check-finished-value.ts';

import type { Site } from '#model/site.ts';

/**
 * Checks the submit commands that the site gives to all jobs, as HTCondor would read them.
 *
 * @throws SiteError (`site-commands`) with everything that HTCondor would refuse
 */
export function checkSiteCommands({ batch, file }: Pick<Site, 'batch' | 'file'>): void {
  if (batch.backend !== 'htcondor') return;
  const faults = Object.entries(batch.htcondor.commands).flatMap(([key, written]) => {
    const text = written.trim();
    const fault = text === '' ? undefined : checkRowValue(key, text);
    return fault === undefined ? [] : [`${fault.message}, expected ${fault.expected}`];
  });
  if (faults.length === 0) return;
  throw new SiteError(`HTCondor would refuse submit commands of the site: ${faults.join('; ')}`, {
    code: 'site-commands',
    ...(file === undefined ? {} : { facts: { file } }),
    advice: "Correct 'batch.htcondor.commands' of the site file; nothing was submitted",
  });
}
