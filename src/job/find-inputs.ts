import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '#model/errors.ts';
import { askGateway } from './ask-gateway.ts';
import type { JobIdentity } from './identity.ts';
import type { GatewayAccess } from './read-gateway-access.ts';

/** What a job was made for. */
export interface JobInputs {
  /** Physical paths, in dispatch order. */
  readonly inputs: readonly string[];
  /** One a file, in the words of the rule's query; may be empty. */
  readonly ranges: readonly string[];
}

const firstPauseMs = 250;
const longestPauseMs = 30_000;
/** One request among several; a gateway that takes longer is asked anew. */
const oneAnswerMs = 30_000;

/**
 * Asks the gateway for the job's inputs, and waits for it with growing pauses: without them there is nothing to do.
 *
 * @param signal ends the waiting
 * @param say is told once that there is something to wait for
 * @throws GatewayError `gateway-no-answer` after the site's `inputsTimeoutMs`, `gateway-refused` at once
 */
export async function findInputs(
  access: GatewayAccess,
  { attempt, start }: Pick<JobIdentity, 'attempt' | 'start'>,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<JobInputs> {
  const { inputsTimeoutMs, gateway } = access.job;
  const path = `/v1/attempts/${attempt}/inputs?start=${start}`;
  const deadline = Date.now() + inputsTimeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const leftMs = Math.max(deadline - Date.now(), 1);
    const answer = await askGateway(access, path, undefined, Math.min(leftMs, oneAnswerMs));
    const found = answer.kind === 'answer' ? parseInputs(answer.body, attempt) : undefined;
    if (found !== undefined) return found;
    const reason = answer.kind === 'answer' ? 'its answer does not hold the inputs of this attempt' : answer.reason;
    if (answer.kind === 'refusal') {
      throw new GatewayError(`The gateway does not give the inputs of attempt '${attempt}': ${reason}`, {
        code: 'gateway-refused',
        facts: { gateway, attempt, status: answer.status },
        advice: "Look whether the attempt was retired, and whether the job has its own 'slurp-token'",
      });
    }
    const waitMs = pauseMs * (0.5 + Math.random());
    if (signal.aborted || Date.now() + waitMs >= deadline) {
      throw new GatewayError(`The gateway '${gateway}' does not tell the inputs of attempt '${attempt}': ${reason}`, {
        code: 'gateway-no-answer',
        facts: { gateway, attempt, inputsTimeoutMs },
        advice: "Look whether 'slurp serve' runs, and can be reached from this node",
      });
    }
    if (pauseMs === firstPauseMs) say(`waiting for the gateway (${reason}), up to ${inputsTimeoutMs / 1000} s`);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Inputs of the attempt that was asked for: what stands between may have kept the answer to another question. */
function parseInputs(body: unknown, attempt: number): JobInputs | undefined {
  if (typeof body !== 'object' || body === null || !('attempt' in body) || body.attempt !== attempt) return undefined;
  const inputs = 'inputs' in body ? parseTexts(body.inputs) : undefined;
  const ranges = 'ranges' in body ? parseTexts(body.ranges) : undefined;
  return inputs === undefined || ranges === undefined ? undefined : { inputs, ranges };
}

function parseTexts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((entry): entry is string => typeof entry === 'string') ? value : undefined;
}
