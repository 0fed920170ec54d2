import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { createDirectoryNow } from '#util/create-directory-now.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'make-directory-now-'));
});
afterAll(() => rmSync(home, { recursive: true }));

test('makes all levels, with their mode, and again', () => {
  const deep = join(home, 'a/b/c');
  createDirectoryNow(deep, 0o700);
  createDirectoryNow(deep, 0o700);
  expect(readdirSync(join(home, 'a/b'))).toEqual(['c']);
  expect(statSync(join(home, 'a')).mode & 0o777).toBe(0o700);
});

test('ends with an error where nothing can be made, below a file, and below /proc', () => {
  writeFileSync(join(home, 'file'), '');
  expect(() => createDirectoryNow(join(home, 'file'))).toThrow('EEXIST');
  expect(() => createDirectoryNow(join(home, 'file/below'))).toThrow(/EEXIST|ENOTDIR/);
  expect(() => createDirectoryNow('/proc/there-is-none/below')).toThrow('ENOENT');
});
