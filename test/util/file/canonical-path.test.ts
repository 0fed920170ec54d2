import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { canonicalPathOf } from '#util/file/canonical-path.ts';

it('is the same for every way to a directory, also for what is not there yet', () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'canonical-')));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'real'));
  symlinkSync('real', join(directory, 'link'));
  expect(canonicalPathOf(join(directory, 'link'))).toBe(join(directory, 'real'));
  expect(canonicalPathOf(join(directory, 'link', 'to', 'come'))).toBe(join(directory, 'real', 'to', 'come'));
  expect(canonicalPathOf('/')).toBe('/');
});
