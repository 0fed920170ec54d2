import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { spoolFileNameOf } from '#model/job/job-file.ts';
import { describeError } from '#util/describe-error.ts';
import { signalNameOf } from '#util/process/signal-name.ts';

import { readUsage } from './read-usage.ts';
import { copySpoolHome } from './spool/copy-spool-home.ts';
import { deliver, renderRefusal } from './spool/deliver.ts';
import { kindOf, readSpool } from './spool/read-spool.ts';
import { hasRefused } from './spool/refused-note.ts';
import { appendToSpool } from './spool/spool.ts';
import { fencedFileName } from './stop-job.ts';

import type { GatewayAccess } from './ask/read-gateway-access.ts';
import type { JobIdentity } from './identity.ts';

/** The end of the script under the wrapper, as a shell reports it: 128 + number for a signal. */
export interface ScriptEnd {
  readonly exitCode: number;
  /** The signal that stopped the wrapper, e.g. `TERM`. */
  readonly stoppedBy?: string;
}

/** The end of a wrapped job: whether all its reports reached the gateway, else where the spool was copied to. */
export interface WrapEnd {
  /** Where the spool is now; absent if the gateway has all of it, or there was none. */
  readonly broughtHome?: string;
  /** The gateway has all of it. */
  readonly isDelivered: boolean;
  /** What went wrong, in words. */
  readonly reasons: readonly string[];
}

/**
 * Prints what a job's site requires of the wrapper, as assignments for the shell's `eval`.
 *
 * @returns one assignment a line, values in single quotes: `mode`, `setup_script`, `container_runtime`,
 *   `container_image`, and the array `container_binds`; what the site does not want is empty
 */
export function renderAssignments({ job }: GatewayAccess): string {
  const { runtime = '', image = '', binds = [] } = job.container ?? {};
  const values = { mode: job.mode, setup_script: job.setupScript ?? '', container_runtime: runtime };
  return [
    ...Object.entries({ ...values, container_image: image }).map(([name, value]) => `${name}=${quote(value)}\n`),
    `container_binds=(${binds.map(quote).join(' ')})\n`,
  ].join('');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Reports the end of a wrapped script, and makes sure that every report reaches the site: by the gateway, and by the
 * spool's copy in the site's directory as long as the gateway has not acknowledged all of it.
 *
 * The end is `exited` with exit code and usage; it decides only where the script did not report an end itself, and what
 * signal killed such a script is its message. A job that was stopped is `evicted`: whether it starts again is the batch
 * system's to say. A fenced job says nothing more.
 * @throws the error of `node:fs` only if there is neither room for the spool nor an answer
 */
export async function reportScriptEnd(identity: JobIdentity, access: GatewayAccess, end: ScriptEnd): Promise<WrapEnd> {
  const spool = join(identity.directory, spoolFileNameOf(identity.cupsid, identity.start));
  const reasons: string[] = [];
  if (!existsSync(join(identity.directory, fencedFileName))) {
    const usage = identity.wrapperProcess === undefined ? undefined : readUsage(identity.wrapperProcess);
    const at = new Date().toISOString();
    const killed = signalOf(end.exitCode);
    try {
      if (end.stoppedBy !== undefined) {
        appendToSpool(identity, at, { kind: 'evicted', reason: `Stopped by ${end.stoppedBy}` });
      } else {
        // The row of a job whose script was killed (out of memory, say) must show the reason.
        if (killed.signal !== undefined && !hasReportedEnd(identity)) {
          appendToSpool(identity, at, {
            kind: 'message',
            text: `Killed by ${killed.signal} before it reported an end`,
          });
        }
        appendToSpool(identity, at, {
          kind: 'exited',
          exitCode: end.exitCode,
          ...killed,
          node: identity.node,
          ...usage,
        });
      }
    } catch (error) {
      reasons.push(`the end could not be written to the spool: ${describeError(error)}`);
    }
  }
  if (!existsSync(spool)) return { reasons, isDelivered: reasons.length === 0 };

  const takeHome = (): string | undefined => {
    try {
      return access.job.spoolDirectory === undefined ? undefined : copySpoolHome(spool, access.job.spoolDirectory);
    } catch (error) {
      reasons.push(`the spool could not be copied home: ${describeError(error)}`);
      return undefined;
    }
  };
  // A job that was asked to stop may be killed at any moment: copy the spool first.
  let broughtHome = end.stoppedBy === undefined ? undefined : takeHome();
  const delivery = await deliver(access, spool, { timeoutMs: access.job.reportTimeoutMs, isPersistent: true });
  if (delivery.reason !== '') reasons.push(delivery.reason);
  reasons.push(...delivery.refused.map(renderRefusal));
  if (delivery.outcome !== 'delivered' || hasRefused(spool)) {
    broughtHome ??= takeHome();
    if (broughtHome === undefined) return { reasons, isDelivered: false };
    // Under its name the batch system would copy it home again.
    renameSync(spool, `${spool}.home`);
    return { reasons, isDelivered: false, broughtHome };
  }
  // What was acknowledged need not be kept: neither the copy nor, under its name, the spool.
  if (broughtHome !== undefined) rmSync(broughtHome, { force: true });
  if (access.job.spoolDirectory !== undefined) renameSync(spool, `${spool}.told`);
  return { reasons, isDelivered: true };
}

/** A shell reports 128 + number of a program that a signal ended. */
function signalOf(exitCode: number): { signal?: string } {
  const signal = signalNameOf(exitCode - 128);
  return signal === undefined ? {} : { signal };
}

/** Returns whether the script reported the end of the job itself, in this start. Never throws. */
export function hasReportedEnd(identity: JobIdentity): boolean {
  try {
    const spool = join(identity.directory, spoolFileNameOf(identity.cupsid, identity.start));
    return readSpool(spool).records.some((record) => ['finished', 'exitcode'].includes(kindOf(record) ?? ''));
  } catch {
    return false;
  }
}
