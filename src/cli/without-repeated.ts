/**
 * Takes an option with several values off a command line wherever it is given again later, with those values: the
 * last one holds, as with every other option, and as Python's argparse had it for years of scripts.
 *
 * @param argv arguments of the command, options in full; those after `--` stay as they are
 * @param manyValued all spellings of each option that takes what follows up to the next option
 */
export function withoutRepeated(
  argv: readonly string[],
  manyValued: readonly (readonly string[])[],
): readonly string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const dropped = new Set<number>();
  for (const spellings of manyValued) {
    const isGiven = (word: string): boolean =>
      spellings.some((name) => word === name || word.startsWith(name.startsWith('--') ? `${name}=` : name));
    const places = argv.flatMap((word, index) => (index < end && isGiven(word) ? [index] : []));
    for (const place of places.slice(0, -1)) {
      dropped.add(place);
      if (!spellings.includes(argv[place] ?? '')) continue;
      for (let next = place + 1; next < end && argv[next]?.startsWith('-') === false; next += 1) dropped.add(next);
    }
  }
  return argv.filter((_, index) => !dropped.has(index));
}
