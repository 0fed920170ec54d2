import { rulePlaceOf } from '#model/rule.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Place, Rule } from '#model/rule.ts';

/** What is wrong, and with which value of the rule. */
export interface Grievance {
  /** `params.name`, `input.query`, …; empty for the rule itself. */
  readonly path: string;
  /** In the value's text; absent: the value as a whole. */
  readonly offset?: number;
  /** Where it stands, if that is known better than by path and offset. */
  readonly place?: Place;
  readonly message: string;
  readonly expected?: string;
}

/** Collects complaints about one rule, each once. */
export interface Complainer {
  readonly complaints: readonly Complaint[];
  readonly error: (grievance: Grievance) => void;
  readonly warning: (grievance: Grievance) => void;
}

/** Begins to collect complaints about a rule. */
export function makeComplainer(rule: Rule): Complainer {
  const complaints: Complaint[] = [];
  const known = new Set<string>();
  const add = (severity: Complaint['severity'], { path, offset, place, message, expected }: Grievance): void => {
    const { line, column } = place ?? rulePlaceOf(rule, path, offset);
    const key = `${line}:${column}:${message}`;
    if (known.has(key)) return;
    known.add(key);
    const what = expected === undefined ? { message } : { message, expected };
    complaints.push({ severity, rule: rule.name, file: rule.file, line, column, ...what });
  };
  return {
    complaints,
    error: (grievance) => add('error', grievance),
    warning: (grievance) => add('warning', grievance),
  };
}
