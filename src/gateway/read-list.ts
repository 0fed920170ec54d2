import { HttpProblem } from './http-problem.ts';

/** Entries in one request at most; a longer list is sent in parts. */
const maxEntries = 1000;

/**
 * Reads the list that the body of a request holds under a key.
 *
 * @param key in the plural, as messages name it: `events`
 * @throws HttpProblem 400 where there is none, 413 where it is too long
 */
export function readList(body: unknown, key: 'events' | 'signs'): readonly unknown[] {
  const found =
    typeof body === 'object' && body !== null ? Object.entries(body).find(([name]) => name === key) : undefined;
  const entries: unknown = found?.[1];
  if (!Array.isArray(entries)) {
    throw new HttpProblem({
      status: 400,
      code: 'bad-request',
      detail: `The body has no list '${key}': expected {"${key}": [...]}`,
    });
  }
  if (entries.length > maxEntries) {
    throw new HttpProblem({
      status: 413,
      code: `too-many-${key}`,
      detail: `The request holds ${entries.length} ${key}: expected ${maxEntries} at most, send the rest in another`,
    });
  }
  return entries;
}
