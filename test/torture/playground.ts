import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { CommandResult } from '#util/run-command.ts';

/** What torture runs on. */
export type TortureBatch = 'local' | 'htcondor';

/** The commands that are called on a {@link Playground}. */
export type PlaygroundCommand = 'kaedama' | 'ramenya' | 'slurp';

/** What is laid out in a playground, when its directory and journal are known. */
export interface PlaygroundLayout {
  /** Texts by path, relative to the directory; `payload/` becomes a git checkout. */
  readonly files: Readonly<Record<string, string>>;
  /** Which of them are executable. */
  readonly programs: readonly string[];
}

/** A site that is put to the test: a directory of its own, rules, and payloads that write down when they run. */
export interface Playground {
  readonly directory: string;
  readonly batch: TortureBatch;
  /** The pool is used by no other test: its schedd may be killed and stopped. */
  readonly hasOwnSchedd: boolean;
  /** Marks our jobs in a pool that others use too. */
  readonly mark: string;
  /** Each job appends `begin|end DSTFILE CUPSID START` here. */
  readonly journal: string;
  /** The program and arguments that run one of our commands on the site, as the user who owns it. */
  readonly argv: (name: PlaygroundCommand, args: readonly string[]) => readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  call(name: PlaygroundCommand, args: readonly string[]): Promise<CommandResult>;
  log(line: string): Promise<void>;
}

const runAs = join(findPackageRoot(), 'test/pool/run-as.sh');

/** Lays out a {@link Playground} below `/tmp`; started by root, it belongs to the user of the pool. */
export async function openPlayground(
  chosen: Pick<Playground, 'batch' | 'hasOwnSchedd' | 'mark'>,
  layOut: (directory: string, journal: string) => PlaygroundLayout,
): Promise<Playground> {
  const { batch } = chosen;
  const directory = await mkdtemp('/tmp/slurp-torture-');
  const journal = join(directory, 'journal');
  const { files: own, programs } = layOut(directory, journal);
  const files: Readonly<Record<string, string>> = { ...own, journal: '', 'faults.log': '' };
  for (const name of ['payload', 'in']) await mkdir(join(directory, name));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  for (const name of programs) await chmod(join(directory, name), 0o755);
  const isRoot = process.getuid?.() === 0;
  const isOther = isRoot && batch === 'htcondor';
  if (isOther) {
    const owner = Number((await must(runAs, ['id', '-u'])).trim());
    for (const name of ['.', 'payload', 'in', ...Object.keys(files)]) await chown(join(directory, name), owner, owner);
  }
  const identity = ['-c', 'user.name=torture', '-c', 'user.email=torture@localhost', '-c', 'commit.gpgsign=false'];
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
    ['commit', '--quiet', '--message', 'The payload'],
  ]) {
    const git = ['git', '-C', join(directory, 'payload'), ...identity, ...args];
    await (isOther ? must(runAs, git) : must('git', git.slice(1)));
  }
  const { cupsid: _, SLURP_SITE: __, ...environment } = process.env;
  const env = { ...environment, SLURP_SITE: directory };
  const argv: Playground['argv'] = (name, args) => {
    const program = join(findPackageRoot(), 'bin', name);
    return isOther ? [runAs, program, ...args] : [program, ...args];
  };
  return {
    ...{ ...chosen, directory, journal, argv, environment: env },
    call: (name, args) => {
      const [file, ...rest] = argv(name, args);
      return runCommand(file, rest, { cwd: directory, env });
    },
    log: (line) => appendFile(join(directory, 'faults.log'), `${new Date().toISOString()} ${line}\n`),
  };
}

/** Lines of the jobs' own journal, by their first word and product. */
export async function readJournalCounts(
  playground: Playground,
  word: 'begin' | 'end' | 'bad',
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readFile(playground.journal, 'utf8')).split('\n')) {
    const [first, product] = line.split(' ');
    if (first === word && product !== undefined) counts.set(product, (counts.get(product) ?? 0) + 1);
  }
  return counts;
}

async function must(file: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(file, args);
  if (exitCode === 0) return stdout;
  throw new SiteError(`'${file} ${args.join(' ')}' failed: ${stderr.trim()}`, { code: 'site-torture' });
}
