import { resolve } from 'node:path';

import { leafdirOf, runnameOf, streamMacro } from '#model/dst-name.ts';
import { roleAliases } from '#model/role-alias.ts';
import { rulePlaceOf } from '#model/rule.ts';
import { present } from '#util/present.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { makeComplainer } from './complain.ts';
import { makeFieldScope } from './field-scope.ts';
import { makeFillText } from './fill-text.ts';
import { filesystemDefaults } from './job/job-defaults.ts';
import { prepareJob } from './job/prepare-job.ts';
import { checkParams, makeEffectiveParams } from './make-effective-params.ts';
import { makeRuleNames } from './rule-names.ts';
import { withoutStatementEnd } from './text/without-statement-end.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Place, Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { RoleName } from '#model/site.ts';

import type { Complainer } from './complain.ts';
import type { FieldScope } from './field-scope.ts';
import type { FillText } from './fill-text.ts';
import type { CompiledJob } from './job/make-compiled-job.ts';
import type { RuleNames } from './rule-names.ts';

/** A rule that is ready for a dispatch: names, SQL, directories, and a job that only waits for its row. */
export interface PreparedRule {
  readonly rule: Rule;
  readonly options: RunOptions;
  readonly names: RuleNames;
  readonly query: PreparedQuery;
  /** Glob of directories whose files are inputs by their basename; absent: the catalog knows where files are. */
  readonly directPath?: string;
  /** Inputs go to the job under the names that the query gives. */
  readonly isLfn2lfn: boolean;
  /** A job is dispatched only if its inputs exist on disk. */
  readonly isVerified: boolean;
  readonly script: string;
  /** As written, for `production_setup.dir`; and absolute. */
  readonly payload: { readonly written: string; readonly path: string };
  /** What is staged: comma-separated files, globs, directories, relative to the submit directory. */
  readonly rsync: string;
  /** Of the whole submission, a stream as `X`. */
  readonly batchName: string;
  readonly job: CompiledJob;
  /** Macros that only a column of the query can provide; where the query has no such column they are empty. */
  readonly columns: readonly ColumnUse[];
}

/** The query of a rule, ready to run, with the way back from its text to the rule file for errors. */
export interface PreparedQuery {
  readonly role: RoleName;
  /** Without semicolons and comments at its end: can be wrapped as a subquery. */
  readonly text: string;
  /** As `--print-query` shows it. */
  readonly finished: string;
  /** Offset in the rule's own text of a character of `finished`. */
  readonly originOf: (offset: number) => number;
}

/** A macro that takes its value from a column of the query, and where it stands. */
export interface ColumnUse {
  /** In lower case. */
  readonly name: string;
  /** As written. */
  readonly macro: string;
  readonly place: Place;
}

/** A rule as far as it got, to be looked at further: texts may hold what could not be resolved. */
export type RuleDraft = Omit<PreparedRule, 'query'> & {
  readonly query: Omit<PreparedQuery, 'role'>;
};

/** A prepared rule with the oddities that do not stop it, or everything that does. */
export type Preparation =
  | { readonly kind: 'prepared'; readonly prepared: PreparedRule; readonly complaints: readonly Complaint[] }
  | {
      readonly kind: 'refused';
      readonly complaints: readonly Complaint[];
      /** Absent where there is no query at all. */
      readonly draft?: RuleDraft;
      /** Fields of the query that could not be resolved, as written. */
      readonly unresolved: readonly string[];
    };

/** Fields that a mistyped one may have meant, whether or not the rule has them. */
const usualFields = ['run_condition', 'seg_condition', 'limit_condition', 'PWD', 'outbase', 'logbase', 'leafdir'];

/** Directories of a rule over the defaults, renamed in a testbed or by `--mangle-dirpath`. */
function makeFilesystem(rule: Rule, options: RunOptions): Readonly<Record<string, string>> {
  const mangle = options.isTestbed ? 'production-testbed' : options.mangleDirpath;
  const merged = { ...filesystemDefaults, ...rule.filesystem };
  if (mangle === undefined) return merged;
  const renamed = Object.entries(merged).map(([key, text]) => [key, text.replaceAll('production', () => mangle)]);
  return Object.fromEntries(renamed);
}

/** The rule's name: formatted, then `DST` replaced where asked for. */
function prepareName(template: string, scope: FieldScope, fill: FillText, options: RunOptions): string {
  const name = fill('params.name', template, (field) => (field === 'name' ? undefined : scope.names(field))).text;
  const { mangleDstname } = options;
  return mangleDstname === undefined ? name : name.replaceAll('DST', () => mangleDstname);
}

type FinishedQuery = Omit<PreparedQuery, 'role'> & { readonly unresolved: readonly string[] };

function prepareQuery(
  rule: Rule,
  scope: FieldScope,
  fill: FillText,
  complainer: Complainer,
): FinishedQuery | undefined {
  const { db, role, query } = rule.input;
  if (role === undefined) {
    const aliases = [...roleAliases.keys()].join(', ');
    const near = db === undefined ? undefined : findNearestWord(db, roleAliases.keys());
    const path = db === undefined ? 'input' : 'input.db';
    const message = db === undefined ? 'input.db is missing' : `Unknown database '${db}'`;
    complainer.error({
      path,
      message,
      expected: near === undefined ? `one of ${aliases}` : `'${near}', or another of ${aliases}`,
      ...(db === undefined ? { missingKey: 'input.db' } : {}),
    });
  }
  if (query === undefined || query.trim() === '') {
    const path = query === undefined ? 'input' : 'input.query';
    const missingKey = 'input.query';
    complainer.error({
      ...{ path, missingKey, message: `${missingKey} is missing` },
      expected: 'one SELECT, whose rows become jobs',
    });
    return undefined;
  }
  const { text: finished, originOf, problems } = fill('input.query', query, scope.query);
  return { finished, text: withoutStatementEnd(finished), originOf, unresolved: problems.map(({ field }) => field) };
}

