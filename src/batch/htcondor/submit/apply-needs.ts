import { parseRequest } from '#model/policy/parse-request.ts';

import { escapeDollars } from './encode-field.ts';

import type { JobNeeds } from '../../backend.ts';

/**
 * Changes the finished submit commands of a job so that it gets what its product needs, whether they come from the rule or
 * from the site. A larger request stays as it is.
 */
export function applyNeeds(commands: Map<string, string>, { memoryMb, diskMb, avoidedNodes }: JobNeeds): void {
  putRequest(commands, 'request_memory', memoryMb);
  putRequest(commands, 'request_disk', diskMb);
  if (avoidedNodes.length === 0) return;
  const own = commands.get('requirements') ?? '';
  const nodes = avoidedNodes.map((node) => escapeDollars(makeOtherNode(node)));
  commands.set('requirements', [...(own === '' ? [] : [`(${own})`]), ...nodes].join(' && '));
}

/**
 * An expression that is true on all other machines. A job knows its machine by what `hostname` prints there, with or without
 * a domain; HTCondor calls the machine that, too (`UtsnameNodename`), or by its name in the network (`Machine`).
 */
function makeOtherNode(node: string): string {
  const name = JSON.stringify(node);
  const machine = node.includes('.') ? 'TARGET.Machine' : 'split(TARGET.Machine, ".")[0]';
  return `(TARGET.UtsnameNodename =!= ${name} && ${machine} =!= ${name})`;
}

function putRequest(
  commands: Map<string, string>,
  command: 'request_memory' | 'request_disk',
  neededMb: number | null,
): void {
  if (neededMb === null || (parseRequest(command, commands.get(command) ?? '') ?? 0) >= neededMb) return;
  commands.set(command, `${neededMb}MB`);
}
