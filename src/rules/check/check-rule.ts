import type { Complaint } from '#model/complaint.ts';
import { isBuildName, isConventionalDsttype, isTag, streamMacro } from '#model/dst-name.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { Rule } from '#model/rule.ts';
import { nearestWord } from '#util/nearest-word.ts';
import { checkFiles, type JudgePayload } from './check-files.ts';
import { checkLogs } from './check-logs.ts';
import { checkQuery } from './check-query.ts';
import { type Complainer, makeComplainer } from '../complain.ts';
import { type PreparedQuery, prepareRule, type RuleDraft } from '../prepare-rule.ts';
import type { QueryColumns } from './query-columns.ts';
import { readRuleFile } from '../read-rule-file.ts';
import { sortComplaints } from './render-complaints.ts';

/**
 * Says everything that is wrong or odd in a rule file, for `kaedama --check`: form, fields, macros, SQL, names, files.
 * Reads the rule file and looks for the files it names; touches no database.
 *
 * @param judgePayload asked once for each payload directory that is there
 * @returns complaints in the order of the file
 * @throws RuleError where the file cannot be read
 */
export async function checkRuleFile(
  file: string,
  options: RunOptions,
  judgePayload: JudgePayload = () => Promise.resolve(undefined),
): Promise<readonly Complaint[]> {
  const { rules, complaints } = await readRuleFile(file);
  const all = [...complaints];
  const judged = new Set<string>();
  const judgeOnce: JudgePayload = async (directory) => {
    if (judged.has(directory)) return undefined;
    judged.add(directory);
    return judgePayload(directory);
  };
  for (const rule of rules) all.push(...(await checkRule(rule, options, judgeOnce)));
  return sortComplaints(all);
}

/** Says everything that is wrong or odd with one rule but for its form, which reading it has told. Never throws for it. */
async function checkRule(rule: Rule, options: RunOptions, judgePayload: JudgePayload): Promise<readonly Complaint[]> {
  const preparation = prepareRule(rule, options);
  const complainer = makeComplainer(rule);
  const draft = preparation.kind === 'prepared' ? preparation.prepared : preparation.draft;
  if (draft !== undefined) {
    const unresolved = preparation.kind === 'prepared' ? [] : preparation.unresolved;
    const columns =
      unresolved.length === 0
        ? await checkSql(rule, options, draft.query, complainer)
        : await checkTornSql(draft.query, unresolved, complainer);
    if (!(rule.input.query ?? '').includes('{run_condition}')) {
      const message = 'The query has no {run_condition}: it reads all runs each time, and the cursor has no effect';
      complainer.warning({ path: 'input.query', message });
    }
    // What is odd about the names of a refused rule is mostly what it was refused for.
    if (preparation.kind === 'prepared') {
      checkNames(draft, complainer);
      checkLogs(draft, complainer);
    }
    if (columns !== undefined) checkColumns(draft, columns, complainer);
    await checkFiles(draft, complainer, judgePayload);
  }
  // What has the wrong form was told when the file was read.
  const complaints = preparation.complaints.filter(({ message }) => {
    const missing = /^No (\S+)$/.exec(message)?.[1];
    return missing === undefined || !rule.places.keys.has(missing) || rule.places.texts.has(missing);
  });
  return sortComplaints([...complaints, ...complainer.complaints]);
}

type Finished = Pick<PreparedQuery, 'finished' | 'originOf'>;

/** Parses the query as it is for this selection, and once more with every condition there can be. */
async function checkSql(
  rule: Rule,
  options: RunOptions,
  query: Finished,
  complainer: Complainer,
): Promise<QueryColumns | undefined> {
  const path = 'input.query';
  const report = await checkQuery(query.finished);
  for (const { offset, ...problem } of report.problems)
    complainer.error({ path, offset: query.originOf(offset), ...problem });
  if (report.problems.length > 0) return report.columns;
  const preparation = prepareRule(rule, { ...options, segments: { kind: 'one', segment: 0 }, limit: 1 });
  const other = preparation.kind === 'prepared' ? preparation.prepared.query : preparation.draft?.query;
  const problems = other === undefined ? [] : (await checkQuery(other.finished)).problems;
  for (const { offset, message, ...problem } of problems) {
    const told = `${message} (with --segments and --limit)`;
    complainer.error({ path, offset: other?.originOf(offset) ?? 0, message: told, ...problem });
  }
  return report.columns;
}

