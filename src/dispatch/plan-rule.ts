import { decide } from '#db/decide/decide.ts';
import { readReady } from '#db/decide/read-ready.ts';
import { surveyDecision } from '#db/decide/survey/survey-decision.ts';
import { rowSelectionOf } from '#model/row-selection.ts';
import { rulePlaceOf } from '#model/rule.ts';
import { checkColumns } from '#rules/check/check-columns.ts';
import { makeRuleError } from '#rules/check/render-complaints.ts';
import { makeComplainer } from '#rules/complain.ts';
import { makeRowJudge } from '#rules/job/row-judge.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import { makeDisk, surveyBounds } from './inputs/make-disk.ts';
import { readDirectPath } from './inputs/read-direct-path.ts';

import type { Database, OpenSession } from '#db/connect.ts';
import type { Decision } from '#db/decide/decide.ts';
import type { DecisionRequest } from '#db/decide/decision-request.ts';
import type { Survey } from '#db/decide/survey/survey-decision.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { DecisionWarning, Funnel } from '#model/report/funnel.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { RowReader } from '#rules/job/row-judge.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { DirectPathListing } from './inputs/read-direct-path.ts';

/** Inputs of a decision that changes nothing: the rule, the limits, and the databases to read. */
export interface PlanInput {
  readonly prepared: PreparedRule;
  /** `--maxjobs`: ready jobs at most, beside the rule's `--limit`. */
  readonly maxJobs?: number;
  /** `--plan`: also looks for what verdicts do not say; see `surveyDecision`. */
  readonly isSurvey?: boolean;
  /** `--why`: see {@link DecisionRequest.asked}. */
  readonly asked?: DecisionRequest['asked'];
  readonly databases: Readonly<Record<RoleName, Database>>;
  /** How long the rule's query may run. */
  readonly statementTimeoutMs: number;
  /** What reads the values of rows; absent: HTCondor, with no commands of the site. */
  readonly batch?: Pick<Site['batch'], 'backend' | 'htcondor'>;
}

/** What would be dispatched, and why the rest would not: a decision, and the session that holds it. */
export interface Plan {
  readonly prepared: PreparedRule;
  readonly request: DecisionRequest;
  readonly decision: Decision;
  /** `decision.funnel` with what was met on the file system. */
  readonly funnel: Funnel;
  /** To the status database; holds `pg_temp.ready`. Lost: the plan is gone. */
  readonly session: OpenSession;
  /** The ready rows in the query's order, by cursor: nothing else can be asked of the session meanwhile. */
  readReady(batchSize?: number): AsyncIterable<readonly CandidateRow[]>;
  /** Gives the session back; twice does no harm. */
  close(): Promise<void>;
}

function capOf(limit: number, maxJobs: number | undefined): { readonly cap?: number } {
  const caps = [...(limit > 0 ? [limit] : []), ...(maxJobs === undefined ? [] : [maxJobs])];
  return caps.length === 0 ? {} : { cap: Math.min(...caps) };
}

function rowReaderOf(batch: PlanInput['batch']): RowReader {
  if (batch === undefined) return { overridden: new Set(), isInherited: true };
  const isHtcondor = batch.backend === 'htcondor';
  const names = isHtcondor ? Object.keys(batch.htcondor.commands) : [];
  return { overridden: new Set(names.map((name) => name.toLowerCase())), isInherited: isHtcondor };
}

function makeRequest(input: PlanInput, listing: DirectPathListing | undefined): DecisionRequest {
  const { rule, names, query, options, isLfn2lfn, isVerified } = input.prepared;
  const inputs = isLfn2lfn
    ? ({ kind: 'names' } as const)
    : listing === undefined
      ? ({ kind: 'catalog', ...(isVerified ? { disk: makeDisk() } : {}) } as const)
      : ({ kind: 'listing', files: listing.files } as const);
  return {
    rule: rule.name,
    file: rule.file,
    query: {
      role: query.role,
      text: query.text,
      placeOf: (offset) => rulePlaceOf(rule, 'input.query', query.originOf(offset)),
    },
    production: names.production,
    selection: rowSelectionOf(options),
    unblockStates: options.unblock,
    isResubmit: options.isResubmit,
    ...capOf(options.limit, input.maxJobs),
    inputs,
    rowJudge: makeRowJudge(input.prepared, rowReaderOf(input.batch)),
    ...present({ asked: input.asked }),
  };
}

