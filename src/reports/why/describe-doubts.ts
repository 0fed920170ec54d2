import { countOf } from '#util/count-of.ts';

import type { RowDoubts } from '#model/report/why.ts';

const atMost = 5;

function shortenList<T>(items: readonly T[], describe: (item: T) => string): readonly string[] {
  const rest = items.length - atMost;
  const lines = items.slice(0, atMost).map((item) => `  ${describe(item)}`);
  return rest > 0 ? [...lines, `  and ${rest.toLocaleString('en-US')} more`] : lines;
}

/** Reports what is wrong with a row beside its verdict, and what to do; empty where nothing is. */
export function describeDoubts({ isUnregistered, newer, gone, unknown }: RowDoubts): readonly string[] {
  return [
    ...(isUnregistered ? ['its product is not in the catalog: check its log and its stage-outs'] : []),
    ...(newer.length === 0
      ? []
      : [
          `${countOf(newer.length, 'input')} registered after it was made:`,
          ...shortenList(newer, ({ path, registeredAt }) => `${path} (${registeredAt.toISOString().slice(0, 19)}Z)`),
        ]),
    ...(gone.length === 0
      ? []
      : [`${countOf(gone.length, 'input')} missing on disk:`, ...shortenList(gone, (path) => path)]),
    ...shortenList(unknown, ({ directory, reason }) => `'${directory}': ${reason}`).map((line, index) =>
      index === 0 ? `inputs unknown: ${line.trim()}` : line,
    ),
  ];
}
