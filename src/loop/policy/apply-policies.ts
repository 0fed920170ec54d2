import { markAlarmCleared } from '#db/status/alarm/alarms.ts';
import { markNodesAvoided } from '#db/status/policy/bad-nodes.ts';
import { defaultBreaker } from '#model/policy/breaker.ts';

import { applyBreaker } from './apply-breaker.ts';
import { applyPolicy } from './apply-policy.ts';

import type { RetryPolicy } from '#model/policy/retry-policy.ts';

import type { PolicyInput } from './apply-policy.ts';

/** What {@link applyPolicies} works with. */
export interface PoliciesInput extends Omit<PolicyInput, 'policy'> {
  /** That of the rule, else that of the site; absent: only the breaker counts, and it only reports. */
  readonly policy: RetryPolicy | undefined;
}

/** What a rule without `retry`, in a site without it, has. */
const withoutRetry: RetryPolicy = { isActive: false, attempts: 1, cases: [], breaker: defaultBreaker };

/**
 * Applies the failure policies of a rule: first its breaker, then its retry policy. If it is active, new jobs
 * avoid bad nodes from now on.
 *
 * @returns why the rule was paused; undefined: it was not
 * @throws DatabaseError; SiteError if the lease is lost; BatchError if the batch system does not answer
 */
export async function applyPolicies(input: PoliciesInput): Promise<string | undefined> {
  const { policy, prepared, status, guard, onWarning } = input;
  const { isActive, breaker: settings } = policy ?? withoutRetry;
  const rule = prepared.rule.name;
  const open = settings === undefined ? undefined : await applyBreaker({ rule, settings, isActive, status, guard });
  if (open?.isPaused === true) return `too many failures: ${open.reason}`;
  if (open?.isNew === true) onWarning(`The breaker would pause this rule: ${open.reason}`);
  const avoided = isActive ? await markNodesAvoided(status, guard) : [];
  for (const node of avoided) onWarning(`New jobs avoid '${node}': 'ramenya nodes' says why`);
  if (!isActive) await markAlarmCleared(status, `given-up:${rule}`);
  return policy === undefined ? undefined : (await applyPolicy({ ...input, policy })).paused;
}
