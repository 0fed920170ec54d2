import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDatabase } from '#db/connect.ts';
import { runCommand } from '#util/run-command.ts';

import { testDatabase } from '../../db/test-database.ts';
import { builtProgram } from '../../util/built-program.ts';

import type { Database } from '#db/connect.ts';
import type { CommandResult } from '#util/run-command.ts';

/** A site with real databases and a local batch system, whose gateway is elsewhere, and the command `ramenya` in it. */
export interface RamenyaWorld {
  /** The directory of the site, in which the command runs. */
  readonly home: string;
  readonly program: string;
  readonly status: Database;
  readonly catalog: Database;
  /** The home directory does not appear in what it prints. */
  ramenya(
    ...args: readonly string[]
  ): Promise<Pick<CommandResult, 'exitCode'> & { readonly out: string; readonly err: string }>;
  close(): Promise<void>;
}

/** Makes a {@link RamenyaWorld}. */
export async function openRamenyaWorld(): Promise<RamenyaWorld> {
  const program = builtProgram('ramenya');
  const home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-ramenya-')));
  const database = await testDatabase();
  const roles = Object.values(database.roles).map(
    ({ role, url, schema }) => `  ${role}: { url: ${JSON.stringify(url)}, schema: ${schema} }\n`,
  );
  const text = `databases:\n${roles.join('')}batch: { backend: local }\ngateway: { url: 'http://gateway.invalid:1' }\n`;
  await writeFile(join(home, 'slurp.yaml'), text, { mode: 0o600 });
  const status = openDatabase(database.roles.status, { applicationName: 'test' });
  const catalog = openDatabase(database.roles.catalog, { applicationName: 'test' });
  return {
    ...{ home, program, status, catalog },
    ramenya: async (...args) => {
      const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd: home });
      return { exitCode, out: stdout.replaceAll(home, ''), err: stderr.replaceAll(home, '') };
    },
    close: async () => {
      await status.close();
      await catalog.close();
      await database.close();
      await rm(home, { recursive: true });
    },
  };
}
