import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { embeddedRolesOf, findSite } from '#config/find-site.ts';
import { SiteError } from '#model/errors.ts';
import { defaultDeadlines } from '#model/job/deadlines.ts';
import { defaultNodes } from '#model/policy/bad-node.ts';

let home: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-site-')));
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

async function put(path: string, text: string, mode = 0o600): Promise<string> {
  const file = join(home, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

async function scratch(path: string): Promise<string> {
  const directory = join(home, path);
  await mkdir(directory, { recursive: true });
  return directory;
}

async function errorOf(action: Promise<unknown>): Promise<SiteError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SiteError) return error;
  throw new Error(`No SiteError but ${String(error)}`);
}

/** What went wrong, with the temporary directory's name taken out. */
async function complaintsOf(action: Promise<unknown>): Promise<readonly string[]> {
  const { message, complaints, advice } = await errorOf(action);
  return [message, ...complaints, advice ?? ''].map((line) => line.replaceAll(home, ''));
}

const databases = `
  daq: postgresql://reader@daqdb/daq
  raw: {url: postgresql://reader@rawdb/raw, schema: files}
  catalog: {url: {env: CATALOG_URL}, password: {file: secrets/catalog}}
  status: postgresql:///status?host=/run/postgresql
`;

describe('a site is looked for', () => {
  it('by its name, by the environment, upwards; a new embedded one is made only where that is allowed (C-C3)', async () => {
    const work = await scratch('a/b/c');
    await put('a/slurp.yaml', 'state: up');
    await put('named/slurp.yaml', 'state: named');
    await put('variable.yaml', 'state: variable');
    const state = async (site?: string, env = {}): Promise<string> =>
      (await findSite({ cwd: work, env, site })).stateDirectory.replace(home, '');
    expect(await state('../../../named', { SLURP_SITE: '../../../variable.yaml' })).toBe('/named/named');
    expect(await state(undefined, { SLURP_SITE: '../../../variable.yaml' })).toBe('/variable');
    expect(await state()).toBe('/a/up');
    await scratch('a/b/.slurp-site');
    expect(await state()).toBe('/a/b/.slurp-site');
    await put('a/b/slurp.yaml', '');
    expect(await state()).toBe('/a/b/.slurp-site');
    const empty = await scratch('empty');
    expect(await complaintsOf(findSite({ cwd: empty, env: {} }))).toEqual([
      "No site in '/empty', or above",
      "Name one with '--site PATH' or SLURP_SITE; 'slurp up' creates a new, empty one",
    ]);
    const elsewhere = await findSite({ cwd: empty, env: {}, isNewAllowed: true });
    expect(elsewhere.stateDirectory).toBe(join(home, 'empty/.slurp-site'));
    expect(elsewhere.kind).toBe('embedded');
    expect(embeddedRolesOf(elsewhere).map(({ role, schema }) => [role, schema])).toEqual([
      ['daq', 'daq'],
      ['raw', 'raw'],
      ['catalog', 'catalog'],
      ['status', 'status'],
    ]);
  });

  it('and reports that the named one does not exist', async () => {
    expect(await complaintsOf(findSite({ cwd: home, env: {}, site: 'nowhere.yaml' }))).toEqual([
      "Site '/nowhere.yaml' does not exist",
      'Name a site file or a directory with --site',
    ]);
  });

  it('from the directory of the rule file too, after the one we are in (C-C3)', async () => {
    const cwd = await scratch('home/me');
    await put('work/testbed/slurp.yaml', 'state: there');
    const ruleFile = join(await scratch('work/testbed/rules'), 'rules.yaml');
    const found = await findSite({ cwd, ruleFile, env: {} });
    expect([found.mode, found.stateDirectory]).toEqual(['testbed', join(home, 'work/testbed/there')]);
    await put('home/slurp.yaml', 'state: here');
    expect((await findSite({ cwd, ruleFile, env: {} })).stateDirectory).toBe(join(home, 'home/here'));
  });

  it('but never in a directory that others can write, which is said (C-C3)', async () => {
    await put('public/slurp.yaml', '');
    const cwd = await scratch('public/me');
    for (const mode of [0o777, 0o1777]) {
      await chmod(join(home, 'public'), mode);
      expect(await complaintsOf(findSite({ cwd, env: {} }))).toEqual([
        "No site in '/public/me', or above",
        "'/public' has a site, but other users can write to that directory: it is not used",
        "Name one with '--site PATH' or SLURP_SITE; 'slurp up' creates a new, empty one",
      ]);
      expect((await findSite({ cwd, env: {}, isNewAllowed: true })).stateDirectory).toBe(join(cwd, '.slurp-site'));
      expect((await errorOf(findSite({ cwd: join(home, 'public'), env: {}, isNewAllowed: true }))).code).toBe(
        'site-open-directory',
      );
    }
    expect((await findSite({ cwd, env: {}, site: '..' })).file).toBe(join(home, 'public/slurp.yaml'));
    await chmod(join(home, 'public'), 0o775);
    expect((await findSite({ cwd, env: {} })).file).toBe(join(home, 'public/slurp.yaml'));
  });

  it('but not taken up where others may write it, unless it is named', async () => {
    await put('open/slurp.yaml', '', 0o666);
    const cwd = join(home, 'open');
    expect((await errorOf(findSite({ cwd, env: {} }))).code).toBe('site-not-ours');
    expect((await findSite({ cwd, env: {}, site: 'slurp.yaml' })).kind).toBe('embedded');
  });
});

