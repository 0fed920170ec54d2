import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { defaultDeadlines } from '#model/job/deadlines.ts';
import { defaultNodes } from '#model/policy/bad-node.ts';
import { present } from '#util/present.ts';

import { embeddedUrlOf, stateDirectoryName } from './site-directories.ts';
import { makeNotify } from './site-file/make-notify.ts';
import { makeRoles } from './site-file/make-role.ts';
import { readSiteFile } from './site-file/read-site-file.ts';

import type { NodeSettings } from '#model/policy/bad-node.ts';
import type { Role, Site } from '#model/site.ts';

import type { SiteFile, SiteSections } from './site-file/site-schema.ts';

/**
 * The inputs of the search for a site, in order of precedence: `--site`, the environment, `cwd` and above, the
 * rule file.
 */
export interface FindSiteOptions {
  /** `--site`: a site file, or a directory that holds one or a `.slurp-site`. */
  readonly site?: string | undefined;
  /** Absolute; the directory the operator stands in, which also decides the mode. That of the process unless given. */
  readonly cwd?: string;
  /** Absolute; where it lies is searched after `cwd`. */
  readonly ruleFile?: string | undefined;
  /** Where there is none, it is a new embedded site in `cwd` or in the named directory: for `slurp up` alone. */
  readonly isNewAllowed?: boolean;
  /** Instead of what `cwd` says. */
  readonly mode?: Site['mode'] | undefined;
  /** The environment; that of the process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A site file, or the directory that an embedded site without one lives in. */
interface SiteRoot {
  readonly directory: string;
  readonly file?: string;
}

const siteFileName = 'slurp.yaml';

function findRootAt(path: string): SiteRoot | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return { directory: dirname(path), file: path };
  if (found?.isDirectory() !== true) return undefined;
  if (basename(path) === stateDirectoryName) return { directory: dirname(path) };
  if (existsSync(join(path, siteFileName))) return { directory: path, file: join(path, siteFileName) };
  return existsSync(join(path, stateDirectoryName)) ? { directory: path } : undefined;
}

// A site decides what jobs run: one in a directory where others can write is not used unless it is named.
function checkOwner(root: SiteRoot): void {
  const me = process.getuid?.();
  const path = root.file ?? join(root.directory, stateDirectoryName);
  const { uid, mode } = statSync(path);
  if (me === undefined || ((uid === me || uid === 0) && (mode & 0o002) === 0)) return;
  throw new SiteError(`The site '${path}' belongs to another user, or other users can write to it`, {
    code: 'site-not-ours',
    advice: `If you trust it, name it explicitly: --site '${path}', or SLURP_SITE`,
  });
}

interface RootOptions {
  readonly site: string | undefined;
  readonly cwd: string;
  readonly ruleFile: string | undefined;
  readonly isNewAllowed: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

function findRoot(options: RootOptions): SiteRoot {
  const named = options.site ?? options.env['SLURP_SITE'];
  return named !== undefined && named !== '' ? findNamedRoot(named, options) : findRootNear(options);
}

function findNamedRoot(named: string, { site, cwd, isNewAllowed }: RootOptions): SiteRoot {
  const path = resolve(cwd, named);
  const root = findRootAt(path);
  if (root !== undefined) return root;
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isDirectory && isNewAllowed) return { directory: path };
  const option = site === undefined ? 'SLURP_SITE' : '--site';
  throw new SiteError(`Site '${path}' does not exist`, {
    code: 'site-missing',
    advice: isDirectory
      ? `To create a new, empty one there: slurp up --site '${path}'`
      : `Name a site file or a directory with ${option}`,
  });
}

function findRootNear({ cwd, ruleFile, isNewAllowed }: RootOptions): SiteRoot {
  const open = new Set<string>();
  const starts = [cwd, ...(ruleFile === undefined ? [] : [dirname(ruleFile)])];
  for (const start of starts) {
    const root = findRootAbove(start, open);
    if (root !== undefined) return root;
  }
  const passed = [...open].map(
    (directory) => `'${directory}' has a site, but other users can write to that directory: it is not used`,
  );
  if (isNewAllowed && !isOpen(cwd)) return { directory: cwd };
  if (isNewAllowed) {
    throw new SiteError(`Other users can write to '${cwd}': a site there would not be found again`, {
      code: 'site-open-directory',
      advice: "Go to a directory of your own, or name this one: '--site .'",
    });
  }
  throw new SiteError(`No site in ${starts.map((start) => `'${start}'`).join(' or ')}, or above`, {
    code: 'site-missing',
    complaints: passed,
    advice: "Name one with '--site PATH' or SLURP_SITE; 'slurp up' creates a new, empty one",
  });
}

