import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readSiteKey, tokenOf } from '#config/read-site-key.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'slurp-key-'));
});
afterEach(async () => {
  await rm(stateDirectory, { recursive: true });
});

const submission = '0b6b7c1e-3f4e-4a8b-9d3c-0123456789ab';

describe('the site key', () => {
  it('is made once, for its owner alone, also by many at the same moment', async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => readSiteKey({ stateDirectory })));
    expect(new Set(keys.map((key) => tokenOf(key, submission))).size).toBe(1);
    expect(await readdir(stateDirectory)).toEqual(['site.key']);
    expect((await stat(join(stateDirectory, 'site.key'))).mode & 0o777).toBe(0o600);
    const again = await readSiteKey({ stateDirectory });
    expect(tokenOf(again, submission)).toMatch(/^[0-9a-f]{64}$/u);
    expect(tokenOf(again, submission.toUpperCase())).toBe(tokenOf(again, submission));
  });

  it('does not show itself', async () => {
    const key = await readSiteKey({ stateDirectory });
    const text = (await readFile(join(stateDirectory, 'site.key'), 'utf8')).trim();
    expect(`${JSON.stringify({ key })} ${inspect(key, { depth: 9, showHidden: true })}`).not.toContain(text);
  });

  it('is refused where others can read it, and where it is damaged', async () => {
    const file = join(stateDirectory, 'site.key');
    await writeFile(file, 'invalid', { mode: 0o600 });
    await expect(readSiteKey({ stateDirectory })).rejects.toMatchObject({ code: 'site-key-invalid' });
    await chmod(file, 0o644);
    await expect(readSiteKey({ stateDirectory })).rejects.toMatchObject({ code: 'site-key-open' });
    await expect(readSiteKey({ stateDirectory: '/nonexistent' })).rejects.toMatchObject({
      code: 'site-key-unreadable',
    });
  });
});
