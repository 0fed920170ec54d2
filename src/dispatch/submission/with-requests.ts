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
      ...(memoryMb === null ? {} : { request_memory: `${memoryMb}MB` }),
      ...(diskMb === null ? {} : { request_disk: `${diskMb}MB` }),
      ...(nodes.length === 0 ? {} : { requirements }),
    },
  };
}

/** A job may know its machine by a name without domain. */
function toMachine(node: string): string {
  return node.includes('.') ? 'TARGET.Machine' : 'split(TARGET.Machine, ".")[0]';
}
