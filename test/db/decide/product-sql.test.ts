import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { dstfileSql, likePrefixOf, makeProductNames } from '#db/decide/product-sql.ts';
import { formatDstname } from '#model/dst-name.ts';

import { openTestStatus } from '../test-database.ts';
import { fillStream, printDstfile } from './naive-names.ts';

import type { Database } from '#db/connect.ts';

import type { TestStatus } from '../test-database.ts';

let opened: TestStatus;
let database: Database;

beforeAll(async () => {
  opened = await openTestStatus(1);
  database = opened.status;
});

afterAll(() => opened.close());

const int = fc.oneof(
  fc.integer({ min: 0, max: 99_999 }),
  fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
  fc.constantFrom(
    0,
    -1,
    99_999,
    100_000,
    99_999_999,
    100_000_000,
    -9_999_999,
    -10_000_000,
    2_147_483_647,
    -2_147_483_648,
  ),
);

it('makes the same dstfile in the server as printf of C would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          int,
          int,
          fc.string({ minLength: 1 }).filter((text) => !text.includes('\0')),
        ),
        {
          minLength: 100,
          maxLength: 100,
        },
      ),
      fc.constantFrom('DST_X_run2pp', 'DST_$(streamname)_run2pp_$(streamname)', "it's_%s"),
      fc.option(fc.nat(1200), { nil: undefined }),
      async (cases, dsttype, version) => {
        const parts = { dsttype, build: 'ana437', tag: '2024p007', ...(version === undefined ? {} : { version }) };
        const names = makeProductNames(parts);
        const row = { run: sql`c.run`, segment: sql`c.segment`, streamname: sql`c.stream` };
        const rows = await database.query<{ dstfile: string; fits: boolean }>(
          sql`select dstfile, dstfile like ${likePrefixOf(names.dstname)} as fits
            from (select ${dstfileSql(sql`${names.dstname}::text`, row, names.isStreamed)} as dstfile
              from rows from (unnest(${cases.map(([run]) => run)}::int[]),
                unnest(${cases.map(([, segment]) => segment)}::int[]), unnest(${cases.map(([, , stream]) => stream)}::text[]))
                as c(run, segment, stream)) d`,
        );
        expect(rows).toEqual(
          cases.map(([run, segment, stream]) => ({
            dstfile: printDstfile(formatDstname({ ...parts, dsttype: fillStream(dsttype, stream) }), run, segment),
            fits: true,
          })),
        );
      },
    ),
    { numRuns: 30 },
  );
});
