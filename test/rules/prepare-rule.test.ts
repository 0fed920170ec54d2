import { describe, expect, it } from 'vitest';

import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { prepared, readRule, renderComplaints, someOptions } from './rule-files.ts';

import type { RunOptions } from '#model/run-options.ts';

const shapes = ['aggregate', 'downstream', 'join', 'union', 'segmented', 'calibration', 'unfinished', 'old-spellings'];

describe('finished SQL', () => {
  it.each(shapes)('of the shape %s, and the same to be wrapped as a subquery (C-R5)', async (shape) => {
    const { query } = await prepared(shape, undefined, { limit: 100, segments: { kind: 'range', first: 0, last: 9 } });
    expect(query.finished).toMatchSnapshot();
    expect(query.finished.startsWith(query.text)).toBe(true);
    expect(query.text).not.toMatch(/;\s*$/);
  });

  it('has the condition of every selection', async () => {
    const rule = await readRule('join');
    const condition = (options: Partial<RunOptions>): string | undefined => {
      const preparation = prepareRule(rule, { ...someOptions, ...options });
      return preparation.kind === 'prepared'
        ? /'new_2026p001' (.*)$/m.exec(preparation.prepared.query.finished)?.[1]
        : undefined;
    };
    expect(condition({ runs: { kind: 'one', run: 5 } })).toBe('and runnumber=5 ');
    expect(condition({ runs: { kind: 'list', runs: [5, 6] } })).toBe('and runnumber in ( 5,6 )');
    expect(condition({ runs: { kind: 'cursor', window: 10 }, cursor: 90 })).toBe(
      'and runnumber>=90 and runnumber<=90+10 ',
    );
  });

  it('fills params as written, options, parts of the rule, and doubled braces (C-R5)', async () => {
    expect((await prepared('leftovers', undefined, { nevents: 5 })).query.text).toMatchInlineSnapshot(`
      "select 'fc/datasets' as source, runnumber, segment, filename as files from datasets
      where filename ~ '^DST.{1,3}x' and dataset = '2026p001' and events > 5 and runnumber>=22000 and runnumber<=22100"
    `);
  });
});

it('warns of a cursor that the query does not look at, and not of runs or segments, which always choose (C-S5)', async () => {
  const rule = await readRule('aggregate');
  const warnings = (query: string, options: Partial<RunOptions>): readonly string[] =>
    prepareRule({ ...rule, input: { ...rule.input, query } }, { ...someOptions, ...options }).complaints.map(
      ({ message }) => message,
    );
  const warning = 'The query has no {run_condition}, so the cursor does not limit its rows';
  const query = 'select 1 as runnumber';
  expect(warnings(query, { runs: { kind: 'cursor', window: 5 } })).toContain(warning);
  expect(warnings(query, { runs: { kind: 'cursor' }, cursor: 7 })).toContain(warning);
  expect(warnings(query, { runs: { kind: 'cursor' }, cursor: 0 })).toEqual([]);
  expect(warnings(query, { runs: { kind: 'one', run: 7 }, segments: { kind: 'one', segment: 3 } })).toEqual([]);
  expect(warnings(`${query} where true {run_condition}`, { runs: { kind: 'cursor' }, cursor: 7 })).toEqual([]);
});

describe('names', () => {
  it('are put together from the rule', async () => {
    const rule = await prepared('aggregate');
    expect(rule.names).toMatchInlineSnapshot(`
      {
        "buildarg": "ana.501",
        "dataset": "ana501_2026p001_v002",
        "leafdir": "DST_EVENTS",
        "production": {
          "build": "ana501",
          "dsttype": "DST_EVENTS_run9pp",
          "tag": "2026p001",
          "version": 2,
        },
        "runname": "run9pp",
      }
    `);
  });

  it('have no version where the rule has none (C-N4)', async () => {
    const { names, batchName } = await prepared('join');
    expect([names.dataset, names.production.version, batchName]).toEqual([
      'new_2026p001',
      undefined,
      'DST_MERGED_run9pp_new_2026p001',
    ]);
  });

  it('have version 0 where the rule says so', async () => {
    const { names } = await prepared('union');
    expect([names.dataset, names.production.version]).toEqual(['new_nocdbtag_v000', 0]);
  });

  it('hold a stream that the query gives, or one that is a param (C-R6)', async () => {
    const many = await prepared('streams', 'MANY_STREAMS');
    expect(many.names).toMatchObject({
      production: { dsttype: 'DST_STREAMING_EVENT_$(streamname)_run9auau' },
      runname: 'run9auau',
      leafdir: 'DST_STREAMING_EVENT_$(streamname)',
    });
    expect(many.batchName).toBe('DST_STREAMING_EVENT_X_run9auau_new_nocdbtag_v000');
    const one = await prepared('streams', 'ONE_STREAM');
    expect(one.names.production.dsttype).toBe('DST_HIT_INTT0_run9pp');
    expect(one.query.text).toContain("'DST_STREAMING_EVENT_INTT0_run9pp%'");
  });

  it('cannot be made of a stream that nothing gives (C-R6)', async () => {
    const preparation = prepareRule(await readRule('streams', 'NO_STREAM'), someOptions);
    expect(preparation.kind).toBe('refused');
    expect(renderComplaints(preparation.complaints)).toMatchInlineSnapshot(`
      [
        "streams.yaml:46:19: error: NO_STREAM: '{streamname}' is not defined: expected $(streamname) where the query has a column 'streamname', or params.streamname",
        "streams.yaml:60:48: error: NO_STREAM: '{streamfile}' is not defined: expected $(streamfile) where the query has a column 'streamfile', or params.streamfile",
      ]
    `);
  });
});

