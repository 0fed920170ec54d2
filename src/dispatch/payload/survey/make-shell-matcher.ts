const classes: Readonly<Record<string, string>> = {
  ...{ alnum: 'A-Za-z0-9', alpha: 'A-Za-z', digit: '0-9', lower: 'a-z', upper: 'A-Z', space: String.raw`\s` },
  ...{ blank: String.raw` \t`, punct: String.raw`!-/:-@[-\x60{-~`, xdigit: '0-9A-Fa-f', word: String.raw`\w` },
};

/** Returns whether a shell would expand a name: it holds `*`, `?` or `[…]`, and not behind a backslash. */
export function isShellPattern(name: string): boolean {
  return /[*?]|\[[^\]]+\]/u.test(name.replaceAll(/\\./gu, ''));
}

/** Takes the backslashes out of a name that is not a pattern. */
export function withoutBackslashes(name: string): string {
  return name.replaceAll(/\\(.)/gu, '$1');
}

/**
 * Makes the test whether a shell's pattern for one name in a directory matches: `*`, `?`, `[a-z]`, `[!a]`,
 * `[[:digit:]]`, `\x`. A name that begins with a dot is matched only by a pattern that does.
 *
 * @see bash(1), "Pattern Matching", without its options
 */
export function makeShellMatcher(pattern: string): (name: string) => boolean {
  const regex = new RegExp(`^(?:${toRegex(pattern)})$`, 'su');
  const canBeHidden = /^\\?\./u.test(pattern);
  return (name) => (canBeHidden || !name.startsWith('.')) && regex.test(name);
}

function toRegex(pattern: string): string {
  const pieces = pattern.matchAll(
    /\\(?<escaped>.)|\[(?<not>[!^]?)(?<set>\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]|(?<other>.)/gsu,
  );
  let regex = '';
  for (const { groups } of pieces) {
    const { escaped, not = '', set, other = '' } = groups ?? {};
    if (escaped !== undefined) regex += escapeLiteral(escaped);
    else if (set !== undefined && set !== '') regex += `[${not === '' ? '' : '^'}${toSet(set)}]`;
    else if (set !== undefined) regex += escapeLiteral(`[${not}]`);
    else regex += other === '*' ? '.*' : other === '?' ? '.' : escapeLiteral(other);
  }
  return regex;
}

function toSet(set: string): string {
  return set.replaceAll(/\[:(\w+):\]|\\(.)|[\\\]^]/gsu, (text: string, name?: string, escaped?: string) => {
    if (name !== undefined) return classes[name] ?? '';
    return (escaped ?? text).replace(/[-\\\]^]/u, String.raw`\$&`);
  });
}

function escapeLiteral(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
}
