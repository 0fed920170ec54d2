import { writeJson, writeLine } from '#cli/output.ts';
import { findPayloadRefusal } from '#dispatch/payload/find-payload-refusal.ts';
import { checkRuleFile } from '#rules/check/check-rule.ts';
import { renderComplaint } from '#rules/check/render-complaints.ts';
import { countOf } from '#util/count-of.ts';

import type { Say } from '#model/log.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

/** Exit code of a rule file with mistakes; see cli/exit-codes.ts. */
const wrongRuleExitCode = 10;

/**
 * Prints everything that is wrong or odd in the rule file (`--check`).
 *
 * @returns the exit code: 10 where there are errors
 * @throws RuleError where the file cannot be read
 */
export async function checkRules({ config, options, isJson }: KaedamaRequest, say: Say): Promise<number> {
  const complaints = await checkRuleFile(config, options, findPayloadRefusal);
  if (isJson) await writeJson(complaints);
  else for (const complaint of complaints) await writeLine(renderComplaint(complaint));
  const errors = complaints.filter(({ severity }) => severity === 'error').length;
  say(`${config}: ${countOf(errors, 'error')}, ${countOf(complaints.length - errors, 'warning')}`);
  return errors > 0 ? wrongRuleExitCode : 0;
}
