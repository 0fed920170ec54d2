import { closeLine, fieldMacros } from './encode-field.ts';

/** The parts of a submit description: one submission, whose jobs differ only in the variables of their item rows. */
export interface DescriptionInput {
  readonly uuid: string;
  readonly count: number;
  /** Submit commands in the order of the description; what differs between jobs is a variable in them. */
  readonly commands: ReadonlyMap<string, string>;
  /** Names of what stands in each item row, in order. */
  readonly variables: readonly string[];
  /** Absolute path of the item rows, one a job in process order. */
  readonly itemsFile: string;
  /** Absent: all jobs are made at once. */
  readonly factory?: { readonly maxMaterialize?: number; readonly maxIdle?: number };
}

/** Commands that ask for a job factory. */
export const factoryCommands: readonly string[] = ['max_materialize', 'max_idle'];

/** Renders the submit description of a submission. */
export function renderDescription(input: DescriptionInput): string {
  const { uuid, count, commands, variables, itemsFile, factory } = input;
  const lines = [
    `# Submission ${uuid}, ${count} ${count === 1 ? 'job' : 'jobs'}; written by SLURP`,
    ...fieldMacros,
    ...[...commands]
      .filter(([key]) => !factoryCommands.includes(key))
      .map(([key, value]) => `${key} = ${closeLine(value)}`),
    ...(factory?.maxMaterialize === undefined ? [] : [`max_materialize = ${factory.maxMaterialize}`]),
    ...(factory?.maxIdle === undefined ? [] : [`max_idle = ${factory.maxIdle}`]),
    `queue ${variables.join(',')} from ${itemsFile}`,
  ];
  return `${lines.join('\n')}\n`;
}
