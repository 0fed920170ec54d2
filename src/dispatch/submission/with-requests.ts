import { parseRequest } from '#model/policy/parse-request.ts';

import type { ExpandedJob } from '#rules/expand-job.ts';

/** What the retry policy has found that a product needs beyond its rule. */
export interface ProductRequest {
  readonly memoryMb: number | null;
  readonly diskMb: number | null;
  readonly avoidedNodes: readonly string[];
}

/** Adds to a job what its product needs beyond the rule. */
export function withRequests(job: ExpandedJob, { memoryMb, diskMb, avoidedNodes }: ProductRequest): ExpandedJob {
  if (memoryMb === null && diskMb === null && avoidedNodes.length === 0) return job;
  const own = job.commands['requirements']?.trim() ?? '';
  const nodes = avoidedNodes.map((node) => `(${toMachine(node)} =!= ${JSON.stringify(node)})`);
  const requirements = [...(own === '' ? [] : [`(${own})`]), ...nodes].join(' && ');
  return {
    ...job,
    commands: {
      ...job.commands,
      ...moreOf('request_memory', memoryMb, job),
      ...moreOf('request_disk', diskMb, job),
      ...(nodes.length === 0 ? {} : { requirements }),
    },
  };
}

/** A job may know its machine by a name without domain. */
function toMachine(node: string): string {
  return node.includes('.') ? 'TARGET.Machine' : 'split(TARGET.Machine, ".")[0]';
}

/** A job that requests more already keeps that: the rule may have been edited since, or request it by a column. */
function moreOf(
  command: 'request_memory' | 'request_disk',
  neededMb: number | null,
  { commands }: ExpandedJob,
): ExpandedJob['commands'] {
  if (neededMb === null || (parseRequest(command, commands[command] ?? '') ?? 0) >= neededMb) return {};
  return { [command]: `${neededMb}MB` };
}
