/** Names in a rule's list of files that mean commands of ours, which every job gets; `init.sh` is one no more. */
export const ownCommands: ReadonlySet<string> = new Set([
  'cups.py',
  'pull.py',
  'bachi.py',
  'init.sh',
  'cups',
  'pull',
  'bachi',
]);
