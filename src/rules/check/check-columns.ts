import { streamMacro } from '#model/dst-name.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import type { Complainer } from '../complain.ts';
import type { RuleDraft } from '../prepare-rule.ts';
import type { QueryColumns } from './query-columns.ts';

/** Macros that a mistyped one may have meant. */
const usualMacros =
  `name build buildarg tag version run seg rungroup dst inputs ranges outdir logdir histdir calibdir condor
  runname runtype leafdir nevents mem disk script payload lfn cupsid ClusterId ProcId`.split(/\s+/);

/** Compares what the job asks for with what the query gives: what its text shows, or what the database reports. */
export function checkColumns(
  prepared: RuleDraft,
  columns: Pick<QueryColumns, 'names' | 'isComplete'>,
  complainer: Complainer,
): void {
  const has = (name: string): boolean => columns.names.some((column) => column.toLowerCase() === name);
  if (has('ranges') && !has('fileranges')) {
    const message = "The query returns a column 'ranges', which is not read";
    complainer.warning({ path: 'input.query', message, expected: "the name 'fileranges'" });
  }
  const twice = new Set(
    columns.names.filter((name, index) => columns.names.indexOf(name) < index && name !== '?column?'),
  );
  for (const name of twice) {
    complainer.warning({
      path: 'input.query',
      message: `The query returns two columns '${name}'; the last one is used`,
    });
  }
  if (!columns.isComplete) return;
  for (const { name, macro, place } of prepared.columns) {
    if (has(name)) continue;
    const near = findNearestWord(name, [...usualMacros, ...columns.names, ...Object.keys(prepared.rule.params)]);
    if (near !== undefined) {
      const expected = `a column '${name}' in the query, or $(${near})`;
      complainer.error({ path: 'job', place, message: `'${macro}' is not defined`, expected });
      continue;
    }
    // HTCondor puts nothing in its place, and public rules rely on that.
    const message = `'${macro}' is not defined: ${describeEmpty(macro, prepared.rule.job['arguments'])}`;
    complainer.warning({ path: 'job', place, message, expected: `a column '${name}' in the query, or $(${name}:)` });
  }
  if (prepared.names.production.dsttype.includes(streamMacro) && !has('streamname')) {
    const message = "The name has $(streamname), but the query returns no column 'streamname'";
    complainer.error({ path: 'params.name', message, expected: 'such a column' });
  }
}

/** What becomes of the job where a macro is empty. Arguments are counted from 1, as scripts do. */
function describeEmpty(macro: string, written: string | undefined): string {
  const words = (written ?? '').trim().split(/\s+/);
  const index = words.findIndex((word) => word.includes(macro));
  if (index === -1) return 'it is empty in each job';
  const number = `argument ${index + 1}`;
  return words[index] === macro ? `${number} is left out, and the ones after it shift` : `it is empty in ${number}`;
}
