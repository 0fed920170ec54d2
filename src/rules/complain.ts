import { rulePlaceOf } from '#model/rule.ts';
import { present } from '#util/present.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Place, Rule } from '#model/rule.ts';

/** What is wrong, and with which value of the rule. */
export interface NewComplaint {
  /** `params.name`, `input.query`, …; empty for the rule itself. */
  readonly path: string;
  /** In the value's text; absent: the value as a whole. */
  readonly offset?: number;
  /** Where it stands, if that is known better than by path and offset. */
  readonly place?: Place;
  readonly message: string;
  readonly expected?: string;
  /** `params.build`, …: the key that has no value, if that is what is wrong. */
  readonly missingKey?: string;
}

/** Collects complaints about one rule, each once. */
export interface Complainer {
  readonly complaints: readonly Complaint[];
  readonly error: (complaint: NewComplaint) => void;
  readonly warning: (complaint: NewComplaint) => void;
}

/** Begins to collect complaints about a rule. */
export function makeComplainer(rule: Rule): Complainer {
  const complaints: Complaint[] = [];
  const known = new Set<string>();
  const add = (severity: Complaint['severity'], complaint: NewComplaint): void => {
    const { path, offset, place, message, expected, missingKey } = complaint;
    const { line, column } = place ?? rulePlaceOf(rule, path, offset);
    const key = `${line}:${column}:${message}`;
    if (known.has(key)) return;
    known.add(key);
    // A key that is there without a value has the wrong form.
    const isRepeated =
      missingKey !== undefined && rule.places.keys.has(missingKey) && !rule.places.texts.has(missingKey);
    const what = { message, ...present({ expected }), ...(isRepeated ? { isRepeated } : {}) };
    complaints.push({ severity, rule: rule.name, file: rule.file, line, column, ...what });
  };
  return {
    complaints,
    error: (complaint) => add('error', complaint),
    warning: (complaint) => add('warning', complaint),
  };
}