function listingWarningsOf(
  directPath: string,
  { report }: DirectPathListing,
  funnel: Funnel,
): readonly DecisionWarning[] {
  const warnings: DecisionWarning[] = report.unreadable.map((place) => ({
    kind: 'unreadable-directory',
    count: 1,
    message: `Cannot read directory ${place}`,
  }));
  const [dangling] = report.dangling;
  if (dangling !== undefined) {
    const count = report.dangling.length;
    const message = `${countOf(count, 'link')} in direct_path lead nowhere and count as missing, e.g. '${dangling}'`;
    warnings.push({ kind: 'dangling-links', count, message });
  }
  if (report.files === 0 && funnel.counts['missing-inputs'] > 0) {
    const message = `No file in direct_path '${directPath}': ${report.directories === 0 ? 'the directory does not exist' : `directories listed: ${report.directories}`}`;
    warnings.push({ kind: 'empty-listing', count: 1, message });
  }
  return warnings;
}

// Inputs that the decision has looked for on disk are not looked for again.
function surveyPlan(
  { databases }: PlanInput,
  { inputs }: DecisionRequest,
  session: OpenSession,
  decision: Decision,
): Promise<Survey> {
  const isOpen = inputs.kind === 'catalog' && inputs.disk === undefined;
  return surveyDecision(session, decision, databases.catalog, isOpen ? makeDisk(surveyBounds) : undefined);
}

// The server cuts rows off before they are compared with the selection.
function limitWarningsOf(limit: number, { rows, counts }: Funnel): readonly DecisionWarning[] {
  const count = counts['not-selected'];
  if (limit === 0 || rows < limit || count === 0) return [];
  const message = `'--limit ${limit}' limited the rows of the query before '--runs' or '--segments' filtered them: use '--maxjobs ${limit}' instead`;
  return [{ kind: 'limited-before-selection', count, message }];
}

/** A macro that no column fills is empty in every job; one that looks mistyped stops the rule. */
function checkMacros(prepared: PreparedRule, { columns }: Decision): readonly DecisionWarning[] {
  const { rule } = prepared;
  const complainer = makeComplainer(rule);
  const known = [columns.source, columns.run, columns.segment, columns.files, columns.ranges, columns.streamname];
  const names = [...known, ...columns.extra].flatMap((column) => column?.name ?? []);
  checkColumns(prepared, { names, isComplete: true }, complainer);
  const { complaints } = complainer;
  if (complaints.some(({ severity }) => severity === 'error')) throw makeRuleError(rule.name, rule.file, complaints);
  return complaints.map(({ message }) => ({ kind: 'rule-columns', count: 1, message }));
}

/**
 * Decides what a rule would dispatch now. Changes nothing: what it makes are temporary tables in the plan's session.
 *
 * @throws RuleError where the rule's query fails, or lacks columns that it needs or its job uses; DatabaseError
 * @see docs/deciding.md
 */
export async function planRule(input: PlanInput): Promise<Plan> {
  const { prepared, databases, statementTimeoutMs } = input;
  const { directPath, isLfn2lfn } = prepared;
  const listing =
    directPath === undefined || isLfn2lfn
      ? undefined
      : readDirectPath(directPath, prepared.options.submitDirectory, prepared.isVerified);
  const request = makeRequest(input, listing);
  const session = await databases.status.openSession();
  try {
    const decision = await decide(session, request, { databases, statementTimeoutMs });
    const ofMacros = checkMacros(prepared, decision);
    const found =
      directPath === undefined || listing === undefined ? [] : listingWarningsOf(directPath, listing, decision.funnel);
    const survey = input.isSurvey === true ? await surveyPlan(input, request, session, decision) : undefined;
    const limited = limitWarningsOf(prepared.options.limit, decision.funnel);
    return {
      prepared,
      request,
      decision,
      funnel: {
        ...decision.funnel,
        ...(survey === undefined ? {} : { findings: survey.findings }),
        warnings: [...decision.funnel.warnings, ...ofMacros, ...found, ...limited, ...(survey?.warnings ?? [])],
      },
      session,
      readReady: (batchSize) => readReady(session, batchSize),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}
