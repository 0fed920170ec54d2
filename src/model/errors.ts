/** Facts that an error carries beside its message; shown by `--debug` and in logs. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** What each error of ours takes beside its message. */
export interface ErrorOptionsWithFacts {
  readonly code: string;
  readonly facts?: ErrorFacts;
  readonly cause?: unknown;
  /** What the reader can do next, shown as a line of its own. */
  readonly advice?: string;
  /** Where one error stands for several mistakes found at once: each of them, one line long, in order. */
  readonly complaints?: readonly string[];
}

/** The base of all errors that a user may see; `kind` says who must act and so the exit code (`cli/exit-codes.ts`). */
export class SlurpError extends Error {
  readonly kind: 'usage' | 'rule' | 'site' | 'database' | 'batch' | 'transfer' | 'gateway' | 'input' = 'site';
  readonly code: string;
  readonly facts: ErrorFacts;
  readonly advice: string | undefined;
  readonly complaints: readonly string[];

  constructor(message: string, options: ErrorOptionsWithFacts) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.facts = options.facts ?? {};
    this.advice = options.advice;
    this.complaints = options.complaints ?? [];
  }
}

/** The user of the command must act. */
export class UsageError extends SlurpError {
  override readonly kind = 'usage';
}

/** The author of a rule file must act; facts hold `file`, `line`, `column`, `rule`. */
export class RuleError extends SlurpError {
  override readonly kind = 'rule';
}

/** The operator of the site must act: site file, directories, disk space, payload checkout. */
export class SiteError extends SlurpError {
  override readonly kind = 'site';
}

/** A database refused or did not answer. */
export class DatabaseError extends SlurpError {
  override readonly kind = 'database';
}

/** The batch system refused, did not answer, or answered what cannot be understood. */
export class BatchError extends SlurpError {
  override readonly kind = 'batch';
}

/** A file could not be copied, verified or renamed to its final name. */
export class TransferError extends SlurpError {
  override readonly kind = 'transfer';
}

/** The gateway refused or did not answer. */
export class GatewayError extends SlurpError {
  override readonly kind = 'gateway';
}

/** The author of an input must act: a run list, a spool file. */
export class InputError extends SlurpError {
  override readonly kind = 'input';
}
