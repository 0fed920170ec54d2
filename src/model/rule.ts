import type { Deadlines } from './job/deadlines.ts';
import type { RetryPolicy } from './policy/retry-policy.ts';
import type { ScoutMemorySettings } from './policy/scout-memory.ts';
import type { RoleName } from './site.ts';

/** Where something stands in a rule file; line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** From this offset of a value on, characters stand side by side in one line of the file, beginning at this place. */
export interface TextSegment extends Place {
  readonly at: number;
}

/** Where the parts of a rule stand, by path: `params.name`, `input.query`, `job.arguments`; the rule itself is ``. */
export interface RulePlaces {
  /** Of each key. */
  readonly keys: ReadonlyMap<string, Place>;
  /** Of each value. */
  readonly values: ReadonlyMap<string, Place>;
  /** Of the characters of each text, in order of `at`, the first at 0. */
  readonly texts: ReadonlyMap<string, readonly TextSegment[]>;
}

/** Which rules of a loop go first, and how many jobs of a rule may be in the queue. */
export interface RuleOrder {
  /** Rules with a higher one go first; 0 unless the rule names one. */
  readonly priority: number;
  /** Its part of the room in the queue, beside the shares of the rules with the same priority; absent: not named. */
  readonly share?: number;
  /** Jobs of the rule in the queue at most. */
  readonly maxQueued?: number;
  /** Jobs of the rule that wait in the queue at most. */
  readonly maxIdle?: number;
  /** So many jobs go first; the others wait until these have finished. */
  readonly scouts?: number;
  /** Makes the others request memory by what these used; absent: they request what the rule says. */
  readonly scoutMemory?: ScoutMemorySettings;
}

/**
 * One entry of a rule file as its author wrote it: texts unformatted, numbers as texts, duplicate keys resolved (the
 * last wins). Missing keys are absent; whether that is an error is decided by `rules/prepare-rule.ts` and
 * `rules/check/check-rule.ts`.
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
    /** As written. */
    readonly db?: string;
    /** Absent where `db` is missing or no known alias. */
    readonly role?: RoleName;
    readonly query?: string;
    readonly directPath?: string;
    readonly lfn2pfn: 'lfn2pfn' | 'lfn2lfn';
    /** `verify: true`: inputs are looked for on disk before a dispatch. */
    readonly isVerified: boolean;
  };
  /** Whether a program of the rule's own runs under our launcher; absent: as the site says. */
  readonly isSupervised?: boolean;
  /** As written, defaults not yet merged. */
  readonly filesystem: Readonly<Record<string, string>>;
  /** Submit commands as written, defaults not yet merged; keys in lower case, but for those that begin with `+`. */
  readonly job: Readonly<Record<string, string>>;
  /** `product: required`: an attempt that ends without its product in the catalog is failed. */
  readonly isProductRequired: boolean;
  readonly order: RuleOrder;
  /** How long attempts may stay in a state, in ms; absent ones are those of the site. */
  readonly deadlines?: Partial<Deadlines>;
  /** Dsttypes whose files trigger the rule in a loop; `*` at the end: all that begin so. Absent: those that its query names. */
  readonly after?: readonly string[];
  /** Absent: as the site says. */
  readonly retry?: RetryPolicy;
  readonly places: RulePlaces;
}

/** What triggers a rule: a dsttype, the beginning of dsttypes, or a name that begins with a dsttype and `_`. */
export interface InputName {
  readonly name: string;
  readonly isPrefix: boolean;
}

/** Where a character of a text of a rule stands; the value, its key, or the rule where it is not known better. */
export function rulePlaceOf(rule: { readonly places: RulePlaces }, path: string, offset?: number): Place {
  const { keys, values, texts } = rule.places;
  const segment = offset === undefined ? undefined : texts.get(path)?.findLast((one) => one.at <= offset);
  if (segment !== undefined && offset !== undefined) {
    return { line: segment.line, column: segment.column + offset - segment.at };
  }
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
  return values.get(path) ?? keys.get(path) ?? keys.get(parent) ?? keys.get('') ?? { line: 1, column: 1 };
}
