import { join } from 'node:path';

import { openLog } from '#cli/log.ts';
import { SiteError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';

import type { Log } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

/**
 * Opens the log of a rule: in `--logdir`, else below the site's logs.
 *
 * @throws SiteError `site-log-directory`
 */
export function openRuleLog(request: KaedamaRequest, site: Site): Log {
  const directory = request.logDirectory ?? join(site.logDirectory, 'kaedama', request.rule);
  try {
    return openLog({ command: 'kaedama', mode: site.mode, directory });
  } catch (cause) {
    throw new SiteError(`Cannot write logs into '${directory}': ${describeError(cause, directory)}`, {
      code: 'site-log-directory',
      cause,
      advice: "Use another directory: '--logdir DIRECTORY'",
    });
  }
}
