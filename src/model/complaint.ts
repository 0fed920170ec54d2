/** One thing that is wrong, or odd, in a rule file. */
export interface Complaint {
  /** An error stops the rule; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** Name of the rule; absent where the file itself is meant. */
  readonly rule?: string;
  /** Absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** One sentence without full stop, values in single quotes. */
  readonly message: string;
  /** What would have been right, in words that go on behind "expected". */
  readonly expected?: string;
  /** It follows from a complaint about the form of the file, made when the file was read; it is not shown. */
  readonly isRepeated?: true;
}
