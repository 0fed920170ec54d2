import { parseIntegerExpression } from '#util/text/integer-expression.ts';

/** What a submission makes of the ends of its jobs, by its submit commands. */
export interface JobEnds {
  /** A job that has ended may be started again by the batch system: a failing end that the job reports is provisional. */
  readonly canRestart: boolean;
  /** The exit code of a job that has done its work; absent: 0. */
  readonly successExitCode?: number;
}

const spellings: ReadonlySet<string> = new Set(['success_exit_code', 'jobsuccessexitcode', '+jobsuccessexitcode']);

/**
 * Reads the exit code that a job's submit commands call a success; it means the same to all batch systems.
 *
 * @returns undefined where none is named, or not as whole numbers and what `+ - * / %` makes of them
 * @see docs/htcondor.md
 */
export function readSuccessExitCode(commands: Readonly<Record<string, string>>): number | undefined {
  const written = Object.entries(commands)
    .findLast(([key]) => spellings.has(commandNameOf(key)))?.[1]
    .trim();
  const computed = written === undefined ? undefined : parseIntegerExpression(written);
  return computed !== undefined && Math.abs(computed) < 1e9 ? computed : undefined;
}

/** The name of a submit command as HTCondor compares it: in lower case, an attribute with `+` in front. */
export function commandNameOf(key: string): string {
  return key.toLowerCase().replace(/^my\./u, '+');
}
