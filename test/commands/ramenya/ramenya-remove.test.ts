import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { putFiles } from '#db/catalog/put-files.ts';
import { sql } from '#db/connect.ts';

import { putAttempts } from '../../reports/query/query-world.ts';
import { openRamenyaWorld } from './ramenya-world.ts';

import type { RamenyaWorld } from './ramenya-world.ts';

const timeoutMs = 120_000;
const dstname = 'DST_TEST_run2pp_ana437_2024p007_v001';
const dstfile = `${dstname}-00000101-00000`;
let world: RamenyaWorld;
let path: string;
let cupsid: number;

beforeAll(async () => {
  world = await openRamenyaWorld();
  path = join(world.home, `${dstfile}.root`);
}, timeoutMs);
afterAll(() => world.close());
beforeEach(async () => {
  await world.status.execute(sql`delete from ${sql.table(world.status.role, 'production_status')}`);
  const { ids } = await putAttempts(world.status, [{ run: 101, status: 'finished' }]);
  cupsid = ids[0] ?? 0;
  await writeFile(path, 'x'.repeat(1500));
  const about = { lfn: `${dstfile}.root`, path, host: 'lustre', md5: 'x', sizeBytes: 1500, run: 101, segment: 0 };
  await putFiles(world.catalog, [{ ...about, dataset: 'ana437_2024p007_v001', dsttype: 'DST_TEST_run2pp', events: 1 }]);
});

const shown = (): string => `1 product of '${dstname}', run 101:
  ${dstfile}
    attempt  cupsid ${cupsid}, finished
    file     /${dstfile}.root (1.5 kB)
    catalog  1 row of files, 1 row of datasets
Total: 1 file (1.5 kB), 1 row of files, 1 row of datasets, 1 attempt
`;

describe('ramenya remove', () => {
  it(
    'shows what it would remove, and changes nothing with --dry-run or without an answer (C-Q9)',
    async () => {
      expect(await world.ramenya('remove', dstname, '101', '--dry-run')).toEqual({
        exitCode: 0,
        out: shown(),
        err: '',
      });
      expect(await world.ramenya('remove', dstname, '101')).toEqual({
        ...{ exitCode: 2, out: shown() },
        err: "ramenya: Nothing was removed: there is no terminal to confirm on\n  Add '--yes' to remove 1 product\n",
      });
      const json = await world.ramenya('remove', dstname, '101', '--dry-run', '--json');
      expect(JSON.parse(json.out)).toMatchObject({
        ...{ dstname, run: 101, isDryRun: true, refusals: [] },
        products: [{ dstfile, attempt: { cupsid, state: 'finished' }, files: [{ isThere: true, sizeBytes: 1500 }] }],
      });
      expect(existsSync(path)).toBe(true);
    },
    timeoutMs,
  );

  it(
    'removes files, rows and the attempt with --yes, and says so; a second call finds nothing',
    async () => {
      expect(await world.ramenya('remove', dstname, '101', '--segment', '0', '--yes', '--note', 'bad')).toEqual({
        ...{ exitCode: 0, err: '' },
        out: `${shown()}Removed 1 product: 1 file (1.5 kB), 1 row of files, 1 row of datasets; 1 attempt retired\n`,
      });
      expect(existsSync(path)).toBe(false);
      const rows = await world.status.query(sql`
        select retired_reason as reason, retired_at is null as "isLive" from
          ${sql.table(world.status.role, 'production_status')}`);
      expect(rows).toEqual([{ reason: "removed by 'ramenya remove': bad", isLive: false }]);
      expect(await world.ramenya('remove', dstname, '101', '--yes')).toEqual({
        ...{ exitCode: 0, err: '' },
        out: `Nothing to remove for '${dstname}', run 101\n`,
      });
    },
    timeoutMs,
  );

  it(
    'refuses if a product cannot be removed, with exit code 3, and with --dry-run only shows it',
    async () => {
      await writeFile(path, 'changed');
      const refusal = `'/${dstfile}.root' has 7 bytes, but 1500 in the catalog: it may be another file`;
      const refused = await world.ramenya('remove', dstname, '101', '--yes');
      expect(refused).toEqual({
        exitCode: 3,
        out: shown(),
        err: `ramenya: Nothing was removed: not all of it can be removed\n  ${refusal}\n`,
      });
      const dry = await world.ramenya('remove', dstname, '101', '--dry-run');
      expect(dry).toEqual({ exitCode: 0, out: `${shown()}Cannot be removed:\n  ${refusal}\n`, err: '' });
      expect(existsSync(path)).toBe(true);
    },
    timeoutMs,
  );

  it.each([
    ['DST_TEST_run2pp', "No build and tag at the end of 'DST_TEST_run2pp'"],
    ['DST_TEST_run2pp_%', "No build and tag at the end of 'DST_TEST_run2pp_%'"],
    ["DST'; drop table files; --", 'No build and tag at the end of'],
  ])('refuses %j, which is not a whole name', async (name, reason) => {
    const { exitCode, out, err } = await world.ramenya('remove', name, '101', '--yes');
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(reason);
  });

  it('refuses a run that no column holds', async () => {
    const { exitCode, err } = await world.ramenya('remove', dstname, '99999999999');
    expect([exitCode, err]).toEqual([2, expect.stringContaining('is too large: expected at most 2147483647')]);
  });
});
