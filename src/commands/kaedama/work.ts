import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log, Progress } from '#model/log.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

/** A rule that is prepared, at a site that is open: what everything that needs a database works with. */
export interface Work {
  readonly request: KaedamaRequest;
  readonly site: Site;
  readonly databases: Readonly<Record<RoleName, Database>>;
  readonly backend: BatchBackend;
  readonly prepared: PreparedRule;
  /** Absolute path of `dist/worker`. */
  readonly workerDirectory: string;
  readonly log: Log;
  readonly progress: Progress;
}
