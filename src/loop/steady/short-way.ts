import { createHash } from 'node:crypto';

import { findAttemptToken } from '#db/change/find-attempt-token.ts';
import { findTableToken } from '#db/change/find-table-token.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { RoleName } from '#model/site.ts';
import type { PassWish } from '#pass/run-pass.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { QueryCache } from '../trigger/query-cache.ts';

/** A pass over all runs that is about to be made. */
export interface PlannedPass {
  readonly prepared: PreparedRule;
  readonly wish: PassWish;
  /** Files were registered that the rule may read: the pass is needed, whatever the counters say. */
  readonly isTriggered: boolean;
}

/** Whether a pass is needed. */
export interface ShortWayAnswer {
  /** That of the last pass: nothing has changed since, so a pass would find the same. Absent: the pass is needed. */
  readonly funnel?: Funnel;
  /** A sentence if an earlier pass found jobs of a change that was never counted; the rule has no short way then. */
  readonly missed?: string;
  /** Records what the pass found. */
  confirm(funnel: Funnel, submitted: number): void;
}

/** Knows of each rule what its last pass found, and what that was based on. */
export interface ShortWay {
  /** @throws DatabaseError */
  check(pass: PlannedPass): Promise<ShortWayAnswer>;
}

/** What a short way works with. */
export interface ShortWayInput {
  readonly databases: Readonly<Record<RoleName, Database>>;
  readonly queries: QueryCache;
  /** After this time a pass is made in any case, which proves that nothing was missed. */
  readonly proofMs: number;
  readonly log: Log;
}

/** What a pass is based on: the rule and the attempts, and the tables that its query reads. */
interface Basis {
  readonly own: string;
  readonly tables: string;
}

type FoundBasis =
  { readonly kind: 'basis'; readonly basis: Basis } | { readonly kind: 'unknown'; readonly reason: string };

interface Known {
  readonly basis: Basis;
  readonly funnel: Funnel;
  readonly provenMs: number;
}

/** A pass that found jobs although nothing seemed to have changed. */
interface Doubt {
  readonly tables: string;
  readonly jobs: number;
  readonly atMs: number;
}

/** The server's counters are written so long after a commit, at the latest (10 s in an idle session). */
const latestMs = 15_000;

const noMemory = { confirm: () => undefined };

/**
 * Makes the memory of a loop for passes that can be left out.
 *
 * @see docs/decisions/nothing-changed.md
 */
export function makeShortWay(input: ShortWayInput): ShortWay {
  const known = new Map<string, Known>();
  const wrong = new Set<string>();
  const doubts = new Map<string, Doubt>();

  /** A change that was counted late would have been found by the next pass. */
  function findMissed(rule: string, { tables }: Basis): string | undefined {
    const doubt = doubts.get(rule);
    if (doubt === undefined || Date.now() - doubt.atMs < latestMs) return undefined;
    doubts.delete(rule);
    if (doubt.tables !== tables) return undefined;
    wrong.add(rule);
    input.log.error({ rule, missed: doubt.jobs }, 'a change was missed');
    return `A change was not noticed, and ${countOf(doubt.jobs, 'job')} found late: all passes decide all runs from now on`;
  }

  return {
    check: async (pass) => {
      const { name } = pass.prepared.rule;
      const found = wrong.has(name)
        ? ({ kind: 'unknown', reason: 'a change was missed before' } as const)
        : await findBasis(input, pass);
      if (found.kind === 'unknown') {
        known.delete(name);
        input.log.debug({ rule: name, reason: found.reason }, 'no short way');
        return noMemory;
      }
      const { basis } = found;
      const missed = present({ missed: findMissed(name, basis) });
      const last = known.get(name);
      const isSame = !pass.isTriggered && last?.basis.own === basis.own && last.basis.tables === basis.tables;
      const isProven = last !== undefined && Date.now() - last.provenMs < input.proofMs;
      if (isSame && isProven && !wrong.has(name)) return { ...noMemory, ...missed, funnel: last.funnel };
      return {
        ...missed,
        confirm: (funnel, submitted) => {
          const open = submitted + funnel.counts.ready + funnel.counts['over-limit'];
          if (open > 0 || isOnDisk(pass, funnel)) known.delete(name);
          else known.set(name, { basis, funnel, provenMs: Date.now() });
          if (!isSame || open === 0) return;
          const jobs = funnel.counts.ready + funnel.counts['over-limit'];
          doubts.set(name, { tables: basis.tables, jobs, atMs: Date.now() });
        },
      };
    },
  };
}

/** Files in directories may come without any trace in a database. */
function isOnDisk({ prepared }: PlannedPass, { counts }: Funnel): boolean {
  return counts['missing-inputs'] > 0 && (prepared.directPath !== undefined || prepared.isVerified);
}

/** Read it before the data: what changes later changes the next one. */
async function findBasis({ databases, queries }: ShortWayInput, { prepared, wish }: PlannedPass): Promise<FoundBasis> {
  const { rule, options, names, query } = prepared;
  if (options.isResubmit || options.unblock.length > 0) return unknownOf('states of attempts matter');
  if (wish.cursor !== undefined || wish.isMarkingHeld || wish.isClearingHeld)
    return unknownOf('it does more than dispatch');
  const reads = await queries.find(rule.name, query.text);
  if (reads === undefined) return unknownOf('the query does not parse');
  if (reads.isVarying) return unknownOf('the query reads the clock, the session or a sample');
  const catalogTables = ['datasets', 'files'];
  const isCatalog = query.role === 'catalog';
  const ofQuery = await findTableToken(
    databases[query.role],
    isCatalog ? [...new Set([...reads.tables, ...catalogTables])] : reads.tables,
    reads.functions,
  );
  if (ofQuery.kind === 'unknown') return ofQuery;
  const ofCatalog = isCatalog ? ofQuery : await findTableToken(databases.catalog, catalogTables);
  if (ofCatalog.kind === 'unknown') return ofCatalog;
  const { now: _now, ...lasting } = options;
  const content = JSON.stringify([rule, lasting, query.text, prepared.directPath, wish]);
  const hash = createHash('sha256').update(content).digest('hex');
  const own = `${hash} ${await findAttemptToken(databases.status, names.production)}`;
  return { kind: 'basis', basis: { own, tables: `${ofQuery.token}\n${ofCatalog.token}` } };
}

function unknownOf(reason: string): FoundBasis {
  return { kind: 'unknown', reason };
}
