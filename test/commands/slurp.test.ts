import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { builtProgram } from '../util/built-program.ts';

const timeoutMs = 120_000;
let home: string;
const program = builtProgram('slurp');

interface Outcome {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

async function slurp(args: readonly string[], cwd = home): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd });
  return { exitCode, out: stdout.replaceAll(home, ''), err: stderr.replaceAll(home, '') };
}

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-command-')));
});

afterAll(async () => {
  await slurp(['down', '--wait', '0']);
  await rm(home, { recursive: true });
}, timeoutMs);

describe('slurp', () => {
  it(
    'makes no site by any other command than up (C-C3)',
    async () => {
      const missing = {
        exitCode: 3,
        out: '',
        err:
          "slurp: No site in '', or above\n" +
          "  Name one with '--site PATH' or SLURP_SITE; 'slurp up' creates a new, empty one\n",
      };
      for (const words of [
        ['status'],
        ['down'],
        ['reconcile'],
        ['db', 'sql', 'status'],
        ['db', 'migrate'],
        ['serve'],
      ]) {
        expect(await slurp(words)).toEqual(missing);
      }
      expect(await readdir(home)).toEqual([]);
      expect((await slurp(['db', 'sql', 'status', '--site', '.'])).err).toContain("slurp: Site '' does not exist");
      await writeFile(join(home, 'slurp.yaml'), 'batch: {backend: local}\n');
      for (const words of [
        ['db', 'sql', 'status'],
        ['refused'],
        ['payload', 'list'],
        ['reconcile'],
        ['ingest', 'slurp.yaml'],
      ]) {
        expect((await slurp(words)).err).toContain("slurp: The site '/.slurp-site' has no database yet");
      }
      expect((await slurp(['status'])).out).toContain('serve         not running\n');
      await rm(join(home, 'slurp.yaml'));
      expect(await readdir(home)).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'makes a site by up or init, and once (C-C3)',
    async () => {
      const first = await slurp(['init']);
      expect(first.out).toMatch(/^The site '\/\.slurp-site' is up; its gateway is http/);
      expect((await slurp(['up'])).out).toBe(first.out);
      expect((await slurp(['down', '--wait', '0'])).out).toBe("The site '/.slurp-site' is down\n");
    },
    timeoutMs,
  );

  it(
    'db sql starts what it needs, reads, and writes only when requested',
    async () => {
      const first = await slurp(['db', 'sql', 'status', 'select 1 as one; select 2 as two']);
      expect(first).toMatchObject({ exitCode: 0, out: 'one\n---\n  1\n(1 row)\n\ntwo\n---\n  2\n(1 row)\n' });
      expect(first.err.split('\n')[0]).toBe("slurp: Starting site '/.slurp-site' (database, gateway, local queue) …");
      const insert = "insert into production_cursor values (default, 'DST_EVENT', 'new', 'tag', 0, 7)";
      expect((await slurp(['db', 'sql', 'status'])).out).toMatch(/^production_status +dstfile +text +t$/mu);
      const long = 'x'.repeat(300);
      expect((await slurp(['db', 'sql', 'status', `select '${long}' as text`])).out).toContain(`\n${long}\n`);
      expect(await slurp(['db', 'sql', 'status', insert])).toEqual({
        exitCode: 40,
        out: '',
        err:
          "slurp: Database 'status' at '/.slurp-site/run/slurp' says: cannot execute INSERT in a read-only transaction\n" +
          "  Add '--write' to allow changes\n",
      });
      expect((await slurp(['db', 'sql', 'status', insert, '--write'])).out).toBe('INSERT 1\n');
      expect((await slurp(['db', 'sql', 'statusw', 'table production_cursor', '--csv'])).out).toBe(
        'id,dsttype,build,tag,version,lastrun\n1,DST_EVENT,new,tag,0,7\n',
      );
    },
    timeoutMs,
  );

  it(
    'shows the site, brings its tables up to date, and stops it',
    async () => {
      expect(JSON.parse((await slurp(['status', '--json'])).out)).toMatchObject({
        isUp: true,
        gateway: { health: 'ok' },
        queue: { running: 0 },
        work: { unconfirmed: 0, attempts: {}, finishedWithoutProduct: 0 },
      });
      expect((await slurp(['db', 'migrate'])).out).toBe(
        'daq      up to date\nraw      up to date\ncatalog  up to date\nstatus   up to date\n',
      );
      expect((await slurp(['down'])).out).toBe("The site '/.slurp-site' is down\n");
    },
    timeoutMs,
  );

  it(
    'db url prints the address of a role, the secret only when asked',
    async () => {
      const file = join(home, 'other.yaml');
      const rest = 'daq: embedded, raw: embedded, catalog: embedded';
      await writeFile(file, `databases: {${rest}, status: "postgresql://u:secret@db:5433/Production"}`, {
        mode: 0o600,
      });
      const url = (...args: readonly string[]): Promise<Outcome> =>
        slurp(['db', 'url', 'status', '--site', file, ...args]);
      expect((await url()).out).toBe('postgresql://u@db:5433/Production\n');
      expect((await url('--secret')).out).toBe('postgresql://u:secret@db:5433/Production\n');
    },
    timeoutMs,
  );

  it(
    'refuses what makes no sense',
    async () => {
      expect((await slurp(['db'])).err).toBe(
        "slurp: A subcommand is missing: expected one of migrate, url, sql\n  'slurp db --help' lists the options\n",
      );
      expect(await slurp(['db', 'url', 'nowhere'])).toEqual({
        exitCode: 2,
        out: '',
        err: "slurp: Argument role: 'nowhere' is not a role: expected one of daq, raw, catalog, status\n  'slurp db url --help' lists the options\n",
      });
      expect((await slurp(['down', '--wait', 'long'])).err).toBe(
        "slurp: Option --wait: 'long' is not a time span: expected for example '30s', '5m' or '0'\n  'slurp down --help' lists the options\n",
      );
      expect((await slurp(['db', 'migrate', 'status', 'nowhere', '--mode', 'prod', '--jsn'])).err).toBe(
        `slurp: 3 arguments are wrong
  Unknown option '--jsn': did you mean '--json'?
  --mode: 'prod' is not a mode: expected one of production, testbed
  Argument role: 'nowhere' is not a role: expected one of daq, raw, catalog, status
  'slurp db migrate --help' lists the options
`,
      );
      expect((await slurp(['status', '--site', 'nowhere.yaml'])).exitCode).toBe(3);
    },
    timeoutMs,
  );
});
