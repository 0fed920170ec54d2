import type { SourceTree } from './source-tree.ts';

interface Offence {
  readonly pattern: RegExp;
  /** A line that matches this too is accepted. */
  readonly unless?: RegExp;
  readonly message: string;
}

const issueNumber = /#\d+/u;

const offences: readonly Offence[] = [
  { pattern: /(?:\/\/|\/?\*|#)\s*(?:TODO|FIXME|XXX)\b/u, unless: issueNumber, message: 'Has no issue number (C4)' },
  {
    pattern: /\b(?:it|test|describe)\.(?:skip|todo)\b/u,
    unless: issueNumber,
    message: 'Leaves out a test without an issue number (T13)',
  },
  { pattern: /^\s*\/\/.*[;{]\s*$/u, message: 'Looks like code that is commented out (C4)' },
  { pattern: /^\s*\/\/\s*[-=*#~]{4,}/u, message: 'Is a banner (C4)' },
];

/** C4, T13: no forgotten work, no commented-out code, no banners, no test left out without an issue number. */
export function checkComments(tree: SourceTree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.endsWith('.ts') && !path.startsWith('test/house/'))
    .flatMap(([path, text]) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          offences
            .filter(({ pattern, unless }) => pattern.test(line) && unless?.test(line) !== true)
            .map(({ message }) => `${path}:${index + 1}: ${message}: '${line.trim()}'`),
        ),
    );
}
