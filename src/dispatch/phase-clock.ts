/** The steps of a dispatch, in order; `docs/measures.md` describes each. */
export type Phase = 'recover' | 'decide' | 'payload' | 'prepare' | 'reserve' | 'render' | 'submit' | 'confirm';

/** Measures how long the steps of a dispatch take. */
export interface PhaseClock {
  /** Ends the phase that was going on and begins another, perhaps again. */
  begin(phase: Phase): void;
  /** Ends the phase that was going on; what is done until the next begins counts nowhere. */
  end(): void;
  /** Milliseconds by phase, over all times it was gone through; those that were not begun are absent. */
  times(): Readonly<Partial<Record<Phase, number>>>;
}

/** Makes a {@link PhaseClock}, in no phase. */
export function makePhaseClock(now: () => number = () => performance.now()): PhaseClock {
  const spent = new Map<Phase, number>();
  let current: { readonly phase: Phase; readonly since: number } | undefined;
  const end = (): void => {
    if (current === undefined) return;
    spent.set(current.phase, (spent.get(current.phase) ?? 0) + now() - current.since);
    current = undefined;
  };
  return {
    begin: (phase) => {
      end();
      current = { phase, since: now() };
    },
    end,
    times: () => Object.fromEntries([...spent].map(([phase, ms]) => [phase, Math.round(ms * 10) / 10])),
  };
}
