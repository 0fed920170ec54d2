import { closeLine, fieldMacros } from './encode-field.ts';

/** What a submit description says. */
export interface DescriptionInput {
  readonly uuid: string;
  readonly count: number;
  /** Submit commands that are the same for all jobs; finished, in the order of the description. */
  readonly constants: ReadonlyMap<string, string>;
  /** Submit commands whose values stand in the item rows, in the order of their columns, which follow the cupsid's. */
  readonly columns: readonly string[];
  /** Absolute path of the item rows, one a job in process order. */
  readonly itemsFile: string;
  /** Absent: all jobs are made at once. */
  readonly factory?: { readonly maxMaterialize?: number; readonly maxIdle?: number };
}

/** Commands that ask for a job factory. */
export const factoryCommands: readonly string[] = ['max_materialize', 'max_idle'];

/** Renders the submit description of a submission. */
export function renderDescription(input: DescriptionInput): string {
  const { uuid, count, constants, columns, itemsFile, factory } = input;
  const variables = columns.map((key, index) => ({
    key,
    name: nameColumn(key, index),
  }));
  const lines = [
    `# Submission ${uuid}, ${count} ${count === 1 ? 'job' : 'jobs'}; written by SLURP`,
    ...fieldMacros,
    ...[...constants]
      .filter(([key]) => !factoryCommands.includes(key))
      .map(([key, value]) => `${key} = ${closeLine(value)}`),
    ...variables.map(({ key, name }) => `${key} = $(${name})`),
    ...(factory?.maxMaterialize === undefined ? [] : [`max_materialize = ${factory.maxMaterialize}`]),
    ...(factory?.maxIdle === undefined ? [] : [`max_idle = ${factory.maxIdle}`]),
    `queue ${['slurp_cupsid', ...variables.map(({ name }) => name)].join(',')} from ${itemsFile}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** condor_submit of 23.9 takes no variable in whose name a digit follows an underscore. */
function nameColumn(key: string, index: number): string {
  if (key === 'arguments') return 'slurp_arguments';
  const letter = 'abcdefghijklmnopqrstuvwxyz'.charAt(index % 26);
  return `slurp_${letter.repeat(1 + Math.floor(index / 26))}`;
}
