import { copyFile, readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { describeError } from '#util/describe-error.ts';

async function failureOf(action: Promise<unknown>): Promise<unknown> {
  return action.then(
    () => undefined,
    (error: unknown) => error,
  );
}

it('names the path of what the operating system refused', async () => {
  const error = await failureOf(readFile('/nowhere/file'));
  expect(describeError(error)).toBe("no such file or directory: '/nowhere/file'");
});

it('leaves out a path that was said already', async () => {
  const error = await failureOf(readFile('/nowhere/file'));
  expect(describeError(error, "Cannot read '/nowhere/file'")).toBe('no such file or directory');
});

it('names both ends of a copy', async () => {
  const error = await failureOf(copyFile('/nowhere/a', '/nowhere/b'));
  expect(describeError(error)).toBe("no such file or directory: '/nowhere/a' to '/nowhere/b'");
  expect(describeError(error, '/nowhere/a')).toBe("no such file or directory: '/nowhere/b'");
});

const systemError = (message: string, code: string): Error => Object.assign(new Error(message), { code, errno: -1 });

it.each([
  ['ELOOP: too many symbolic links encountered, open', 'ELOOP', 'too many symbolic links encountered'],
  ['Unknown system error -122: Unknown system error -122, write', 'EDQUOT', 'disk quota exceeded'],
  ['connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'],
])('says %j in words', (message, code, words) => {
  expect(describeError(systemError(message, code))).toBe(words);
});

it('keeps what other errors say', () => {
  expect(describeError(new Error('The site is not there'))).toBe('The site is not there');
  expect(describeError('a word')).toBe('a word');
});
