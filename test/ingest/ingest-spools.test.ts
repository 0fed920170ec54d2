import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openDatabase } from '#db/connect.ts';
import { ingestSpools, startSpoolWatch } from '#ingest/ingest-spools.ts';
import { waitUntil } from '#util/wait-until.ts';

import { makeWorld } from '../gateway/gateway-world.ts';
import { makeAttempts, readAttempt } from './attempts.ts';

import type { GatewayWorld } from '../gateway/gateway-world.ts';

let world: GatewayWorld;
let directory: string;
let id: number;

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(async () => {
  await world.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slurp-spool-'));
  const { ids } = await makeAttempts(world.status, 1);
  id = ids[0] ?? 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const spool = (cupsid: number): string =>
  [
    { v: 1, source: `spool of ${cupsid}`, cupsid, start: 0 },
    { v: 1, cupsid, start: 0, at: '2025-04-10T12:00:00.000Z', detail: { kind: 'started', node: 'n' } },
    { v: 1, cupsid, start: 0, at: '2025-04-10T12:00:01.000Z', detail: { kind: 'finished', exitCode: 0 } },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');

const inAnHour = (): Date => new Date(Date.now() + 3600_000);

describe('scanSpools', () => {
  it('ingests a whole spool and removes it', async () => {
    await writeFile(join(directory, `spool-${id}-0.jsonl`), spool(id));
    expect(await ingestSpools(world, directory)).toEqual({ taken: 1, refused: 0, left: 0 });
    expect(await readdir(directory)).toEqual([]);
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'finished' });
  });

  it('ingests what an earlier scan had claimed and not finished', async () => {
    await writeFile(join(directory, `spool-${id}-0.jsonl.taken-0b6b7c1e-3f4e-4a8b-9d3c-0123456789ab`), spool(id));
    expect(await ingestSpools(world, directory)).toEqual({ taken: 1, refused: 0, left: 0 });
    expect(await readdir(directory)).toEqual([]);
  });

  it('loses nothing of a spool that is replaced by a longer one while it is read', async () => {
    const path = join(directory, `spool-${id}-0.jsonl`);
    const [header, started] = spool(id).split('\n');
    await writeFile(path, `${header}\n${started}\n`);
    const scans = [ingestSpools(world, directory), ingestSpools(world, directory)];
    await writeFile(`${path}.tmp`, spool(id));
    await rename(`${path}.tmp`, path);
    await Promise.all(scans);
    await ingestSpools(world, directory);
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'finished' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('ingests the whole lines of a torn one, and keeps it until it cannot be written any more', async () => {
    const name = `spool-${id}-0.jsonl`;
    await writeFile(join(directory, name), spool(id).slice(0, -5));
    expect(await ingestSpools(world, directory)).toEqual({ taken: 0, refused: 0, left: 1 });
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'started' });
    expect(await ingestSpools(world, directory, inAnHour())).toEqual({ taken: 0, refused: 1, left: 0 });
    expect((await readdir(join(directory, 'refused'))).map((file) => file.startsWith(name))).toEqual([true]);
  });

  it('ingests a torn one again only when something was added', async () => {
    const file = join(directory, `spool-${id}-0.jsonl`);
    await writeFile(file, spool(id).slice(0, -5));
    const left = new Map<string, string>();
    await ingestSpools(world, directory, new Date(), left);
    const unasked = {
      ...world,
      get status(): never {
        throw new Error('The database was asked');
      },
    };
    expect(await ingestSpools(unasked, directory, new Date(), left)).toEqual({ taken: 0, refused: 0, left: 1 });
    await writeFile(file, spool(id));
    expect(await ingestSpools(world, directory, new Date(), left)).toEqual({ taken: 1, refused: 0, left: 0 });
    await ingestSpools(world, directory, new Date(), left);
    expect(left.size).toBe(0);
  });

  it('keeps a spool with lines that cannot be taken, beside the others', async () => {
    await writeFile(join(directory, `spool-${id}-0.jsonl`), `${spool(id)}garbage\n`);
    expect(await ingestSpools(world, directory)).toEqual({ taken: 0, refused: 1, left: 0 });
    expect(await readdir(directory)).toEqual(['refused']);
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'finished' });
  });

  it('refuses a spool that speaks for another attempt than its name says', async () => {
    await writeFile(join(directory, `spool-${id + 1}-0.jsonl`), spool(id));
    expect(await ingestSpools(world, directory)).toEqual({ taken: 0, refused: 1, left: 0 });
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'submitted' });
  });

  it('leaves other names, directories and links alone', async () => {
    await writeFile(join(directory, 'notes.txt'), spool(id));
    await writeFile(join(directory, `spool-${id}-0.jsonl.part`), spool(id));
    await mkdir(join(directory, `spool-${id}-1.jsonl`));
    await symlink(join(directory, 'notes.txt'), join(directory, `spool-${id}-2.jsonl`));
    expect(await ingestSpools(world, directory, inAnHour())).toEqual({ taken: 0, refused: 0, left: 2 });
    expect(await readdir(directory)).toHaveLength(4);
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'submitted' });
  });

  it('finds nothing where the directory does not exist yet', async () => {
    expect(await ingestSpools(world, join(directory, 'none'))).toEqual({ taken: 0, refused: 0, left: 0 });
  });

  it('loses nothing while the database is away', async () => {
    const role = { ...world.status.role, url: 'postgresql:///nowhere?host=/nonexistent&user=slurp' };
    const status = openDatabase(role, { applicationName: 'test', connectAttempts: 1 });
    await writeFile(join(directory, `spool-${id}-0.jsonl`), spool(id));
    await expect(ingestSpools({ ...world, status }, directory)).rejects.toMatchObject({ code: 'database-away' });
    expect(await readdir(directory)).toHaveLength(1);
    await status.close();
  });
});

describe('startSpoolWatch', () => {
  it('ingests spools as they arrive', async () => {
    const watch = startSpoolWatch({ site: { spoolDirectory: directory }, resources: world, everyMs: 20 });
    await writeFile(join(directory, `spool-${id}-0.jsonl`), spool(id));
    const isTaken = async (): Promise<true | undefined> => ((await readdir(directory)).length === 0 ? true : undefined);
    expect(await waitUntil(isTaken, { timeoutMs: 25_000 })).toBe(true);
    await watch.stop();
    expect(await readAttempt(world.status, id)).toMatchObject({ status: 'finished' });
  });
});
