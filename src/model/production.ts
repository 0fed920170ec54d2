import { formatDataset, streamMacro } from './dst-name.ts';

import type { Conditions } from './dst-name.ts';

/**
 * The identity of a production. Two rules of the same dsttype, build, tag and version make the same products, whatever
 * else is in them.
 */
export interface Production extends Conditions {
  /** May hold `$(streamname)`: then one production makes a dsttype for each stream. */
  readonly dsttype: string;
}

/** The columns of `production_cursor` that name a production. */
export interface CursorKey {
  /** A stream as `_X_`. */
  readonly dsttype: string;
  /** Without dots. */
  readonly build: string;
  readonly tag: string;
  /** 0 for names without version: the column is never null. */
  readonly version: number;
}

/** Prints the dsttype of a production as `production_setup` and `production_cursor` have it: one name for all streams. */
export function setupNameOf({ dsttype }: Pick<Production, 'dsttype'>): string {
  return dsttype.replaceAll(streamMacro, '_X_');
}

/** Makes the key of a production's cursor. A production without version, and the same of version 0, share one. */
export function cursorKeyOf(production: Production): CursorKey {
  const { build, tag, version } = production;
  return { dsttype: setupNameOf(production), build, tag, version: version ?? 0 };
}

/**
 * Prints what dispatchers of a production lock while they reserve jobs. Productions whose products can have equal names
 * share it: so the dsttype is not in it (one may be a stream of the other), and no version is version 0.
 */
export function reservationLockOf({ build, tag, version }: Conditions): string {
  return formatDataset({ build, tag, version: version ?? 0 });
}
