import { RuleError } from '#model/errors.ts';

import { renderTemplate } from '../expand-macros.ts';

import type { Complainer } from '../complain.ts';
import type { Template } from '../expand-macros.ts';
import type { JobRow } from '../job/job-row.ts';
import type { RuleDraft } from '../prepare-rule.ts';

/** A made-up row whose every value shows which of two it is, but for what a rule itself says. */
function makeSampleRow(number: number, own: ReadonlySet<string>): JobRow {
  const extra = new Proxy<Record<string, string>>(
    {},
    { get: (_target, name) => (typeof name === 'string' && !own.has(name) ? String(number) : undefined) },
  );
  const text = `X${number}`;
  const names = {
    dsttype: text,
    dstname: text,
    dstfile: text,
    streamname: text,
    source: text,
    inputs: text,
    ranges: text,
  };
  return { run: number, segment: number, ...names, extra };
}

/**
 * Warns of logs that all jobs of a rule would write: of `logbase`, by which its logs are named, or else of the files for
 * output and error.
 */
export function checkLogs({ job, rule }: RuleDraft, complainer: Complainer): void {
  const own = new Set([...Object.keys(rule.params), ...Object.keys(rule.job)].map((key) => key.toLowerCase()));
  const textOf = (template: Template, number: number): string =>
    renderTemplate(template, job.program.evaluate({ row: makeSampleRow(number, own), cupsid: number }));
  const isSame = (template: Template): boolean => {
    try {
      return textOf(template, 1) === textOf(template, 1001);
    } catch (error) {
      // A number is printed of a column that holds a text here.
      if (error instanceof RuleError) return false;
      throw error;
    }
  };
  const expected = '$(run) and $(seg) in it, e.g. $INT(run,{RUNFMT})-$INT(seg,{SEGFMT})';
  if (rule.params['logbase'] !== undefined && isSame(job.program.compile('$(logbase)'))) {
    const message = `All jobs would write the same log: '${rule.params['logbase']}'`;
    complainer.warning({ path: 'params.logbase', message, expected });
    return;
  }
  for (const { key, template } of job.commands) {
    const written = rule.job[key]?.trim() ?? '';
    if ((key !== 'output' && key !== 'error') || ['', '""', '/dev/null'].includes(written)) continue;
    if (!isSame(template)) continue;
    complainer.warning({ path: `job.${key}`, message: `All jobs would write the same ${key}: '${written}'`, expected });
  }
}