describe('options', () => {
  it('override tag, memory, name and staged files (C-K12, C-R16)', async () => {
    const rule = await prepared('aggregate', undefined, {
      dbtag: '2026p009',
      mangleDstname: 'TST',
      appendToRsync: 'extra.json',
      batchName: 'mine_$(tag)',
    });
    expect(rule.names).toMatchObject({ production: { tag: '2026p009', dsttype: 'TST_EVENTS_run9pp' } });
    expect(rule.rsync).toBe('./payloads/events/*,cups.py,extra.json');
    expect(rule.batchName).toBe('mine_2026p009');
  });

  it('choose the input dataset and mask subsystems (C-R7)', () => {
    const text = `R:
  params: {name: DST_X_run9pp, build: new, dbtag: 2026p001, payload: ., script: x.sh, dataset: old, required: " tpc  intt gl1 "}
  input: {db: fc, query: "select '{dataset}' as source, '{required}' as x where true {run_condition}"}
`;
    const { rules } = parseRuleFile(text, '/r.yaml');
    const [rule] = rules;
    if (rule === undefined) throw new Error('no rule');
    const query = (options: Partial<RunOptions>): string | undefined => {
      const preparation = prepareRule(rule, { ...someOptions, runs: { kind: 'one', run: 1 }, ...options });
      return preparation.kind === 'prepared'
        ? preparation.prepared.query.text
        : renderComplaints(preparation.complaints).join();
    };
    expect(query({})).toBe("select 'old' as source, 'tpc intt gl1' as x where true and runnumber=1");
    expect(query({ inputDataset: 'new', mask: ['intt', 'tp'] })).toBe(
      "select 'new' as source, 'tpc gl1' as x where true and runnumber=1",
    );
  });

  it('cannot replace a dataset that is not there', async () => {
    const preparation = prepareRule(await readRule('join'), { ...someOptions, inputDataset: 'x' });
    expect(renderComplaints(preparation.complaints)).toMatchInlineSnapshot(`
      [
        "join.yaml:4:5: error: MERGED: '--input-dataset x' has no params.dataset to replace: expected a rule with params.dataset, or no --input-dataset",
      ]
    `);
  });

  it('choose the directories of the inputs by the experiment mode (C-R5)', async () => {
    expect((await prepared('aggregate')).directPath).toBe('/nowhere/physics/*/physics');
    expect((await prepared('aggregate', undefined, { experimentMode: 'beam' })).directPath).toBe(
      '/nowhere/beam/*/physics',
    );
    expect((await prepared('union')).directPath).toBe('/nowhere/physics/STREAMING');
  });
});

describe('refusals', () => {
  const base = 'name: DST_X_run9pp, build: new, build_name: new, dbtag: 2026p001, payload: ., script: x.sh, rsync: a';
  const complaintsOf = (params: string, more = '  job: {arguments: "$(run) {PWD} {rsync}"}'): readonly string[] => {
    const text = `R:\n  params: {${params}}\n  input: {db: fc, query: "select 1 {run_condition}"}\n${more}\n`;
    const { rules, complaints } = parseRuleFile(text, '/r.yaml');
    return renderComplaints([...complaints, ...rules.flatMap((rule) => prepareRule(rule, someOptions).complaints)]);
  };

  it.each([
    [base],
    [`${base}, version: 1`],
    [`${base.replace('build: new', 'build: ana.5')}, version: 0`],
    [base.replace('2026p001', '2026_p001')],
    [base.replace('build_name: new', 'build_name: newer')],
    [base.replace('DST_X', 'DST-X')],
    [`${base}, args: 1, outdir: 2`],
    [`${base}, mem: much`],
    [base.replace('payload: ., ', '').replace('script: x.sh, ', '')],
    [`${base}, logbase: "{nothing}"`],
    [base.replace('rsync: a', 'rsync: "a, b"')],
  ])('of params {%s}', (params) => {
    expect(complaintsOf(params)).toMatchSnapshot();
  });

  it.each([
    ['  job: {arguments: "{PWD} {rsync} x"}'],
    ['  job: {arguments: "x"}'],
    ['  job: {executable: run.sh, arguments: "{PWD} {rsync} x"}'],
    ['  job: {argument: "x"}'],
    ['  job: {something_else: "x", +Mine: "5", MY.Own: "6", transfer_plugins: x}'],
    ['  filesystem: {outdir: "{nothing}/$(outdir)"}'],
    ['  job: {arguments: "{PWD} {rsync}", output: "$ENV(HOME)/x $INT(run,%s)"}'],
  ])('of a rule with %s', (more) => {
    expect(complaintsOf(base, more)).toMatchSnapshot();
  });
});
