import { reportEvent } from './spool/report-event.ts';

import type { Say } from '#model/log.ts';

import type { GatewayAccess } from './ask/read-gateway-access.ts';
import type { JobIdentity } from './identity.ts';
import type { ReportOutcome } from './spool/report-event.ts';

/**
 * Reports that a job started; the answer says whether it may go on.
 *
 * A first start goes on without an answer after the site's `reportTimeoutMs`. A later one waits up to `inputsTimeoutMs`:
 * an earlier start may have done the work and reported its end, before the batch system lost track of it. A schedd that
 * is killed between the end of a job and its own record of it starts the job again (measured).
 *
 * @param at UTC, ISO 8601 with milliseconds
 * @param options `isLater`: the job was started before; `signal` ends its waiting; `say` gets one line if it has to wait
 * @throws what {@link reportEvent} throws
 */
export function reportStart(
  identity: JobIdentity,
  access: GatewayAccess,
  at: string,
  { isLater, signal, say }: { readonly isLater: boolean; readonly signal: AbortSignal; readonly say: Say },
): Promise<ReportOutcome> {
  const { reportTimeoutMs, inputsTimeoutMs } = access.job;
  const timeoutMs = isLater ? Math.max(reportTimeoutMs, inputsTimeoutMs) : reportTimeoutMs;
  const onWait = (reason: string): void => {
    if (!isLater) return;
    say(
      `the job was started before and may have finished: waiting up to ${timeoutMs / 1000} s for the gateway (${reason})`,
    );
  };
  const detail = { kind: 'started', node: identity.node } as const;
  return reportEvent(identity, access, at, detail, {
    timeoutMs,
    isPersistent: true,
    onWait,
    ...(isLater ? { signal } : {}),
  });
}
