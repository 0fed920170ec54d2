import { stat } from 'node:fs/promises';

import { codeOf } from '#util/code-of.ts';

const linksAtOnce = 16;

/** Finds the symbolic links among these paths that lead nowhere; what cannot be looked at is not among them. */
export async function findDangling(links: readonly string[]): Promise<readonly string[]> {
  const dangling: string[] = [];
  const waiting = links.values();
  const look = async (): Promise<void> => {
    for (const link of waiting) {
      await stat(link).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') dangling.push(link);
      });
    }
  };
  await Promise.all(Array.from({ length: linksAtOnce }, look));
  return dangling.toSorted();
}
