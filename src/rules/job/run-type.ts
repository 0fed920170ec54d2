/** The kinds of run by the directory that inputs lie in; where several occur, the later one wins. */
const runTypes = ['physics', 'beam', 'cosmics', 'calib'] as const;

/** What a job is, by the directories of its inputs; `none` where they do not show it. */
export type RunType = (typeof runTypes)[number] | 'none';

/** Guesses the run type from a job's input paths: `$(runtype)` and `{runtype}` alike. */
export function runTypeOf(inputs: string): RunType {
  return runTypes.findLast((type) => inputs.includes(`/${type}/`)) ?? 'none';
}
