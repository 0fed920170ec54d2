import { expect, test } from 'vitest';

import { isShellPattern, makeShellMatcher } from '#dispatch/payload/survey/make-shell-matcher.ts';
import { runCommand } from '#util/run-command.ts';

const names = [
  'a',
  'b',
  'ab',
  'a.C',
  'A1',
  'a-b',
  'a[b',
  'a*',
  'x]',
  '.hidden',
  '~',
  '^',
  'a+b',
  'a\\b',
  'é',
  '🙂',
  '$x',
];

test.each([
  ...['*', '?', 'a*', '*.C', '[ab]', '[!a]*', '[^a]*', '[a-b]*', '[]x]]', '[[:digit:]]*', '?[[:digit:]]', '.*'],
  ...[
    'a[[]b',
    String.raw`a\*`,
    String.raw`\.h*`,
    '[a',
    'a[b',
    '*[*]',
    '[+~^]',
    '??',
    '[-a]*',
    String.raw`[\]x]*`,
    '*+*',
  ],
])('reads the pattern %s as the shell does', async (pattern) => {
  const script = 'shopt -s extglob; shopt -u extglob; for name; do case $name in ($pattern) echo "$name";; esac; done';
  // A 'case' also matches names that begin with a dot, which the expansion of file names leaves out.
  const { stdout } = await runCommand('bash', ['-c', script, 'sh', ...names], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', pattern },
  });
  const expected = stdout
    .trim()
    .split('\n')
    .filter((name) => name !== '');
  const isHidden = /^\\?\./u.test(pattern);
  expect(names.filter(makeShellMatcher(pattern))).toEqual(expected.filter((name) => isHidden || !name.startsWith('.')));
});

test('treats a name as a pattern only where a shell does', () => {
  expect(['a', 'a b', '$x', '~', '{a,b}', '[]', '[', String.raw`\*`].filter(isShellPattern)).toEqual([]);
  expect(['*', 'a?', '[a]', String.raw`\\*`].every(isShellPattern)).toBe(true);
});