/**
 * Makes a rule ready: overrides, fields, conditions, defaults, and all macros compiled. Pure: it reads no file and no
 * database. Everything that stops the rule is said at once.
 *
 * @see docs/rule-files.md
 */
export function prepareRule(rule: Rule, options: RunOptions): Preparation {
  const complainer = makeComplainer(rule);
  const params = makeEffectiveParams(rule, options, complainer);
  const filesystem = makeFilesystem(rule, options);
  checkParams(rule, params, filesystem, complainer);
  const fill = makeFillText(complainer, [...Object.keys(params), ...Object.keys(filesystem), ...usualFields]);
  let name: string | undefined;
  const nameOf = (): string => (name ??= prepareName(params['name'] ?? 'DST_UNNAMED', scope, fill, options));
  const scope = makeFieldScope({
    rule,
    options,
    params,
    filesystem,
    nameOf,
    leafdirOf: () => leafdirOf(nameOf()),
    runnameOf: () => runnameOf(nameOf()),
  });
  const { version } = rule;
  const names = makeRuleNames({
    dsttype: nameOf(),
    buildarg: params['build'] ?? 'new',
    tag: params['dbtag'] ?? 'nocdbtag',
    ...present({ version }),
  });
  checkDsttype(names.production.dsttype, params['name'] ?? '', complainer);
  const query = prepareQuery(rule, scope, fill, complainer);
  checkCursor(rule, options, complainer);
  if (rule.input.isVerified && rule.input.lfn2pfn === 'lfn2lfn') {
    const message = 'input.verify has no effect with lfn2lfn: names are passed on as they are';
    complainer.warning({ path: 'input.verify', message });
  }
  const directPath = rule.input.directPath;
  const directText =
    directPath === undefined ? undefined : fill('input.direct_path', directPath, scope.directPath).text;
  for (const key of ['outbase', 'logbase']) {
    const template = params[key];
    if (template !== undefined) fill(`params.${key}`, template, scope.names);
  }
  const prepared = prepareJob({ rule, options, names, params, filesystem, scope, fill, complainer });
  const { complaints } = complainer;
  const { role } = rule.input;
  if (query === undefined) return { kind: 'refused', complaints, unresolved: [] };
  const payload = prepared.payload;
  const draft: RuleDraft = {
    rule,
    options,
    names,
    query: { text: query.text, finished: query.finished, originOf: query.originOf },
    ...(directText === undefined ? {} : { directPath: resolve(options.submitDirectory, directText) }),
    isLfn2lfn: rule.input.lfn2pfn === 'lfn2lfn',
    isVerified: rule.input.isVerified,
    script: prepared.script,
    payload: { written: params['payload'] ?? payload, path: resolve(options.submitDirectory, payload) },
    rsync: prepared.rsync,
    batchName: prepared.batchName,
    job: prepared.job,
    columns: prepared.columns.map(({ name: column, macro, path, offset }) => ({
      name: column,
      macro,
      place: rulePlaceOf(rule, path, offset),
    })),
  };
  if (role === undefined || complaints.some(({ severity }) => severity === 'error')) {
    return { kind: 'refused', complaints, draft, unresolved: query.unresolved };
  }
  return { kind: 'prepared', complaints, prepared: { ...draft, query: { role, ...draft.query } } };
}

/** Runs by number choose among the rows of any query; the cursor is nothing but a condition of the query. */
function checkCursor(rule: Rule, { runs, cursor }: RunOptions, complainer: Complainer): void {
  if (runs.kind !== 'cursor' || (cursor === 0 && runs.window === undefined)) return;
  if (rule.input.query === undefined || rule.input.query.includes('{run_condition}')) return;
  const message = 'The query has no {run_condition}, so the cursor does not limit its rows';
  complainer.warning({ path: 'input.query', message, expected: "{run_condition} after a condition, or '--runs'" });
}

/** A name that could not be distinguished from its neighbours in a file name, or not be written as one, is refused. */
function checkDsttype(pattern: string, written: string, complainer: Complainer): void {
  const path = 'params.name';
  const braces = /\{\{[^{}]*\}\}/.exec(written);
  if (braces !== null) {
    const [literal] = braces;
    const field = literal.slice(1, -1);
    const isStream = /^\{\s*streamname\s*\}$/.test(field);
    const expected = isStream
      ? "$(streamname) where the query has a column 'streamname', or {streamname} with such a param"
      : `one pair of braces, ${field}, for the value of a param`;
    complainer.error({
      path,
      offset: braces.index,
      message: `'${literal}' puts literal braces into the name`,
      expected,
    });
    return;
  }
  const macro = /\$\((?!streamname\))[^)]*\)?/.exec(pattern)?.[0];
  if (macro !== undefined) {
    const expected = '$(streamname), the one macro that a name can have, or a field {…}';
    complainer.error({ path, message: `'${macro}' in params.name: '${pattern}'`, expected });
    return;
  }
  const rest = pattern.replaceAll(streamMacro, '').replaceAll(/\{[^}]*\}/g, '');
  const wrong = /[^A-Za-z0-9_.+]/.exec(rest)?.[0];
  if (wrong === undefined) return;
  const message = `'${wrong}' in params.name: '${pattern}'`;
  complainer.error({ path, message, expected: "letters, digits and '_', e.g. DST_CALO_run2pp" });
}
