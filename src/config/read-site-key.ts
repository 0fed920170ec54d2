import { createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';

import type { KeyObject } from 'node:crypto';

import type { Site } from '#model/site.ts';

/**
 * Reads the site's key from `STATE_DIRECTORY/site.key` (0600), and makes it at the first use; two at once end up with
 * the same key. The object prints as nothing, so it cannot slip into a log.
 *
 * @throws SiteError (`site-key-invalid`, `site-key-open`, `site-key-unreadable`)
 */
export async function readSiteKey(site: Pick<Site, 'stateDirectory'>): Promise<KeyObject> {
  const file = join(site.stateDirectory, 'site.key');
  try {
    const text = (await readKey(file)) ?? (await createKey(file));
    return createSecretKey(Buffer.from(text, 'hex'));
  } catch (error) {
    if (error instanceof SiteError) throw error;
    throw new SiteError(`Cannot read or create the site's key '${file}'`, {
      code: 'site-key-unreadable',
      cause: error,
      advice: 'The user who runs the site must be able to read and write its state directory',
    });
  }
}

/** The token of a submission: 64 hexadecimal digits, HMAC-SHA256 of its uuid (in lower case). A secret: never print it. */
export function tokenOf(key: KeyObject, submission: string): string {
  return createHmac('sha256', key).update(submission.toLowerCase()).digest('hex');
}

async function readKey(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (((await stat(file)).mode & 0o077) !== 0) {
    throw new SiteError(`The site's key '${file}' can be read by others: expected mode 0600`, {
      code: 'site-key-open',
      advice: `Run: chmod 600 '${file}'. If it may have been read, remove it: jobs in the queue then lose their tokens`,
    });
  }
  if (!/^[0-9a-f]{64}$/u.test(text)) {
    throw new SiteError(`The site's key '${file}' is damaged: expected 64 hexadecimal digits`, {
      code: 'site-key-invalid',
      advice: 'Restore it; if it is lost, remove it: jobs in the queue then lose their tokens',
    });
  }
  return text;
}

/** Writes the key aside and links it into place, which fails where another was faster: then that one is the key. */
async function createKey(file: string): Promise<string> {
  const text = randomBytes(32).toString('hex');
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
    await link(draft, file);
    return text;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const other = await readKey(file);
    if (other === undefined) throw error;
    return other;
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}