describe('the mode', () => {
  it('is testbed by the marker file or the path, with a state of its own in a shared site', async () => {
    await put('site/slurp.yaml', 'gateway: {port: 1}\ntestbed:\n  gateway: {port: 2}\n');
    const find = async (cwd: string): Promise<unknown[]> => {
      const { mode, stateDirectory, gateway } = await findSite({ cwd: join(home, cwd), env: {} });
      return [mode, stateDirectory.replace(home, ''), gateway.port];
    };
    await scratch('site/work');
    await scratch('site/My-TestBed/x');
    await put('site/marked/.slurp/testbed', '');
    expect(await find('site/work')).toEqual(['production', '/site/.slurp-site', 1]);
    expect(await find('site/My-TestBed/x')).toEqual(['testbed', '/site/.slurp-site/testbed', 2]);
    expect(await find('site/marked')).toEqual(['testbed', '/site/.slurp-site/testbed', 2]);
    await scratch('testbed/.slurp-site');
    expect(await find('testbed')).toEqual(['testbed', '/testbed/.slurp-site', 0]);
  });
});

describe('a site file', () => {
  it('gives everything, secrets from environment and file', async () => {
    await put('secrets/catalog', 'p@ss/word\n');
    await put(
      'slurp.yaml',
      `databases: ${databases}
batch:
  backend: htcondor
  local: {slots: 3, history_days: 2}
  htcondor:
    commands: {Accounting_Group: group_sphenix, +MyAttribute: 3}
    max_idle: 500
    schedds: [sub01, sub02]
    command_timeout: 1m
gateway: {host: 0.0.0.0, port: 9000, url: "http://gateway:9000", insecure: true}
worker:
  report_timeout: 500ms
  inputs_timeout: 2h
  setup_script: setup.sh
  supervise: false
  container: {runtime: apptainer, image: /cvmfs/image.sif, binds: [/sphenix]}
spool: /shared/spool
payloads: {directory: snapshots, limit_mb: 50, keep_days: 7}
limits: {busy_schedd_percent: 80, idle_per_running: 2.5, idle_at_least: 500, free_space_gb: 0.5}
statement_timeout: 30s
`,
      0o644,
    );
    const site = await findSite({ cwd: home, env: { CATALOG_URL: 'postgresql://writer@fc:5433/FileCatalog' } });
    expect(JSON.parse(JSON.stringify(site).replaceAll(home, ''))).toEqual({
      kind: 'external',
      mode: 'production',
      file: '/slurp.yaml',
      stateDirectory: '/.slurp-site',
      roles: {
        daq: { role: 'daq', url: 'postgresql://reader@daqdb/daq', schema: 'public' },
        raw: { role: 'raw', url: 'postgresql://reader@rawdb/raw', schema: 'files' },
        catalog: {
          role: 'catalog',
          url: 'postgresql://writer:p%40ss%2Fword@fc:5433/FileCatalog',
          schema: 'public',
        },
        status: { role: 'status', url: 'postgresql:///status?host=/run/postgresql', schema: 'public' },
      },
      batch: {
        backend: 'htcondor',
        local: { slots: 3, historyMs: 172_800_000 },
        htcondor: {
          commands: { accounting_group: 'group_sphenix', '+MyAttribute': '3' },
          maxIdle: 500,
          schedds: ['sub01', 'sub02'],
          commandTimeoutMs: 60_000,
        },
      },
      gateway: { host: '0.0.0.0', port: 9000, url: 'http://gateway:9000', isInsecure: true },
      spoolDirectory: '/shared/spool',
      logDirectory: '/.slurp-site/logs',
      payloads: { directory: '/snapshots', limitBytes: 50_000_000, keepMs: 604_800_000 },
      worker: {
        reportTimeoutMs: 500,
        inputsTimeoutMs: 7_200_000,
        isSupervised: false,
        setupScript: '/setup.sh',
        container: { runtime: 'apptainer', image: '/cvmfs/image.sif', binds: ['/sphenix'] },
      },
      deadlines: { ...defaultDeadlines },
      diskCheckMs: 6 * 3_600_000,
      nodes: defaultNodes,
      notify: {},
      limits: { busyDutyCycle: 0.8, idlePerRunning: 2.5, idleAtLeast: 500, freeBytes: 500_000_000 },
      statementTimeoutMs: 30_000,
    });
  });

  it('is refused with all its mistakes at once, each with its place', async () => {
    await put(
      'slurp.yaml',
      `databses: {}
databases:
  daq: mysql://somewhere
  catalog: {url: postgresql://fc/fc, schem: x}
  status: {url: 7}
batch:
  backend: slurm
  local: {slots: 0}
worker:
  report_timeout: 2
gateway:
  port: 123456
testbed:
  production: {}
`,
    );
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "The site file '/slurp.yaml' has 10 errors",
        "/slurp.yaml:1:1: Unknown key 'databses': did you mean 'databases'?",
        "/slurp.yaml:3:3: 'databases.raw' is missing: expected 'embedded', an address 'postgresql://USER@HOST/DATABASE', {url: …, password: …, schema: …}, or {dsn: NAME} of an odbc.ini",
        "/slurp.yaml:3:8: Value 'mysql://somewhere' of 'databases.daq' is wrong: expected an address 'postgresql://USER@HOST/DATABASE'",
        "/slurp.yaml:4:38: Unknown key 'schem' in 'databases.catalog': did you mean 'schema'?",
        "/slurp.yaml:5:17: Value '7' of 'databases.status.url' is wrong: expected an address 'postgresql://USER@HOST/DATABASE', or {env: NAME}, or {file: PATH}",
        "/slurp.yaml:7:12: Value 'slurm' of 'batch.backend' is wrong: expected 'local' or 'htcondor'",
        "/slurp.yaml:8:18: Value '0' of 'batch.local.slots' is wrong: expected a whole number above 0",
        "/slurp.yaml:10:19: Value '2' of 'worker.report_timeout' is wrong: expected a time span with its unit, such as '2s' or '10m'",
        "/slurp.yaml:12:9: Value '123456' of 'gateway.port' is wrong: expected a port, 0 to 65535",
        "/slurp.yaml:14:3: Unknown key 'production' in 'testbed'",
        "'docs/site.md' lists all keys",
      ]
    `);
  });

  it('is refused with the place where it is not valid YAML', async () => {
    await put('slurp.yaml', 'batch: {backend: local\nspool: [\n');
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "The site file '/slurp.yaml' has 2 errors",
        "/slurp.yaml:2:1: Flow map in block collection must be sufficiently indented and end with a }",
        "/slurp.yaml:3:1: Flow sequence in block collection must be sufficiently indented and end with a ]",
        "'docs/site.md' lists all keys",
      ]
    `);
  });

  it.each([
    ['batch: *common\n', "1:8: Undefined alias '*common': expected an anchor '&common' above it"],
    ['logs: &a x\nspool: &a y\n', "2:11: Anchor '&a' is already defined in line 1: expected another name"],
    ['batch: !include batch.yaml\n', '1:8: Unresolved tag: !include'],
    ['logs: "x"\nspool: \u0007\n', '2:8: Control character U+0007: expected text without it'],
  ])('is refused where it would be read as something else: %j', async (text, problem) => {
    await put('slurp.yaml', text);
    const [message, ...complaints] = await complaintsOf(findSite({ cwd: home, env: {} }));
    expect([message, complaints[0]]).toEqual(["The site file '/slurp.yaml' has an error", `/slurp.yaml:${problem}`]);
  });

  it('is refused where it is not UTF-8', async () => {
    await writeFile(await put('slurp.yaml', ''), Buffer.from('logs: é\n', 'latin1'));
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toContain(
      "/slurp.yaml:1:7: Byte 0xE9 is not UTF-8 (in Latin-1 it is 'é'): expected a file in UTF-8",
    );
  });

  it('says who is notified, and how long a state may last', async () => {
    await put(
      'slurp.yaml',
      'notify: {command: ./page, webhook: {file: hook}, mail: {to: ada@example.org}}\ndeadlines: {submitted: 5d, held: 90m}\ndisk_check: 2h\n',
    );
    const site = await findSite({ cwd: home, env: {} });
    expect(site.notify).toEqual({
      command: [join(home, 'page')],
      webhook: { file: 'hook', siteFile: join(home, 'slurp.yaml') },
      mail: { to: ['ada@example.org'], program: '/usr/sbin/sendmail' },
    });
    expect(site.diskCheckMs).toBe(7_200_000);
    expect(site.deadlines).toMatchObject({ submitted: 432_000_000, held: 5_400_000, running: 172_800_000 });
  });

  it('says when a node is bad, and how long jobs avoid it (C-Q35)', async () => {
    await put('slurp.yaml', 'nodes: {failures: 5, within: 1h, avoid_for: 3d, at_most: 0.5}\n');
    const { nodes } = await findSite({ cwd: home, env: {} });
    expect(nodes).toEqual({ failures: 5, withinMs: 3_600_000, avoidMs: 259_200_000, atMost: 0.5 });
    await put('slurp.yaml', 'nodes: {failures: 0, avoid_fr: 1h, within: 5, at_most: 25}\n');
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toEqual([
      "The site file '/slurp.yaml' has 4 errors",
      "/slurp.yaml:1:19: Value '0' of 'nodes.failures' is wrong: expected a whole number above 0",
      "/slurp.yaml:1:22: Unknown key 'avoid_fr' in 'nodes': did you mean 'avoid_for'?",
      "/slurp.yaml:1:44: Value '5' of 'nodes.within' is wrong: expected a time span with its unit, such as '2s' or '10m'",
      "/slurp.yaml:1:56: Value '25' of 'nodes.at_most' is wrong: expected a number from 0 to 1",
      "'docs/site.md' lists all keys",
    ]);
  });

  it('never shows the address of a webhook, and takes no mail address that could add a header', async () => {
    await put('slurp.yaml', 'notify: {webhook: "ftp://h/s3cret", mail: {to: "a@b\\nBcc: c@d"}}\n', 0o600);
    const complaints = await complaintsOf(findSite({ cwd: home, env: {} }));
    expect(complaints.join('\n')).not.toContain('s3cret');
    expect(complaints.join('\n')).toMatch(/'notify\.webhook' is wrong: expected an address/u);
    expect(complaints.join('\n')).toMatch(/'notify\.mail\.to' is wrong: expected a mail address/u);
  });

  it('is refused with a password that others may read, in it or beside it', async () => {
    const rest = '{catalog: embedded, raw: embedded, status: embedded, daq: ';
    await put('slurp.yaml', `databases: ${rest} "postgresql://u:secret@h/d"}\n`, 0o644);
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "The site file '/slurp.yaml' has an error",
        "/slurp.yaml:1:71: 'databases.daq' contains a password or token, but other users can read this file: run 'chmod 600' on it, or use {env: NAME} or {file: PATH}",
        "'docs/site.md' lists all keys",
      ]
    `);
    await put('word', 'secret\n', 0o640);
    await put('slurp.yaml', `databases: ${rest} {url: "postgresql://u@h/d", password: {file: word}}}\n`, 0o644);
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "Other users can read the secret in '/word'",
        "chmod 600 '/word'",
      ]
    `);
    await put('slurp.yaml', `databases: ${rest} {url: {env: NOT_SET}}}\n`, 0o644);
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "The address of 'daq' comes from the environment variable 'NOT_SET', which is not set",
        "Set 'NOT_SET', or use a file: {file: PATH}",
      ]
    `);
  });
});

describe('C-C2: a testbed', () => {
  it('never writes the databases of production', async () => {
    const shared = 'daq: postgresql:///daq, raw: postgresql:///raw';
    const production = `databases: {${shared}, catalog: postgresql:///fc, status: postgresql:///status}\n`;
    await put('slurp.yaml', production);
    const work = { cwd: await scratch('work-TestBed'), env: {} };
    expect(await complaintsOf(findSite(work))).toEqual([
      'A testbed needs its own databases, but these belong to production',
      "/slurp.yaml: 'catalog' is the same in both modes",
      "/slurp.yaml: 'status' is the same in both modes",
      "Name others under 'testbed: {databases: …}', for example 'embedded'",
    ]);
    expect((await findSite({ ...work, mode: 'production' })).roles.catalog.url).toBe('postgresql:///fc');

    await put('slurp.yaml', `${production}testbed: {databases: {${shared}, catalog: embedded, status: embedded}}\n`);
    const { roles, stateDirectory } = await findSite(work);
    expect(roles.daq.url).toBe('postgresql:///daq');
    expect(roles.catalog.url).toContain('testbed');
    expect(stateDirectory).toBe(join(home, '.slurp-site/testbed'));
  });

  it('may be a whole site', async () => {
    await put('testbed/slurp.yaml', `databases: ${databases.replaceAll('{env: CATALOG_URL}', 'postgresql:///fc')}`);
    await put('testbed/secrets/catalog', 'word');
    expect((await findSite({ cwd: join(home, 'testbed'), env: {} })).mode).toBe('testbed');
  });
});

