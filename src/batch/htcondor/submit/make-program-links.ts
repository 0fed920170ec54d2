import { rm, stat, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';

import { createDirectory } from '#util/file/create-directory.ts';

import type { ProgramPlacer } from './place-program.ts';

/**
 * Makes the links by which the programs of rules are sent to jobs; one that is there already is made again.
 *
 * @throws Error if a program is missing; an error of the operating system
 */
export async function makeProgramLinks(links: ProgramPlacer['links']): Promise<void> {
  for (const [link, program] of links) {
    if ((await stat(program).catch(() => undefined)) === undefined)
      throw new Error(`The program '${program}' is missing`);
    await createDirectory(dirname(link), 0o700);
    await rm(link, { force: true });
    await symlink(program, link);
  }
}
