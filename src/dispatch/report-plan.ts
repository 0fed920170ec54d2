import { formatDstname } from '#model/dst-name.ts';

import type { PlanReport } from '#model/report/plan.ts';

import type { Plan } from './plan-rule.ts';

/** Makes the record of a plan that is shown; its rows are read once, as the plan's are. */
export function reportPlan(plan: Plan, refusals: readonly string[] = []): PlanReport {
  const { rule, names } = plan.prepared;
  const dstname = formatDstname(names.production);
  return { rule: rule.name, dstname, funnel: plan.funnel, refusals, ready: plan.readReady() };
}
