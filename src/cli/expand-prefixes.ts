import { UsageError } from '#model/errors.ts';

/**
 * Completes long options given by an unambiguous beginning (`--no-sub` → `--no-submit`), as operators are used to.
 *
 * @param argv arguments of the command; those after `--` stay as they are
 * @param knownOptions long options with their dashes, e.g. `--runs`
 * @returns same length and order; what begins no known option is left for the option parser to complain about
 * @throws UsageError for a beginning of several options
 */
export function expandPrefixes(argv: readonly string[], knownOptions: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, index) => {
    if (!argument.startsWith('--') || argument === '--' || (end !== -1 && index > end)) return argument;
    const equals = argument.indexOf('=');
    const name = equals === -1 ? argument : argument.slice(0, equals);
    const rest = equals === -1 ? '' : argument.slice(equals);
    if (knownOptions.includes(name)) return argument;
    const matches = [...new Set(knownOptions.filter((option) => option.startsWith(name)))];
    if (matches.length > 1) {
      throw new UsageError(
        `Ambiguous option '${name}': it may mean ${matches.map((match) => `'${match}'`).join(', ')}`,
        {
          code: 'usage-ambiguous-option',
          advice: 'Write more of the option',
        },
      );
    }
    return matches[0] === undefined ? argument : matches[0] + rest;
  });
}
