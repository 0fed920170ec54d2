/** Names in a rule's list of files that mean commands of ours, which every job gets; `init.sh` is not one any more. */
export const ownCommands: ReadonlySet<string> = new Set([
  'cups.py',
  'pull.py',
  'bachi.py',
  'init.sh',
  'cups',
  'pull',
  'bachi',
]);