/** Others can put a site of theirs there: `/tmp`, whether sticky or not. A group is trusted; see `checkOwner`. */
function isOpen(directory: string): boolean {
  return ((statSync(directory, { throwIfNoEntry: false })?.mode ?? 0) & 0o002) !== 0;
}

function findRootAbove(start: string, open: Set<string>): SiteRoot | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const root = findRootAt(join(directory, siteFileName)) ?? findRootAt(join(directory, stateDirectoryName));
    if (root !== undefined && isOpen(directory)) open.add(directory);
    else if (root !== undefined) {
      checkOwner(root);
      return root;
    }
    if (directory === dirname(directory)) return undefined;
  }
}

function isTestbedDirectory(directory: string): boolean {
  return existsSync(join(directory, '.slurp/testbed')) || directory.toLowerCase().includes('testbed');
}

function sectionsOf(file: SiteFile, mode: Site['mode']): SiteSections {
  const { production, testbed, ...common } = file;
  return { ...common, ...(mode === 'production' ? production : testbed) };
}

/** What a testbed writes must not be what production lives by. */
function checkTestbed(file: SiteFile, siteFile: string): void {
  const mine = sectionsOf(file, 'testbed').databases;
  const theirs = sectionsOf(file, 'production').databases;
  const shared = (['catalog', 'status'] as const).filter((role) => {
    const given = mine?.[role] ?? 'embedded';
    return given !== 'embedded' && JSON.stringify(given) === JSON.stringify(theirs?.[role]);
  });
  if (shared.length === 0) return;
  throw new SiteError('A testbed needs its own databases, but these belong to production', {
    code: 'site-testbed-databases',
    facts: { file: siteFile },
    complaints: shared.map((role) => `${siteFile}: '${role}' is the same in both modes`),
    advice: "Name others under 'testbed: {databases: …}', for example 'embedded'",
  });
}

const allEmbedded = { daq: 'embedded', raw: 'embedded', catalog: 'embedded', status: 'embedded' } as const;

function makeBatch(batch: SiteSections['batch']): Site['batch'] {
  const condor = batch?.htcondor;
  const commands = Object.entries(condor?.commands ?? {}).map(([key, value]) => [
    key.startsWith('+') ? key : key.toLowerCase(),
    String(value),
  ]);
  const days = batch?.local?.history_days;
  return {
    backend: batch?.backend ?? 'local',
    local: {
      slots: batch?.local?.slots ?? availableParallelism(),
      ...(days === undefined ? {} : { historyMs: days * 24 * 3600 * 1000 }),
    },
    htcondor: {
      commands: Object.fromEntries(commands),
      ...present({
        maxMaterialize: condor?.max_materialize,
        maxIdle: condor?.max_idle,
        maxJobsPerSubmission: condor?.max_jobs_per_submission,
      }),
      schedds: condor?.schedds ?? [],
      commandTimeoutMs: condor?.command_timeout ?? 120_000,
    },
  };
}

function makeGateway(gateway: SiteSections['gateway'], directory: string): Site['gateway'] {
  const tls = gateway?.tls;
  return {
    host: gateway?.host ?? '127.0.0.1',
    port: gateway?.port ?? 0,
    ...present({ url: gateway?.url }),
    isInsecure: gateway?.insecure ?? false,
    ...(tls === undefined
      ? {}
      : { tls: { certificateFile: resolve(directory, tls.certificate), keyFile: resolve(directory, tls.key) } }),
  };
}

function makeWorker(worker: SiteSections['worker'], directory: string): Site['worker'] {
  const container = worker?.container;
  return {
    reportTimeoutMs: worker?.report_timeout ?? 2000,
    inputsTimeoutMs: worker?.inputs_timeout ?? 600_000,
    ...(worker?.setup_script === undefined ? {} : { setupScript: resolve(directory, worker.setup_script) }),
    ...(container === undefined ? {} : { container: { ...container, binds: container.binds ?? [] } }),
    isSupervised: worker?.supervise ?? true,
  };
}

function makeLimits(limits: SiteSections['limits']): Site['limits'] {
  return {
    busyDutyCycle: (limits?.busy_schedd_percent ?? 95) / 100,
    ...present({ idlePerRunning: limits?.idle_per_running }),
    idleAtLeast: limits?.idle_at_least ?? 1000,
    freeBytes: (limits?.free_space_gb ?? 1) * 1e9,
  };
}

