import { findTriggeredRuns } from '#db/status/trigger/find-triggered-runs.ts';
import { putRuleInputs } from '#db/status/trigger/put-rule-inputs.ts';
import { isRunSelected } from '#model/row-selection.ts';
import { withRuns } from '#pass/read-selected-rule.ts';
import { makeInputNames } from '#rules/reads/make-input-names.ts';

import type { Database } from '#db/connect.ts';
import type { TriggeredRun } from '#db/status/trigger/find-triggered-runs.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { ReadyRule } from '#pass/read-selected-rule.ts';

import type { QueryCache } from './query-cache.ts';

/** A turn of a rule, as far as its triggers are concerned. */
export interface TriggeredTurn {
  readonly rule: string;
  /** Only these runs are decided; absent: all of the rule. */
  readonly triggered?: readonly TriggeredRun[];
}

/** What a pass decides. */
export interface PassScope {
  /** Absent: no run is left to decide. */
  readonly ready?: ReadyRule;
  /** The triggers that the pass answers. */
  readonly answered: readonly TriggeredRun[];
}

/** Where triggers are recorded. */
interface ScopePlace {
  readonly status: Database;
  readonly loop: LoopIdentity;
  /** Absent: rules are not triggered. */
  readonly queries: QueryCache | undefined;
}

/** So many triggers are answered by a pass over all runs; further ones trigger passes that find nothing. */
const mostAnswered = 100_000;

/**
 * Prepares what a pass of a loop decides. Before a pass over all runs, it records by which files the rule is triggered from
 * now on: what is registered later is not missed.
 *
 * @param ready with the cursor
 * @throws DatabaseError, RuleError
 */
export async function prepareScope(
  { status, loop, queries }: ScopePlace,
  { rule, triggered }: TriggeredTurn,
  ready: ReadyRule,
): Promise<PassScope> {
  const { prepared } = ready;
  if (queries === undefined) return { ready, answered: [] };
  const reads = await queries.find(rule, prepared.query.text);
  const names = reads === undefined ? [] : makeInputNames(prepared, reads);
  if (triggered === undefined) {
    await putRuleInputs(status, loop, rule, names);
    return { ready, answered: await findTriggeredRuns(status, loop, [rule], mostAnswered) };
  }
  const { runs, cursor } = prepared.options;
  const wanted = triggered.map(({ run }) => run).filter((run) => isRunSelected(runs, cursor, run));
  // The rule may have been edited since, so that it cannot be asked for single runs any more.
  const isDone = wanted.length === 0 || names.length === 0;
  return isDone ? { answered: triggered } : { ready: withRuns(ready, wanted), answered: triggered };
}
