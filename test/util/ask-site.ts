import { findSite } from '#config/find-site.ts';
import { runScript } from '#db/run-script.ts';

import type { RoleName } from '#model/site.ts';

/** What {@link askSite} asks, of which database. */
interface SiteQuestion {
  /** The site that was made in this directory, or the site file. */
  readonly site: string;
  readonly role: RoleName;
  /** One statement or several, as for `slurp db sql`. */
  readonly text: string;
  /** Whether it may change something; false by default. */
  readonly isWriting?: boolean;
}

/**
 * Asks a database of a site what `slurp db sql` would show, in this process: a test that waits asks again and again, and a
 * command for each look takes as much CPU as a job.
 *
 * @returns the rows of the last statement, texts as the server prints them; null is the empty text
 * @throws SiteError if there is no such site. DatabaseError; then nothing has changed
 */
export async function askSite(question: SiteQuestion): Promise<readonly (readonly string[])[]> {
  const { site, role, text, isWriting = false } = question;
  const { roles } = await findSite({ site });
  const results = await runScript(roles[role], text, { isWriting });
  return (results.at(-1)?.rows ?? []).map((row) => row.map((value) => value ?? ''));
}
