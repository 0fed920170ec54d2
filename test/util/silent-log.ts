import type { Log } from '#model/log.ts';

/** A log that is not read. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
