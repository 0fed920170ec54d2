import { createHash } from 'node:crypto';

import * as z from 'zod';

import { present } from '#util/present.ts';

import type { PayloadFile } from '#model/payload.ts';

/** What a snapshot holds, and its name. */
export interface Manifest {
  /** Of the text: 40 hexadecimal digits of its SHA-256. The same content has the same hash, wherever it came from. */
  readonly hash: string;
  /** A line of JSON for each file, behind a line that says what it is. */
  readonly text: string;
  /** In order of paths. */
  readonly files: readonly PayloadFile[];
  readonly sizeBytes: number;
  /** How often paths go up (`../..`: 2) from the directory that jobs stage from. */
  readonly depth: number;
}

const version = 'slurp-payload 1';

const line = z.tuple([
  z.string(),
  z.enum(['file', 'program', 'link', 'directory', 'in-place']),
  z.string(),
  z.int(),
  z.string().optional(),
]);

/** Makes the manifest of files, whose paths are unique. */
export function makeManifest(files: readonly PayloadFile[]): Manifest {
  const lines = files.map(({ path, kind, sha256, sizeBytes, target }) =>
    JSON.stringify([path, kind, sha256, sizeBytes, ...(target === undefined ? [] : [target])]),
  );
  const text = `${[version, ...lines].join('\n')}\n`;
  return {
    hash: createHash('sha256').update(text).digest('hex').slice(0, 40),
    text,
    files,
    sizeBytes: files.reduce((total, { sizeBytes, kind }) => total + (kind === 'in-place' ? 0 : sizeBytes), 0),
    depth: Math.max(0, ...files.map(({ path }) => /^(?:\.\.\/)*/u.exec(path)?.[0].length ?? 0)) / 3,
  };
}

/** Reads a manifest back; undefined where it is not one. */
export function parseManifest(text: string): Manifest | undefined {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== version) return undefined;
  try {
    const files = lines.map((one): PayloadFile => {
      const [path, kind, sha256, sizeBytes, target] = line.parse(JSON.parse(one));
      return { path, kind, sha256, sizeBytes, ...present({ target }) };
    });
    return makeManifest(files);
  } catch {
    return undefined;
  }
}