const dayMs = 24 * 3600 * 1000;

/** A directory that both modes name is divided: each mode knows only what its own database says is needed. */
function makePayloads(
  payloads: SiteSections['payloads'],
  { root, stateDirectory, isDivided }: { root: string; stateDirectory: string; isDivided: boolean },
): Site['payloads'] {
  const named = payloads?.directory;
  const directory = named === undefined ? join(stateDirectory, 'payloads') : resolve(root, named);
  return {
    directory: named !== undefined && isDivided ? join(directory, 'testbed') : directory,
    limitBytes: (payloads?.limit_mb ?? 1000) * 1_000_000,
    keepMs: (payloads?.keep_days ?? 30) * dayMs,
  };
}

/**
 * Finds the site and reads its file; changes nothing, starts nothing, connects to nothing.
 *
 * Looked for: `site`, `$SLURP_SITE`, the nearest directory from `cwd` upwards, then from that of the rule file, that holds
 * `slurp.yaml` or `.slurp-site/` and that others cannot write. Where there is none, it is a new embedded site only if that
 * is allowed. The mode is testbed where `cwd` or the site's directory holds `.slurp/testbed` or has `testbed` in its path, which then uses the block `testbed:`, and a state directory of its own unless the whole site is a testbed.
 *
 * @throws SiteError for a site file with mistakes (all at once), secrets that are missing or open to others, a site
 * that is named and not there, or one that belongs to another user and is not named
 * @see docs/site.md
 */
export async function findSite(options: FindSiteOptions = {}): Promise<Site> {
  const env = options.env ?? process.env;
  const cwd = resolve(options.cwd ?? process.cwd());
  const { site, ruleFile, isNewAllowed = false } = options;
  const root = findRoot({ site, cwd, ruleFile, isNewAllowed, env });
  // A site that is a testbed as a whole is one from wherever it is used.
  const isTestbed = isTestbedDirectory(cwd) || isTestbedDirectory(root.directory);
  const mode = options.mode ?? (isTestbed ? 'testbed' : 'production');
  const file = root.file === undefined ? {} : await readSiteFile(root.file);
  const sections = sectionsOf(file, mode);

  const baseDirectory = resolve(root.directory, sections.state ?? stateDirectoryName);
  const isShared = mode === 'testbed' && !isTestbedDirectory(root.directory);
  if (isShared) checkTestbed(file, root.file ?? baseDirectory);
  const stateDirectory = isShared ? join(baseDirectory, 'testbed') : baseDirectory;
  const databases = sections.databases ?? allEmbedded;
  const context = { directory: root.directory, siteFile: root.file, stateDirectory, odbc: sections.odbc, env };

  return {
    kind: Object.values(databases).includes('embedded') ? 'embedded' : 'external',
    mode,
    ...present({ file: root.file }),
    stateDirectory,
    roles: await makeRoles(databases, context),
    batch: makeBatch(sections.batch),
    gateway: makeGateway(sections.gateway, root.directory),
    spoolDirectory: resolve(root.directory, sections.spool ?? join(stateDirectory, 'spool')),
    logDirectory: resolve(root.directory, sections.logs ?? join(stateDirectory, 'logs')),
    ...(sections.rules === undefined ? {} : { rulesFile: resolve(root.directory, sections.rules) }),
    payloads: makePayloads(sections.payloads, { root: root.directory, stateDirectory, isDivided: isShared }),
    worker: makeWorker(sections.worker, root.directory),
    limits: makeLimits(sections.limits),
    ...present({ retry: sections.retry }),
    nodes: makeNodes(sections.nodes),
    notify: makeNotify(sections.notify, root),
    deadlines: { ...defaultDeadlines, ...present(sections.deadlines ?? {}) },
    diskCheckMs: sections.disk_check ?? 6 * 3_600_000,
    statementTimeoutMs: sections.statement_timeout ?? 600_000,
  };
}

function makeNodes({
  failures,
  within,
  avoid_for: avoidFor,
  at_most: atMost,
}: SiteSections['nodes'] = {}): NodeSettings {
  return { ...defaultNodes, ...present({ failures, withinMs: within, avoidMs: avoidFor, atMost }) };
}

/** The roles whose tables live on the site's own embedded server: those that SLURP makes and migrates by itself. */
export function embeddedRolesOf(site: Site): readonly Role[] {
  const url = embeddedUrlOf(site.stateDirectory);
  return Object.values(site.roles).filter((role) => role.url === url);
}
