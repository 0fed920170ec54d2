import { isBuildName, isConventionalDsttype, isTag, streamMacro } from '#model/dst-name.ts';

import { makeComplainer } from '../complain.ts';
import { prepareRule } from '../prepare-rule.ts';
import { checkLogs } from './check-logs.ts';
import { sortComplaints } from './render-complaints.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Complainer } from '../complain.ts';
import type { Preparation, RuleDraft } from '../prepare-rule.ts';

/** A rule made ready, and everything that is wrong or odd with it. */
export interface CheckedRule {
  readonly preparation: Preparation;
  /** In the order of the file; without those about its form, which come with reading it. */
  readonly complaints: readonly Complaint[];
}

/**
 * Makes a rule ready and judges it: fields, macros, values, names, logs. The one judge for `--check` and for all that
 * dispatches, plans, prints or explains a rule: what is an error for one stops the others. Pure; never throws.
 */
export function prepareCheckedRule(rule: Rule, options: RunOptions): CheckedRule {
  const preparation = prepareRule(rule, options);
  const complainer = makeComplainer(rule);
  if (rule.input.query?.includes('{run_condition}') === false) {
    const message = 'The query has no {run_condition}: it reads all runs each time, and the cursor has no effect';
    complainer.warning({ path: 'input.query', message });
  }
  // What is odd about the names of a refused rule is mostly what it was refused for.
  if (preparation.kind === 'prepared') {
    checkNames(preparation.prepared, complainer);
    checkLogs(preparation.prepared, complainer);
  }
  const others = preparation.complaints.filter(({ isRepeated }) => isRepeated !== true);
  return { preparation, complaints: sortComplaints([...others, ...complainer.complaints]) };
}

/** Names that no program can take apart again are allowed, and worth a warning. */
function checkNames({ names }: RuleDraft, complainer: Complainer): void {
  const { build, dsttype, tag } = names.production;
  if (!isConventionalDsttype(dsttype.replaceAll(streamMacro, 'X'))) {
    const expected = 'capitals and a runname in lower case at its end, e.g. DST_CALO_run2pp';
    complainer.warning({ path: 'params.name', message: `Unusual name '${dsttype}'`, expected });
  }
  if (!isBuildName(build)) {
    const message = `Unusual build '${names.buildarg}'`;
    complainer.warning({ path: 'params.build', message, expected: 'lower case letters and digits, e.g. ana.437' });
  }
  if (!isTag(tag)) {
    complainer.warning({ path: 'params.dbtag', message: `Unusual tag '${tag}'`, expected: "YYYYpNNN or 'nocdbtag'" });
  }
}
