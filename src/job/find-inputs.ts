import { GatewayError } from '#model/errors.ts';

import { askUntilAnswered } from './ask/ask-until-answered.ts';

import type { Say } from '#model/log.ts';

import type { GatewayAccess } from './ask/read-gateway-access.ts';
import type { JobIdentity } from './identity.ts';

/** The inputs that the gateway knows for an attempt; both lists have one entry per file, or `ranges` is empty. */
export interface JobInputs {
  /** Physical paths, in dispatch order. */
  readonly inputs: readonly string[];
  /** One a file, in the words of the rule's query; may be empty. */
  readonly ranges: readonly string[];
}

/**
 * Asks the gateway for the job's inputs, and waits for it: without them there is nothing to do.
 *
 * @param signal ends the waiting
 * @param say gets one line where there is something to wait for
 * @throws GatewayError `gateway-no-answer` after the site's `inputsTimeoutMs`, `gateway-refused` at once
 */
export async function findInputs(
  access: GatewayAccess,
  { cupsid, start }: Pick<JobIdentity, 'cupsid' | 'start'>,
  signal: AbortSignal,
  say: Say,
): Promise<JobInputs> {
  const { inputsTimeoutMs, gateway } = access.job;
  const path = `/v1/attempts/${cupsid}/inputs?start=${start}`;
  const asked = await askUntilAnswered(access, { path }, (body) => parseInputs(body, cupsid), {
    timeoutMs: inputsTimeoutMs,
    signal,
    say,
  });
  switch (asked.kind) {
    case 'answered':
      return asked.value;
    case 'refused':
      throw new GatewayError(`The gateway does not give the inputs of cupsid '${cupsid}': ${asked.reason}`, {
        code: 'gateway-refused',
        facts: { gateway, cupsid, status: asked.status },
        advice: "Check whether the attempt was retired, and whether the job has its own 'slurp-token'",
      });
    case 'away':
      throw new GatewayError(
        `The gateway '${gateway}' does not give the inputs of cupsid '${cupsid}': ${asked.reason}`,
        {
          code: 'gateway-no-answer',
          facts: { gateway, cupsid, inputsTimeoutMs },
          advice: "Check that 'slurp serve' is running and can be reached from this node",
        },
      );
  }
}

/** Inputs of the attempt that was asked for: what stands between may have kept the answer to another question. */
function parseInputs(body: unknown, cupsid: number): JobInputs | undefined {
  if (typeof body !== 'object' || body === null || !('cupsid' in body) || body.cupsid !== cupsid) return undefined;
  const inputs = 'inputs' in body ? parseTexts(body.inputs) : undefined;
  const ranges = 'ranges' in body ? parseTexts(body.ranges) : undefined;
  return inputs === undefined || ranges === undefined ? undefined : { inputs, ranges };
}

function parseTexts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((entry): entry is string => typeof entry === 'string') ? value : undefined;
}
