import type { RoleName } from './site.ts';

/** Where something stands in a rule file; line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * One entry of a rule file as its author wrote it: texts unformatted, numbers as texts, duplicate keys resolved (the
 * last wins). What is missing is absent; whether that is a mistake is said by `rules/check-rule.ts`.
 *
 * @see docs/rule-files.md
 */
export interface Rule {
  readonly name: string;
  /** Absolute path of the rule file. */
  readonly file: string;
  /** Every key of `params`, also unknown ones: they are format fields. Lists are blank-joined. */
  readonly params: Readonly<Record<string, string>>;
  /** Absent: names without version. */
  readonly version?: number;
  readonly input: {
    readonly role: RoleName;
    readonly query: string;
    readonly directPath?: string;
    readonly lfn2pfn: 'lfn2pfn' | 'lfn2lfn';
  };
  /** As written, defaults not yet merged. */
  readonly filesystem: Readonly<Record<string, string>>;
  /** Submit commands as written, defaults not yet merged; keys in lower case. */
  readonly job: Readonly<Record<string, string>>;
  /** Place of each value by its path, e.g. `input.query`, `job.arguments`; the rule itself under the empty path. */
  readonly places: ReadonlyMap<string, Place>;
}
