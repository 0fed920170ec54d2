import { medianOf } from './bench-server.ts';
import { steps } from './dispatch-figures.ts';

import type { Round } from './dispatch-figures.ts';

/** The figures of one number of jobs: medians, but the greatest memory. */
export interface Summary {
  readonly jobs: number;
  readonly rounds: number;
  readonly submissions: number;
  readonly phases: Readonly<Record<(typeof steps)[number], number>>;
  /** Of the process and not of a step: to start, to report. */
  readonly restMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
  readonly peakMb: number;
  readonly bareSubmitMs: number;
  readonly bareSubmitCpuMs: number;
  readonly bareInsertMs: number;
  readonly bareUpdateMs: number;
}

/** Sums rounds up, by number of jobs in order. */
export function summaryOf(rounds: readonly Round[]): readonly Summary[] {
  const sizes = [...new Set(rounds.map(({ jobs }) => jobs))].toSorted((one, other) => one - other);
  return sizes.map((jobs) => {
    const own = rounds.filter((round) => round.jobs === jobs);
    const median = (pick: (round: Round) => number): number => medianOf(own.map(pick));
    const phaseOf = (step: (typeof steps)[number]) => median(({ phases }) => phases[step]);
    const sumOf = ({ phases }: Round): number => steps.reduce((sum, step) => sum + phases[step], 0);
    return {
      jobs,
      rounds: own.length,
      submissions: median(({ submissions }) => submissions),
      phases: {
        ...{ recover: phaseOf('recover'), decide: phaseOf('decide') },
        ...{ payload: phaseOf('payload'), prepare: phaseOf('prepare') },
        ...{ reserve: phaseOf('reserve'), render: phaseOf('render') },
        ...{ submit: phaseOf('submit'), confirm: phaseOf('confirm') },
      },
      restMs: median((round) => round.kaedama.wallMs - sumOf(round)),
      wallMs: median(({ kaedama }) => kaedama.wallMs),
      cpuMs: median(({ kaedama }) => kaedama.cpuMs),
      databaseCpuMs: median(({ databaseCpuMs }) => databaseCpuMs),
      peakMb: Math.max(...own.map(({ kaedama }) => kaedama.peakMb)),
      bareSubmitMs: median(({ bareSubmit }) => bareSubmit.wallMs),
      bareSubmitCpuMs: median(({ bareSubmit }) => bareSubmit.cpuMs),
      bareInsertMs: median(({ bareInsertMs }) => bareInsertMs),
      bareUpdateMs: median(({ bareUpdateMs }) => bareUpdateMs),
    };
  });
}
