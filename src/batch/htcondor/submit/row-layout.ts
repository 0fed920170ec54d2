import { assertPresent } from '#util/assert-present.ts';

import { decodeField, encodeField } from './encode-field.ts';
import { joinText, makeWiderPattern, patternOf, splitText } from './text-pattern.ts';

import type { TextPattern } from './text-pattern.ts';

/** One job, as the layout of rows sees it. */
export interface Row {
  readonly cupsid: number;
  /** Submit commands; of two jobs, they may have different keys. */
  readonly commands: ReadonlyMap<string, string>;
}

/** What of the commands of jobs stands in rows, and how. */
export interface RowLayout {
  /** Submit commands for all jobs, in order: what differs is a variable in them. */
  readonly commands: ReadonlyMap<string, string>;
  /** Names of the variables of a row, in order; the first is the cupsid's. */
  readonly variables: readonly string[];
  /** One row without its line break; undefined for a job that differs in something else from those before it. */
  encode(row: Row): string | undefined;
  /** The job of a row that this layout made. */
  decode(line: string): Row;
}

/** Compares the jobs of a submission and finds what differs between them: only that is written for each job. */
export interface LayoutLearner {
  /** Takes one more job into account. @throws Error if a command is there for some jobs only that has to be for all */
  learn(row: Row): void;
  /** For all jobs learned from, and all that an earlier layout of this learner could encode, as far as is known. */
  make(): RowLayout;
}

/** Commands for which nothing at all has a spelling of its own; else a job would get what the first one has. */
const emptySpellings: Readonly<Record<string, string>> = {
  arguments: '""',
  environment: '""',
  transfer_input_files: '""',
  transfer_output_files: '""',
  transfer_output_remaps: '""',
  // HTCondor's default (JOB_DEFAULT_REQUESTDISK).
  request_disk: 'DiskUsage',
  requirements: 'true',
};

/** What a job has for a command, also if that is nothing. */
function formatCommand(key: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  const spelling = key.startsWith('+') ? 'undefined' : emptySpellings[key];
  if (spelling !== undefined) return spelling;
  throw new Error(`The submit command '${key}' is set for some of the jobs only: set it for all jobs in the rule`);
}

/** Makes a {@link LayoutLearner}; it keeps what it learned from. */
export function makeLayoutLearner(): LayoutLearner {
  const sample: Row[] = [];
  const patterns = new Map<string, TextPattern>();
  const learn = (row: Row): void => {
    const first = sample[0];
    for (const key of row.commands.keys()) {
      if (!patterns.has(key)) patterns.set(key, patternOf(formatCommand(key, (first ?? row).commands.get(key))));
    }
    for (const [key, pattern] of patterns) {
      const value = formatCommand(key, row.commands.get(key));
      if (splitText(pattern, value) === undefined) patterns.set(key, makeWiderPattern(pattern, value));
    }
    sample.push(row);
  };
  return { learn, make: () => makeLayout(sample, [...patterns]) };
}

function makeLayout(sample: readonly Row[], patterns: readonly (readonly [string, TextPattern])[]): RowLayout {
  const constants = patterns
    .filter(([, { pieces }]) => pieces.length === 1)
    .map(
      ([
        key,
        {
          pieces: [text = ''],
        },
      ]) => ({ key, text }),
    );
  const columns = patterns.filter(([, { pieces }]) => pieces.length > 1).map(([key, pattern]) => ({ key, pattern }));
  const { fieldsOf, count } = makeFields(sample, columns);
  const variables = Array.from({ length: count }, (_, field) => fieldNameOf(field));
  const commands = new Map([
    ...constants.map(({ key, text }) => [key, text] as const),
    ...columns.map(({ key, pattern }, column) => {
      const names = assertPresent(fieldsOf[column], 'a column').map(
        (field) => `$(${assertPresent(variables[field], 'a variable')})`,
      );
      return [key, joinText(pattern, names)] as const;
    }),
  ]);
  const isKnown = new Set(patterns.map(([key]) => key));

  const encode = ({ cupsid, commands: own }: Row): string | undefined => {
    for (const { key, text } of constants)
      if (own.get(key) !== text && formatCommand(key, own.get(key)) !== text) return undefined;
    for (const key of own.keys()) if (!isKnown.has(key)) return undefined;
    const fields: (string | undefined)[] = [String(cupsid)];
    for (let column = 0; column < columns.length; column += 1) {
      const known = columns[column];
      if (known === undefined) break;
      const parts = splitText(known.pattern, formatCommand(known.key, own.get(known.key)));
      if (parts === undefined) return undefined;
      const places = assertPresent(fieldsOf[column], 'a column');
      for (let part = 0; part < parts.length; part += 1) {
        const place = assertPresent(places[part], 'a field');
        if (fields[place] === undefined) fields[place] = parts[part];
        else if (fields[place] !== parts[part]) return undefined;
      }
    }
    return fields.map((field) => encodeField(assertPresent(field, 'a field'))).join(',');
  };

  const decode = (line: string): Row => {
    const fields = line.split(',').map((field) => decodeField(field));
    const own = new Map<string, string>(constants.map(({ key, text }) => [key, text]));
    columns.forEach(({ key, pattern }, column) => {
      own.set(
        key,
        joinText(
          pattern,
          assertPresent(fieldsOf[column], 'a column').map((field) => assertPresent(fields[field], 'a field')),
        ),
      );
    });
    return { cupsid: Number(fields[0]), commands: own };
  };
  return { commands, variables, encode, decode };
}

/** Gives a field to everything that differs; what is the same within each job of the sample shares one. */
function makeFields(
  sample: readonly Row[],
  columns: readonly { readonly key: string; readonly pattern: TextPattern }[],
) {
  const seen = new Map<string, number>([[sample.map(({ cupsid }) => cupsid).join('\n'), 0]]);
  const fieldsOf = columns.map(({ key, pattern }) => {
    const parts = sample.map(({ commands }) =>
      assertPresent(splitText(pattern, formatCommand(key, commands.get(key))), 'a row that fits its pattern'),
    );
    return pattern.pieces.slice(1).map((_, part) => {
      const values = parts.map((one) => assertPresent(one[part], 'a part')).join('\n');
      const field = seen.get(values) ?? seen.size;
      seen.set(values, field);
      return field;
    });
  });
  return { fieldsOf, count: seen.size };
}

/** condor_submit of 23.9 takes no variable in whose name a digit follows an underscore. */
function fieldNameOf(field: number): string {
  if (field === 0) return 'slurp_cupsid';
  const letter = 'abcdefghijklmnopqrstuvwxyz'.charAt((field - 1) % 26);
  return `slurp_${letter.repeat(1 + Math.floor((field - 1) / 26))}`;
}
