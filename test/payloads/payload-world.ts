import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { askSite } from '../util/ask-site.ts';
import { payloadFamilies } from './payload-families.ts';
import { variantRuns, varyRules } from './vary-rules.ts';

/** A production of all families of payloads, on one batch system. */
export interface PayloadWorld {
  readonly home: string;
  /** Dispatches every rule, and waits until no attempt is under way. */
  produce(): Promise<void>;
  /**
   * The same for the variants of the rules, with an outage at the end of their jobs: `slurp serve` is killed while all of
   * them work, and starts again when the reports of the last one are at home.
   *
   * @see varyRules
   */
  produceInOutage(isSupervised: boolean): Promise<void>;
  /** Rows of a query, each as its columns' texts. */
  read(role: 'status' | 'catalog', text: string): Promise<readonly (readonly string[])[]>;
  /** Names of the files below a directory of the home, sorted; none if it is not there. */
  list(scratch: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const events = 'event 1\nevent 2\nevent 3\n';

/** Raw files, as the DAQ writes them. */
const rawFiles: readonly (readonly [run: number, path: string])[] = [
  [53534, '/bbox0/TPC_ebdc00_physics-00053534-0000.evt'],
  [53534, '/bbox0/GL1_physics_gl1daq-00053534-0000.evt'],
  [53534, '/bbox0/physics_intt0-00053534-0000.evt'],
  ...Array.from({ length: 20 }, (_, n): readonly [number, string] => [
    53534,
    `/bbox1/physics_seb${String(n).padStart(2, '0')}-00053534-0000.prdf`,
  ]),
  [22026, '/bbox0/GL1_beam_gl1daq-00022026-0000.evt'],
  [22026, '/bbox0/beam_seb00-00022026-0000.prdf'],
];

/** Attempts that have not ended, or of whose outputs some are not registered. */
const openOnes = `
  select count(*) from production_status s where status not in ('finished', 'failed') or exists (
    select from production_event e where e.cupsid = s.id and kind = 'stageout' and applied_at is null)`;

/** Files of earlier steps; that of run 53538 holds no events. */
const products: readonly (readonly [run: number, name: string])[] = [
  [53535, 'DST_TRIGGERED_EVENT_run2pp_ana437_2024p007-00053535-00000.root'],
  [53537, 'DST_CALO_run2pp_ana437_2024p007-00053537-00000.root'],
  [53538, 'DST_STREAMING_EVENT_run2pp_ana437_2024p007-00053538-00000.root'],
  [53539, 'DST_CALO_run2pp_ana437_2024p007-00053539-00000.root'],
  [22027, 'DST_EVENT_auau23_ana387_2023p003-00022027-0000.prdf'],
];

/**
 * Lays out a production: rules, payloads in a git checkout, raw files and files of earlier steps, and a site.
 *
 * @param batch the section `batch` of the site file
 */
export async function makePayloadWorld(batch: string): Promise<PayloadWorld> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-payloads-')));
  await chmod(home, 0o755);
  const call = async (file: string, args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runCommand(file, args, { cwd: home });
    if (exitCode === 0) return stdout;
    throw new Error(`'${file} ${args.join(' ')}' ended with ${exitCode ?? 'a signal'}: ${stdout}${stderr}`);
  };
  const command = (name: 'kaedama' | 'slurp', args: readonly string[]): Promise<string> =>
    call(join(findPackageRoot(), 'bin', name), args);

  const writeSite = (worker: string): Promise<void> =>
    writeFile(join(home, 'slurp.yaml'), `batch: ${batch}\nworker: { ${worker} }\n`);
  await writeSite('report_timeout: 20s');
  const rules = (await readFile(join(import.meta.dirname, 'rules.yaml'), 'utf8')).replaceAll('@HOME@', home);
  await writeFile(join(home, 'rules.yaml'), rules);
  await writeFile(join(home, 'variants.yaml'), varyRules(rules));
  await layOutPayloads(join(home, 'payloads'));
  await layOutPayloads(join(home, 'payloads/own'), home);
  await mkdir(join(home, 'waiting'));
  const git = ['-c', 'user.name=test', '-c', 'user.email=t@example.org', '-C', join(home, 'payloads')];
  await call('git', ['init', '--quiet', '--bare', join(home, 'payloads.git')]);
  for (const words of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '.'],
    ['commit', '--quiet', '-m', 'one'],
    ['remote', 'add', 'origin', join(home, 'payloads.git')],
    ['push', '--quiet', 'origin', 'main'],
  ]) {
    await call('git', [...git, ...words]);
  }
  for (const scratch of ['raw/physics', 'in', 'earlier']) await mkdir(join(home, scratch), { recursive: true });
  await writeFile(join(home, 'earlier/constants.txt'), 'constants\n');
  for (const [, path] of withVariants(rawFiles))
    await writeFile(join(home, 'raw/physics', path.split('/').at(-1) ?? ''), events);
  for (const [run, name] of withVariants(products))
    await writeFile(join(home, 'in', name), run % variantRuns === 538 ? 'nothing\n' : events);
  await command('slurp', ['up']);
  await askSite({ site: home, role: 'daq', text: rawRows(), isWriting: true });
  await askSite({ site: home, role: 'catalog', text: productRows(home), isWriting: true });

  const read: PayloadWorld['read'] = (role, text) => askSite({ site: home, role, text });
  const dispatchAll = async (rulesFile: string, addedToRun = 0): Promise<void> => {
    const rest = [...payloadFamilies];
    const dispatchNext = async (): Promise<void> => {
      for (let family = rest.shift(); family !== undefined; family = rest.shift()) {
        const run = String(family.run + addedToRun);
        await command('kaedama', ['--config', rulesFile, '--rule', family.rule, '--runs', run, '--batch']);
      }
    };
    await Promise.all([dispatchNext(), dispatchNext()]);
  };
  const untilEnded = async (): Promise<void> => {
    await waitUntil(async () => ((await read('status', openOnes))[0]?.[0] === '0' ? true : undefined), {
      timeoutMs: 150_000,
      everyMs: 200,
    });
    await command('slurp', ['reconcile']);
  };
  const untilAllAreIn = (directory: string, pattern: RegExp): Promise<unknown> =>
    waitUntil(
      async () => {
        const names = (await readdir(join(home, directory))).flatMap((name) => pattern.exec(name)?.[1] ?? []);
        return new Set(names).size === payloadFamilies.length ? true : undefined;
      },
      { timeoutMs: 200_000, everyMs: 100 },
    );
  return {
    home,
    read,
    produce: async () => {
      await dispatchAll('rules.yaml');
      await untilEnded();
    },
    produceInOutage: async (isSupervised) => {
      await writeSite(`report_timeout: 1s, supervise: ${isSupervised}`);
      await writeFile(join(home, 'hold'), '');
      await dispatchAll('variants.yaml', variantRuns);
      await untilAllAreIn('waiting', /^(\d+)$/u);
      const record = await readFile(join(home, '.slurp-site/gateway.json'), 'utf8');
      process.kill(Number(/"pid":\s*(\d+)/u.exec(record)?.[1]), 'SIGKILL');
      await rm(join(home, 'hold'));
      await untilAllAreIn('.slurp-site/spool', /^spool-(\d+)-\d+\.jsonl$/u);
      await command('slurp', ['up']);
      await untilEnded();
    },
    list: async (scratch) => {
      const entries = await readdir(join(home, scratch), { recursive: true, withFileTypes: true }).catch(() => []);
      return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).toSorted();
    },
    close: async () => {
      await command('slurp', ['down', '--wait', '60']);
      await rm(home, { recursive: true });
    },
  };
}

