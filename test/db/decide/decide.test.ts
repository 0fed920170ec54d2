import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { RuleError } from '#model/errors.ts';
import { withoutStatementEnd } from '#rules/text/without-statement-end.ts';

import { testDatabase, testDatabases } from '../test-database.ts';
import { decideIn, eachOf, emptyWorld, makeProposals, makeRequest, openAll, putWorld } from './world.ts';

import type { DecisionRequest } from '#db/decide/decision-request.ts';
import type { Verdict } from '#model/verdict.ts';

import type { TestDatabase } from '../test-database.ts';
import type { Ask, Databases, Proposal, World } from './world.ts';

const name = 'DST_X_run2pp_new_2024p001';
const product = (run: number, segment = 0, dstname = name): string =>
  `${dstname}-${String(run).padStart(8, '0')}-${String(segment).padStart(5, '0')}`;
const proposal = (run: number, more: Partial<Proposal> = {}): Proposal => ({
  run,
  segment: 0,
  files: 'a.evt',
  ...more,
});
const fileA = { lfn: 'a.evt', path: '/lustre/a.evt' };
const fileB = { lfn: 'b.evt', path: '/lustre/b.evt' };

describe.each([
  ['one database', testDatabase],
  ['a database for every role', testDatabases],
])('in %s', (_, make) => {
  let given: TestDatabase;
  let open: Databases;

  beforeAll(async () => {
    given = await make();
    open = openAll(given.roles);
    await makeProposals(open);
  });

  afterAll(async () => {
    await open.close();
    await given.close();
  });

  beforeEach(() => putWorld(open, emptyWorld));

  /** Verdicts that occur, with their counts, and the ready products. */
  async function verdictsOf(world: Partial<World>, ask: Ask = {}) {
    await putWorld(open, { ...emptyWorld, files: [fileA, fileB], ...world });
    const { funnel, ready } = await decideIn(open, makeRequest(ask));
    const counts = Object.entries(funnel.counts).filter(([, count]) => count > 0);
    const occurring: Partial<Record<Verdict, number>> = Object.fromEntries(counts);
    return { ...funnel, counts: occurring, ready };
  }

  async function readyOf(query: string, more: Ask = {}) {
    const { ready } = await decideIn(open, makeRequest({ query: withoutStatementEnd(query), ...more }));
    return ready;
  }

  async function errorOf(query: string, more: Partial<DecisionRequest['query']> = {}): Promise<RuleError> {
    const request = makeRequest({ query });
    const error: unknown = await decideIn(open, { ...request, query: { ...request.query, ...more } }).catch(
      (thrown: unknown) => thrown,
    );
    if (error instanceof RuleError) return error;
    throw new Error(`No RuleError but ${String(error)}`);
  }

  describe('verdicts', () => {
    it('says ready with everything that a job needs', async () => {
      const { ready } = await verdictsOf({
        proposals: [proposal(22026, { segment: 7, files: 'b.evt a.evt', ranges: 'b:0:9 a:0:9', firstevent: 0 })],
      });
      expect(ready).toEqual([
        {
          ordinal: 1,
          run: 22026,
          segment: 7,
          dsttype: 'DST_X_run2pp',
          dstname: name,
          dstfile: product(22026, 7),
          source: 'daq/proposal',
          inputs: '/lustre/b.evt,/lustre/a.evt',
          ranges: 'b:0:9,a:0:9',
          extra: { firstevent: '0' },
        },
      ]);
    });

    it('leaves out what was not asked for before anything else is asked (C-S5)', async () => {
      const world = {
        proposals: [proposal(1), proposal(1, { segment: 1 }), proposal(2), proposal(3), proposal(3, { files: null })],
        attempts: [{ dstfile: product(2), state: 'finished' } as const],
        invalid: [{ dstname: 'all', runs: [3, 3] } as const],
      };
      const one = await verdictsOf(world, { selection: { runs: { kind: 'one', run: 1 } } });
      expect(one.counts).toEqual({ 'not-selected': 3, ready: 2 });
      expect(one.ready.map(({ run, segment }) => [run, segment])).toEqual([
        [1, 0],
        [1, 1],
      ]);
      expect([one.candidates, one.faults.rejected, one.blockedByState]).toEqual([5, 0, {}]);
      const range = await verdictsOf(world, { selection: { runs: { kind: 'range', first: 2, last: 3 } } });
      expect(range.counts).toEqual({ 'not-selected': 2, 'invalid-run': 1, blocked: 1 });
      const list = await verdictsOf(world, { selection: { runs: { kind: 'list', runs: [1, 2] } }, cap: 1 });
      expect(list.counts).toEqual({ 'not-selected': 2, blocked: 1, 'over-limit': 1, ready: 1 });
      const segments = { kind: 'list', segments: [1, 7] } as const;
      expect((await verdictsOf(world, { selection: { segments } })).counts).toEqual({ 'not-selected': 4, ready: 1 });
    });

    it('rejects a row whose number is null, whatever was asked for (C-S5)', async () => {
      const selection = { runs: { kind: 'list', runs: [1] }, segments: { kind: 'one', segment: 0 } } as const;
      const proposals = [proposal(1, { segment: null }), { ...proposal(1), run: null }, proposal(1)];
      const decided = await verdictsOf({ proposals }, { selection });
      expect([decided.faults.rejected, decided.counts]).toEqual([2, { ready: 1 }]);
    });

    it('puts an invalid run before a blocked one, and that before what exists (C-D1, C-D2)', async () => {
      const everything = {
        proposals: [proposal(1)],
        attempts: [{ dstfile: product(1), state: 'failed' } as const],
        datasets: [`${product(1)}.root`],
      };
      const entry = { dstname: 'all', runs: [1, 1] } as const;
      expect((await verdictsOf({ ...everything, invalid: [entry] })).counts).toEqual({ 'invalid-run': 1 });
      expect((await verdictsOf(everything)).counts).toEqual({ blocked: 1 });
      expect((await verdictsOf({ ...everything, attempts: [] })).counts).toEqual({ exists: 1 });
    });

    it('puts what exists before duplicates, these before missing inputs, and the limit last (C-D2)', async () => {
      const twice = [proposal(1, { files: 'no.evt' }), proposal(1, { files: 'a.evt' })];
      expect((await verdictsOf({ proposals: twice, datasets: [`${product(1)}.prdf`] })).counts).toEqual({ exists: 2 });
      expect((await verdictsOf({ proposals: twice })).counts).toEqual({ duplicate: 2 });
      const rows = [proposal(1, { files: 'no.evt' }), proposal(2), proposal(3)];
      const capped = await verdictsOf({ proposals: rows }, { cap: 1 });
      expect(capped.counts).toEqual({ 'missing-inputs': 1, 'over-limit': 1, ready: 1 });
      expect(capped.ready.map(({ run }) => run)).toEqual([2]);
    });

    it('leaves a retired attempt out of account (C-D5)', async () => {
      const attempts = [{ dstfile: product(1), state: 'running', isRetired: true } as const];
      expect((await verdictsOf({ proposals: [proposal(1)], attempts })).counts).toEqual({ ready: 1 });
    });

    it('counts what blocks by its state, and unblocks states one by one (C-D5)', async () => {
      const world = {
        proposals: [proposal(1), proposal(2), proposal(3)],
        attempts: [
          { dstfile: product(1), state: 'failed' },
          { dstfile: product(2), state: 'held' },
          { dstfile: product(3), state: 'failed' },
        ] as const,
      };
      expect((await verdictsOf(world)).blockedByState).toEqual({ failed: 2, held: 1 });
      const unblocked = await verdictsOf(world, { unblockStates: ['failed'] });
      expect(unblocked.blockedByState).toEqual({ held: 1 });
      expect(unblocked.ready.map(({ run, replaces }) => [run, replaces])).toEqual([
        [1, 1],
        [3, 3],
      ]);
    });

    it('redoes what exists only if requested, and never what is blocked (C-D6)', async () => {
      const world = { proposals: [proposal(1)], datasets: [`${product(1)}.root`] };
      expect((await verdictsOf(world, { isResubmit: true })).counts).toEqual({ ready: 1 });
      const attempts = [{ dstfile: product(1), state: 'finished' } as const];
      expect((await verdictsOf({ ...world, attempts }, { isResubmit: true })).counts).toEqual({ blocked: 1 });
    });

    it('leaves out only the candidate that lacks an input (C-D9)', async () => {
      const proposals = [proposal(1, { files: 'a.evt no.evt' }), proposal(2, { files: 'a.evt b.evt' })];
      const { counts, warnings } = await verdictsOf({ proposals });
      expect(counts).toEqual({ 'missing-inputs': 1, ready: 1 });
      expect(warnings).toEqual([
        {
          kind: 'missing-inputs',
          count: 1,
          message: "1 candidate lacks inputs, e.g. run 1 segment 0: 'no.evt' (kaedama … --why 1 0)",
        },
      ]);
    });

    it('names the first input that the first of many candidates lacks', async () => {
      const lacking = [4, 2, 3].map((run) => proposal(run, { files: '\n a.evt  no.evt nor.evt' }));
      const { counts, warnings } = await verdictsOf({ proposals: [proposal(1, { files: 'a.evt' }), ...lacking] });
      expect(counts).toEqual({ 'missing-inputs': 3, ready: 1 });
      expect(warnings.map(({ message }) => message)).toEqual([
        "3 candidates lack inputs, e.g. run 4 segment 0: 'no.evt' (kaedama … --why 4 0)",
      ]);
    });

    it('rejects rows that name no product, and says why (C-D10)', async () => {
      const proposals = [
        proposal(1, { run: null }),
        proposal(2, { segment: null }),
        proposal(3, { files: null }),
        proposal(4, { files: ' \n ' }),
        proposal(3_000_000_000),
        proposal(6),
      ];
      const { faults, candidates, rows, warnings } = await verdictsOf({ proposals });
      expect({ faults, candidates, rows }).toEqual({ faults: { rejected: 5, repeated: 0 }, candidates: 1, rows: 6 });
      expect(warnings.map(({ message }) => message)).toEqual([
        "2 rows left out: 'files' is null or empty, e.g. of run 3",
        "2 rows left out: 'runnumber' is null, negative or not a whole number",
        "1 row left out: 'segment' is null, negative or not a whole number, e.g. of run 2",
      ]);
    });

    it('takes one of several equal rows, and none of several different ones (C-D8)', async () => {
      const proposals = [proposal(1), proposal(1), proposal(2), proposal(2, { ranges: 'a:0:9' }), proposal(2)];
      const { faults, counts, ready, warnings } = await verdictsOf({ proposals });
      expect({ faults, counts }).toEqual({ faults: { rejected: 0, repeated: 2 }, counts: { duplicate: 2, ready: 1 } });
      expect(ready.map(({ ordinal }) => ordinal)).toEqual([1]);
      expect(warnings).toEqual([
        { kind: 'repeated-rows', count: 2, message: '2 rows left out: same as an earlier row' },
      ]);
    });
  });

  describe('names', () => {
    const versioned = (version: string): string => product(1, 0, `${name}_${version}`);

    it('takes an attempt or a file with v000 for the product of a rule without version (C-D4)', async () => {
      const attempts = [{ dstfile: versioned('v000'), state: 'running' } as const];
      expect((await verdictsOf({ proposals: [proposal(1)], attempts })).counts).toEqual({ blocked: 1 });
      const datasets = [`${versioned('v000')}.root`];
      expect((await verdictsOf({ proposals: [proposal(1)], datasets })).counts).toEqual({ exists: 1 });
      const replaced = await verdictsOf({ proposals: [proposal(1)], attempts }, { unblockStates: ['running'] });
      expect(replaced.ready.map(({ dstfile, replaces }) => [dstfile, replaces])).toEqual([[product(1), 1]]);
    });

    it('does not take a name without version for the product of a rule with version 0 (C-D4)', async () => {
      const world = {
        proposals: [proposal(1)],
        attempts: [{ dstfile: product(1), state: 'running' } as const],
        datasets: [`${product(1)}.root`, `${versioned('v001')}.root`],
      };
      expect((await verdictsOf(world, { version: 0 })).counts).toEqual({ ready: 1 });
      expect((await verdictsOf(world, { version: 1 })).counts).toEqual({ exists: 1 });
    });

    it('makes a product for each stream, and distinguishes them (C-D7)', async () => {
      const dsttype = 'DST_$(streamname)_run2pp';
      const proposals = ['INTT0', 'INTT1', 'not good', null].map((stream) => proposal(1, { stream }));
      const attempts = [{ dstfile: product(1, 0, 'DST_INTT1_run2pp_new_2024p001'), state: 'held' } as const];
      const { counts, faults, ready } = await verdictsOf({ proposals, attempts }, { dsttype });
      expect({ counts, faults }).toEqual({ counts: { blocked: 1, ready: 1 }, faults: { rejected: 2, repeated: 0 } });
      expect(ready[0]).toMatchObject({
        streamname: 'INTT0',
        dsttype: 'DST_INTT0_run2pp',
        dstname: 'DST_INTT0_run2pp_new_2024p001',
        dstfile: 'DST_INTT0_run2pp_new_2024p001-00000001-00000',
      });
    });

    it('recognises an invalid run by dsttype, dstname or all, within its segments and until it expires (C-D3, C-A5)', async () => {
      const at = async (dstname: string, more: object = {}): Promise<object> =>
        (await verdictsOf({ proposals: [proposal(5)], invalid: [{ dstname, runs: [4, -1], ...more }] })).counts;
      for (const known of ['all', 'ALL', 'DST_X_run2pp', name, `${name}_v000`]) {
        expect(await at(known)).toEqual({ 'invalid-run': 1 });
      }
      expect(await at('DST_X')).toEqual({ ready: 1 });
      expect(await at('all', { segments: [1, 9] })).toEqual({ ready: 1 });
      expect(await at('all', { isExpired: true })).toEqual({ ready: 1 });
    });
  });

  describe('inputs', () => {
    it('takes the newest of several copies, else the first by host and path (C-D12)', async () => {
      const copies = [
        { lfn: 'a.evt', path: '/old/a.evt', time: 1 },
        { lfn: 'a.evt', path: '/new/a.evt', time: 2 },
        { lfn: 'b.evt', path: '/z/b.evt', host: 'gpfs', time: 1 },
        { lfn: 'b.evt', path: '/a/b.evt', host: 'lustre', time: 1 },
      ];
      const { ready } = await verdictsOf({ proposals: [proposal(1, { files: 'a.evt b.evt' })], files: copies });
      expect(ready[0]?.inputs).toBe('/new/a.evt,/z/b.evt');
    });

    it('finds names that follow no convention (C-D11)', async () => {
      const strange = ["it's.root", 'back\\slash', 'HIST-_1', '\\N', '%s', '日本.evt', '"quoted"'];
      const files = strange.map((lfn) => ({ lfn, path: `/lustre/${lfn}` }));
      const { ready } = await verdictsOf({ proposals: [proposal(1, { files: strange.join(' ') })], files });
      expect(ready[0]?.inputs).toBe(files.map(({ path }) => path).join(','));
    });

    it('does not take a path under another name, or one that a list cannot hold (C-D11)', async () => {
      const bad = ['/lustre/other', '/with blank/a.evt', '/with,comma/a.evt', '/with\ttab/a.evt', '/with\nline/a.evt'];
      const files = bad.map((path) => ({ lfn: 'a.evt', path }));
      expect((await verdictsOf({ proposals: [proposal(1)], files })).counts).toEqual({ 'missing-inputs': 1 });
    });

    it('passes names on as they are for lfn2lfn (C-D13)', async () => {
      const world = { proposals: [proposal(1, { files: ' x.evt  y.evt ' })], files: [] };
      expect((await verdictsOf(world, { inputs: { kind: 'names' } })).ready[0]?.inputs).toBe('x.evt,y.evt');
    });

    it('takes the last path in order of a basename that is listed twice, and warns (C-D14)', async () => {
      const listed = ['/b/a.evt', '/c/a.evt', '/a/a.evt', '/a/tab\tand\\.evt', '/a/new\nline'].map((path) => ({
        basename: path.split('/').at(-1) ?? '',
        path,
      }));
      const inputs = { kind: 'listing', files: eachOf(listed) } as const;
      const { ready, warnings } = await verdictsOf({ proposals: [proposal(1)], files: [] }, { inputs });
      expect(ready[0]?.inputs).toBe('/c/a.evt');
      expect(warnings).toEqual([
        {
          kind: 'listed-twice',
          count: 1,
          message: "1 basename listed more than once, e.g. 'a.evt': the last path in sort order is used",
        },
      ]);
    });

    it('does not read a listing for which no candidate is left', async () => {
      const attempts = [{ dstfile: product(1), state: 'finished' } as const];
      async function* unread(): AsyncGenerator<never> {
        yield await Promise.reject(new Error('The listing was read'));
      }
      const ask = { inputs: { kind: 'listing', files: unread() } } as const;
      expect((await verdictsOf({ proposals: [proposal(1)], attempts }, ask)).counts).toEqual({ blocked: 1 });
    });
  });

  describe('queries', () => {
    const columns = "select 'a/b' as source, 1 as runnumber, 0 as segment, 'x' as files";
    const names: Ask = { inputs: { kind: 'names' } };

    it.each([
      ['semicolons', `${columns};;`],
      ['a comment at the end', `${columns} -- ; the end`],
      ['semicolons, comments and blanks', `${columns} ; /* ; /* nested */ */ ;\n-- ;\n `],
      ['a comment at the beginning', `-- first;\n${columns}`],
      ['a CTE', `with a as (${columns}) select * from a`],
      ['a window function', `select source, row_number() over () as runnumber, segment, files from (${columns}) a`],
      ['a union in brackets', `(${columns}) union all (${columns}) limit 1`],
      ['semicolons in texts', `select ';--' as source, 1 as runnumber, 0 as segment, $x$x$x$ as files;`],
      ['VALUES', `select * from (values ('a', 1, 0, 'x')) v(source, runnumber, segment, files)`],
      ['texts for numbers', `select 'a' as source, ' 1 ' as runnumber, '0'::varchar as segment, 'x'::text as files`],
      ['numeric', `select 'a' as source, 1.0 as runnumber, 0::float8 as segment, 'x' as files`],
    ])('takes one with %s', async (_title, query) => {
      const [row] = await readyOf(query, names);
      expect(row).toMatchObject({ run: 1, segment: 0, inputs: 'x', dstfile: product(1) });
    });

    it('keeps the order of the query', async () => {
      const query = `select '' as source, n as runnumber, 0 as segment, 'x' as files
        from generate_series(1, 5) n order by n % 3, n desc`;
      expect((await readyOf(query, names)).map(({ run }) => run)).toEqual([3, 4, 1, 5, 2]);
    });

    it('forwards every further column as text, and leaves nulls out (C-D15)', async () => {
      const query = `${columns}, 5 as iteration, null::int as nothing, true as flag, '2024-01-02'::date as day,
        'x"y''\\' as "Odd Name", 1.50 as exact, 0 as zero`;
      expect((await readyOf(query, names))[0]?.extra).toEqual({
        ...{ iteration: '5', flag: 'true', day: '2024-01-02', 'Odd Name': 'x"y\'\\', exact: '1.50', zero: '0' },
      });
      const many = Array.from({ length: 130 }, (_column, index) => `${index} as c${index}`).join(', ');
      expect(Object.keys((await readyOf(`${columns}, ${many}`, names))[0]?.extra ?? {})).toHaveLength(130);
    });

    it('takes the last of two columns of one name, and warns', async () => {
      const { funnel, ready } = await decideIn(open, makeRequest({ ...names, query: `${columns}, 2 as runnumber` }));
      expect(ready.map(({ run }) => run)).toEqual([2]);
      expect(funnel.warnings.map(({ kind }) => kind)).toEqual(['repeated-column']);
    });

    it('names all columns that are missing or of a wrong type at once', async () => {
      const error = await errorOf('select true as runnumber, 1 as files, 2 as more');
      expect(error).toMatchObject({ code: 'rule-columns' });
      expect([error.message, ...error.complaints]).toEqual([
        "Query of rule 'DST_X': 4 columns are missing or of a wrong type; it returns 'runnumber', 'files', 'more'",
        "no column 'source' (text)",
        "column 'runnumber' is not a whole number",
        "no column 'segment' (a whole number)",
        "column 'files' is not text",
      ]);
    });

    it("reports a mistake with the query's own line, and the rule file's", async () => {
      const query = "select 'é' as source,\n  no_such as runnumber\nfrom filelist";
      const error = await errorOf(query, { placeOf: (offset) => ({ line: 100 + offset, column: 7 }) });
      expect(error.message).toBe(
        `Query of rule 'DST_X', line 2 ('no_such as runnumber'): database 'daq' says: column "no_such" does not exist`,
      );
      expect(error.facts).toMatchObject({ queryLine: 2, queryColumn: 3, line: 124, column: 7, state: '42703' });
    });

    it('reports a mistake that only shows when the query runs', async () => {
      const query = "select '' as source, 1 / n as runnumber, 0 as segment, 'x' as files from generate_series(0, 1) n";
      expect((await errorOf(query)).message).toBe("Query of rule 'DST_X': database 'daq' says: division by zero");
    });

    it('refuses two statements, and one that writes (C-D17)', async () => {
      expect((await errorOf(`${columns}; select 2`)).code).toBe('rule-query');
      const writing = "with w as (delete from proposal returning n) select '' as source, 1 as runnumber from w";
      expect((await errorOf(writing)).code).toBe('rule-query');
      const sneaking = `${columns} from (select setval('some_sequence', 5)) s`;
      await open.databases.daq.execute(
        sql`create sequence if not exists ${sql.table(open.databases.daq.role, 'some_sequence')}`,
      );
      expect((await errorOf(sneaking)).message).toContain('read-only transaction');
    });

    it('ends a query that takes too long', async () => {
      const { databases } = open;
      const request = makeRequest({ query: `${columns} from pg_sleep(60)` });
      const { decide } = await import('#db/decide/decide.ts');
      const error = await databases.status
        .session((session) => decide(session, request, { databases, statementTimeoutMs: 100 }))
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: 'rule', code: 'rule-query-timeout' });
    });

    it("finds the tables of its role, not ours of the same name, and leaves the session's path alone", async () => {
      const { catalog, raw } = open.databases;
      await raw.execute(sql`create table if not exists ${sql.table(raw.role, 'candidate')} as
        select 'raw/candidate'::text as source, 7 as runnumber, 0 as segment, 'x'::text as files`);
      const query = 'select * from candidate';
      expect((await readyOf(query, { ...names, role: 'raw' })).map(({ run }) => run)).toEqual([7]);
      await expect(catalog.query(sql`select * from candidate`)).rejects.toThrow('does not exist');
    });
  });
});
