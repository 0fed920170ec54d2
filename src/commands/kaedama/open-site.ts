import { askToGoOn, canAsk } from '#cli/ask-to-go-on.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { findSite } from '#config/find-site.ts';
import { SiteError } from '#model/errors.ts';

import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

/**
 * Finds the site that a rule is dispatched at. Where there is none, a dispatch at a terminal asks whether to make a new
 * one; nothing else ever makes one in passing.
 *
 * @throws SiteError, as `findSite` and `assertMadeSite`
 */
export async function openSite(request: KaedamaRequest, say: Say): Promise<Site> {
  const where = { site: request.site, cwd: request.options.submitDirectory, ruleFile: request.config };
  try {
    const site = await findSite(where);
    assertMadeSite(site);
    return site;
  } catch (error) {
    const mayAsk = request.action.kind === 'dispatch' && !request.isBatch && canAsk();
    if (!(error instanceof SiteError) || error.code !== 'site-missing' || !mayAsk) throw error;
    const site = await findSite({ ...where, isNewAllowed: true });
    say(`${error.message}: a new, empty one would be created in '${site.stateDirectory}'`);
    if (!(await askToGoOn())) throw error;
    return site;
  }
}