describe('C-C1: roles by the data sources of an odbc.ini', () => {
  const odbc = `
; the databases of the experiment
[ODBC Data Sources]
daq = PostgreSQL

[daq]
Driver = PostgreSQL Unicode
Servername = daqdb.example.org
Port = 5433
Database = daq
Username = reader
[FileCatalog]
Server=fcdb
Database=FileCatalog
UID=writer
PWD=p@ss;word#1
SSLmode=require
[Production_write]
Servername = /run/postgresql
Database = Production
`;
  const siteOf = (roles: string): string => `odbc: etc/odbc.ini\ndatabases: {${roles}}\n`;
  const all =
    'daq: {dsn: daq}, raw: embedded, catalog: {dsn: FileCatalog}, status: {dsn: Production_write, user: argo}';

  it('have their address, user and password', async () => {
    await put('etc/odbc.ini', odbc);
    await put('slurp.yaml', siteOf(all));
    const { roles } = await findSite({ cwd: home, env: {} });
    expect(roles.daq).toEqual({ role: 'daq', schema: 'public', url: 'postgresql://reader@daqdb.example.org:5433/daq' });
    expect(roles.catalog.url).toBe('postgresql://writer:p%40ss%3Bword%231@fcdb/FileCatalog?sslmode=require');
    expect(roles.status.url).toBe('postgresql:///Production?host=%2Frun%2Fpostgresql&user=argo');
  });

  it('are looked for where unixODBC looks', async () => {
    const file = await put('mine.ini', odbc);
    await put('slurp.yaml', `databases: {${all}}\n`);
    const { roles } = await findSite({ cwd: home, env: { ODBCINI: file } });
    expect(roles.daq.url).toContain('daqdb.example.org');
    await put('.odbc.ini', odbc.replaceAll('daqdb', 'other'));
    expect((await findSite({ cwd: home, env: { HOME: home } })).roles.daq.url).toContain('other.example.org');
  });

  it('are refused where they are not there, say no database, or show a password to others', async () => {
    await put('slurp.yaml', siteOf(all));
    const unreadable = (name: string): string =>
      `The file '/etc/odbc.ini', which should contain the data source '${name}', cannot be read`;
    const advice = "Set 'odbc: PATH' in the site file, or ODBCINI in the environment";
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toEqual([
      '3 databases in the site file have invalid settings',
      `daq: ${unreadable('daq')}; ${advice}`,
      `catalog: ${unreadable('FileCatalog')}; ${advice}`,
      `status: ${unreadable('Production_write')}; ${advice}`,
      '',
    ]);
    await put('slurp.yaml', siteOf('daq: {dsn: daq}, raw: embedded, catalog: embedded, status: embedded'));
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toEqual([unreadable('daq'), advice]);
    await put('slurp.yaml', siteOf(all));
    const file = await put('etc/odbc.ini', odbc.replace('Database = daq\n', ''));
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toEqual([
      "The data source 'daq' in '/etc/odbc.ini' does not describe a reachable PostgreSQL database",
      "'database' is missing",
      '',
    ]);
    await put('etc/odbc.ini', odbc);
    await put('slurp.yaml', siteOf(all.replace('FileCatalog', 'FileCatlog')));
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toEqual([
      "Data source 'FileCatlog' does not exist in '/etc/odbc.ini'",
      "Did you mean 'FileCatalog'?",
    ]);
    await put('slurp.yaml', siteOf(all));
    await chmod(file, 0o644);
    expect((await errorOf(findSite({ cwd: home, env: {} }))).code).toBe('site-secret-open');
  });

  it('are distinguished from addresses when they are wrong', async () => {
    await put(
      'slurp.yaml',
      siteOf('daq: {dsn: 7}, raw: embedded, catalog: {dsn: a, url: b}, status: {dsn: a, usr: b}'),
    );
    expect(await complaintsOf(findSite({ cwd: home, env: {} }))).toMatchInlineSnapshot(`
      [
        "The site file '/slurp.yaml' has 3 errors",
        "/slurp.yaml:2:24: Value '7' of 'databases.daq.dsn' is wrong: expected the name of a data source",
        "/slurp.yaml:2:61: Unknown key 'url' in 'databases.catalog'",
        "/slurp.yaml:2:87: Unknown key 'usr' in 'databases.status': did you mean 'user'?",
        "'docs/site.md' lists all keys",
      ]
    `);
  });
});
