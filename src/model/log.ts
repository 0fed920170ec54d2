/** Facts beside a log line: a flat record, JSON-able; never a secret. */
export type LogFacts = Readonly<Record<string, unknown>>;

/**
 * Where an operation records what it does, for later readers; made by `cli/log.ts`. What the person at the terminal must
 * see is said through {@link Say} instead.
 */
export interface Log {
  debug(facts: LogFacts, text: string): void;
  info(facts: LogFacts, text: string): void;
  warn(facts: LogFacts, text: string): void;
  error(facts: LogFacts, text: string): void;
}

/** Says one line to the person at the terminal (stderr), e.g. that a database is being started. */
export type Say = (line: string) => void;

/** Reports the progress of a long operation; `total` absent: not known. Shown by `cli/progress.ts`, if at all. */
export interface Progress {
  /** Sets what is done so far; a `total` given replaces the one before. */
  update(done: number, total?: number): void;
  /** Names the phase, e.g. `reserving`. */
  phase(name: string): void;
  /** Takes the bar off the screen; further calls do nothing. */
  close(): void;
}
