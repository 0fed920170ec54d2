import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { renderTables } from '../../scripts/house/render-tables.ts';

it('renders what every column means, and misses a meaning', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slurp-tables-'));
  await mkdir(join(root, 'sql'));
  await writeFile(
    join(root, 'sql/schema.sql'),
    `-- status

create table work (
  id integer default nextval('x'::regclass) not null,
  "time" timestamp without time zone,
  constraint work_pkey PRIMARY KEY (id)
);
`,
  );
  const columns = join(root, 'sql/columns.txt');
  await writeFile(columns, 'Said before.\n\n== status.work: a deed\nid: its number\ntime: when: at last\n');
  expect(renderTables(root)).toContain(
    '## `status`: `work`\n\nA row is a deed.\n\n| column | type | meaning |\n|---|---|---|\n' +
      '| `id` | integer | its number |\n| `time` | timestamp | when: at last |\n',
  );
  await writeFile(columns, '== status.work: a deed\nid: its number\n');
  expect(() => renderTables(root)).toThrow("'status.work' has the columns\n  id\nexpected were\n  id time");
  await writeFile(columns, '');
  expect(() => renderTables(root)).toThrow("sql/columns.txt has no 'status.work'");
  await rm(root, { recursive: true });
});