/**
 * Every payload has the programs that stand for the experiment's, which are found there because a job's PATH begins there.
 *
 * @param holdAt where the macros of the jobs can be held; the scripts are then not executable
 */
async function layOutPayloads(to: string, holdAt?: string): Promise<void> {
  const from = import.meta.dirname;
  const framework = join(from, 'framework');
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === 'framework') continue;
    await cp(framework, join(to, entry.name), { recursive: true });
    await cp(join(from, entry.name), join(to, entry.name), { recursive: true });
    if (holdAt === undefined) continue;
    await writeFile(join(to, entry.name, 'hold-at'), `${holdAt}\n`);
    await chmod(join(to, entry.name, 'run.sh'), 0o644);
  }
}

/** Files, and those that variants of the rules read. */
function withVariants(files: readonly (readonly [run: number, name: string])[]): typeof files {
  const variants = files.map(([run, name]): readonly [number, string] => [
    run + variantRuns,
    name.replace(`-000${run}-`, `-000${run + variantRuns}-`),
  ]);
  return [...files, ...variants];
}

function rawRows(): string {
  const rows = withVariants(rawFiles).map(([run, path]) => `('${path}', ${run}, 0, 1, 3, 3, true)`);
  return `insert into filelist (filename, runnumber, sequence, firstevent, lastevent, events, transferred_to_sdcc)
          values ${rows.join(', ')}`;
}

function productRows(home: string): string {
  const all = withVariants(products);
  const datasets = all.map(([run, name]) => `('${name}', ${run}, 0, 'in', '${name.split('-')[0] ?? ''}', 3)`);
  const files = all.map(([, name]) => `('${name}', 'lustre', '${home}/in/${name}')`);
  return `with f as (insert into files (lfn, full_host_name, full_file_path) values ${files.join(', ')})
          insert into datasets (filename, runnumber, segment, dataset, dsttype, events) values ${datasets.join(', ')}`;
}