/**
 * Looks at the SQL of a query with unresolved fields: a condition may have been meant, or a value. Only what is wrong
 * either way, at the same place, is told.
 */
async function checkTornSql(
  query: Finished,
  unresolved: readonly string[],
  complainer: Complainer,
): Promise<QueryColumns | undefined> {
  const withInstead = (fill: string): string =>
    // Of the same length, so that every other character keeps its place.
    unresolved.reduce((sql, field) => sql.replaceAll(field, () => fill.padEnd(field.length)), query.finished);
  const asCondition = await checkQuery(withInstead(''));
  const asValue = await checkQuery(withInstead('1'));
  for (const { offset, ...problem } of asCondition.problems) {
    if (!asValue.problems.some((other) => other.offset === offset)) continue;
    complainer.error({ path: 'input.query', offset: query.originOf(offset), ...problem });
  }
  return asCondition.columns ?? asValue.columns;
}

/** Names that no program can take apart again are allowed, and worth a warning. */
function checkNames({ names }: RuleDraft, complainer: Complainer): void {
  const { build, dsttypePattern, tag } = names;
  if (!isConventionalDsttype(dsttypePattern.replaceAll(streamMacro, 'X'))) {
    const expected = 'capitals and a runname in lower case at its end, e.g. DST_CALO_run2pp';
    complainer.warning({ path: 'params.name', message: `Unusual name '${dsttypePattern}'`, expected });
  }
  if (!isBuildName(build)) {
    const message = `Unusual build '${names.buildarg}'`;
    complainer.warning({ path: 'params.build', message, expected: 'lower case letters and digits, e.g. ana.437' });
  }
  if (!isTag(tag)) {
    complainer.warning({ path: 'params.dbtag', message: `Unusual tag '${tag}'`, expected: "YYYYpNNN or 'nocdbtag'" });
  }
}

/** Macros that a mistyped one may have meant. */
const usualMacros =
  `name build buildarg tag version run seg rungroup dst inputs ranges outdir logdir histdir calibdir condor
  runname runtype leafdir nevents mem disk script payload lfn cupsid ClusterId ProcId`.split(/\s+/);

/** Compares what the job asks for with what the query gives. */
function checkColumns(prepared: RuleDraft, columns: QueryColumns, complainer: Complainer): void {
  const has = (name: string): boolean => columns.names.includes(name);
  if (has('ranges') && !has('fileranges')) {
    const message = "The query gives a column 'ranges', which is not read";
    complainer.warning({ path: 'input.query', message, expected: "the name 'fileranges'" });
  }
  const twice = new Set(
    columns.names.filter((name, index) => columns.names.indexOf(name) < index && name !== '?column?'),
  );
  for (const name of twice) {
    complainer.warning({ path: 'input.query', message: `The query gives two columns '${name}'; the last one holds` });
  }
  if (!columns.isComplete) return;
  for (const { name, macro, place } of prepared.columns) {
    if (has(name)) continue;
    const quoted = columns.names.find((column) => column.toLowerCase() === name);
    if (quoted !== undefined) {
      const message = `'${macro}' does not reach the column "${quoted}"`;
      complainer.error({ path: 'job', place, message, expected: `its name in small letters: as ${name}` });
      continue;
    }
    const near = nearestWord(name, [...usualMacros, ...columns.names, ...Object.keys(prepared.rule.params)]);
    const instead = near === undefined ? 'another macro' : `$(${near})`;
    const expected = `a column '${name}' in the query, or ${instead}`;
    complainer.error({ path: 'job', place, message: `Nothing provides '${macro}'`, expected });
  }
  if (prepared.names.dsttypePattern.includes(streamMacro) && !has('streamname')) {
    const message = "The name has $(streamname), but the query gives no column 'streamname'";
    complainer.error({ path: 'params.name', message, expected: 'such a column' });
  }
}
