import { hostname } from 'node:os';

import { headOf } from '../text/head-of.ts';
import { readAccountName } from './read-account-name.ts';

/** Reads who runs this process, and where: `account@host`, the host up to its first dot. */
export function readAccountAtHost(): string {
  return `${readAccountName()}@${headOf(hostname(), '.')}`;
}
