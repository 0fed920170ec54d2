import { runCommand } from '#util/run-command.ts';

/** A commit as it is judged. */
export interface CommitTitle {
  /** Abbreviated. */
  readonly id: string;
  readonly title: string;
}

/** What is known of the commits of a repository: the new ones, or why they cannot be listed. */
export type NewCommits =
  | { readonly kind: 'found'; readonly commits: readonly CommitTitle[]; readonly since: string }
  | { readonly kind: 'unknown'; readonly reason: string };

const types = ['feat', 'fix', 'perf', 'refactor', 'test', 'docs', 'build', 'chore'];

const longestTitle = 72;

/** Words that look like a past tense or a participle, and are none. */
const imperatives: ReadonlySet<string> = new Set([
  'bring',
  'embed',
  'exceed',
  'feed',
  'need',
  'ping',
  'proceed',
  'seed',
  'string',
]);

/** Words that begin a sentence about something, and never an imperative. */
const openers: ReadonlySet<string> = new Set([
  ...[
    'a',
    'an',
    'the',
    'no',
    'what',
    'where',
    'why',
    'how',
    'every',
    'one',
    'two',
    'both',
    'each',
    'other',
    'new',
    'all',
  ],
  ...['it', 'its', 'they', 'there', 'this', 'these', 'that', 'which', 'who', 'when', 'if'],
]);

/** Commits before this file existed were made without the rule. */
const ruleFile = 'scripts/house/check-titles.ts';

/** The rule is for new commits: of very many, the latest. */
const mostCommits = 500;

/**
 * G4: `type(room): what is different now`, at most 72 characters. That it is imperative can be seen roughly only: the
 * first word is not a past tense, a participle, an article or the like.
 *
 * @param rooms the directories of `src/` and of the root
 * @returns all complaints
 */
export function checkCommits(commits: readonly CommitTitle[], rooms: readonly string[]): readonly string[] {
  return commits.flatMap(({ id, title }) =>
    findFaults(title, rooms).map((fault) => `Commit ${id}: ${fault}: '${title}' (G4)`),
  );
}

function findFaults(title: string, rooms: readonly string[]): readonly string[] {
  const faults = [...title].length > longestTitle ? [`Its title is longer than ${longestTitle} characters`] : [];
  const [, type = '', room, text = ''] = /^(\w+)(?:\(([^()]*)\))?: (.*)$/u.exec(title) ?? [];
  if (type === '') return [...faults, "Its title does not have the form 'type(room): text'"];
  if (!types.includes(type)) faults.push(`Its type is '${type}', expected one of ${types.join(', ')}`);
  if (room !== undefined && !rooms.includes(room)) faults.push(`'${room}' is not a directory of src/ or of the root`);
  const [first = ''] = text.split(' ');
  const isVerb = !/.(?:ed|ing)$/u.test(first) || imperatives.has(first);
  if (!isVerb || openers.has(first)) faults.push(`'${first}' is not an imperative`);
  if (text.endsWith('.')) faults.push('Its title ends with a full stop');
  return faults;
}

/**
 * Lists the commits since the one that brought this rule, newest first; merges are left out. A shallow clone has fewer.
 * Never throws: without git, or outside of a repository, the reason is in the result.
 */
export async function findNewCommits(root: string): Promise<NewCommits> {
  try {
    const top = await runGit(root, 'rev-parse', '--show-prefix');
    if (top !== '') return { kind: 'unknown', reason: `'${root}' is not the top of a git repository` };
    const [added] = (await runGit(root, 'log', '--diff-filter=A', '--format=%h', '--', ruleFile)).split('\n');
    if (added === undefined || added === '') return { kind: 'unknown', reason: `no commit here has added ${ruleFile}` };
    const range = ['log', '--no-merges', `--max-count=${mostCommits}`, '--format=%h %s', `${added}..HEAD`];
    const lines = (await runGit(root, ...range)).split('\n').filter((line) => line !== '');
    const isShallow = (await runGit(root, 'rev-parse', '--is-shallow-repository')) === 'true';
    const commits = lines.map((line) => {
      const place = line.indexOf(' ');
      return { id: line.slice(0, place), title: line.slice(place + 1) };
    });
    return { kind: 'found', commits, since: isShallow ? `${added}, where this shallow clone may begin` : added };
  } catch (error) {
    return { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function runGit(root: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand('git', ['-C', root, ...args]);
  if (exitCode !== 0) throw new Error(stderr.trim().split('\n')[0] ?? `git ${args.join(' ')} failed`);
  return stdout.trimEnd();
}
