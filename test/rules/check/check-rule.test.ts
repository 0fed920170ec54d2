import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { checkRuleFile } from '#rules/check/check-rule.ts';

import { renderComplaints, ruleFile, someOptions } from '../rule-files.ts';

import type { RunOptions } from '#model/run-options.ts';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slurp-check-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function check(name: string, options: Partial<RunOptions> = {}): Promise<readonly string[]> {
  const complaints = await checkRuleFile(ruleFile(name), { ...someOptions, ...options });
  return renderComplaints(complaints).map((line) => line.replaceAll(directory, '/here'));
}

const isAboutFiles = (line: string): boolean =>
  /directory '[^']*'.* (?:do|does) not exist|matches no file to stage/i.test(line);
const isAboutDirectories = (line: string): boolean => / yet: (?:it is|they are) created when jobs need /.test(line);

/** A rule file with one rule without fault, `R`, and further lines in its `params` and `job`. */
function rule(params: string, ...job: readonly string[]): string {
  return `R:
  params:
    name: DST_X_run9pp
    build: new
    dbtag: 2026p001
    script: run.sh
${params}
  input:
    db: fc
    query: select 'a/b' as source, runnumber, segment, filename as files from datasets where true {run_condition}
  filesystem: {outdir: '.', logdir: '.', condor: '.'}
  job:
    arguments: '$(run) $(seg) $(inputs) $(outdir)'
${job.join('\n')}
`;
}

async function checkText(text: string, judge?: (path: string) => Promise<string>): Promise<readonly string[]> {
  const file = join(directory, 'r.yaml');
  await writeFile(file, text);
  const complaints = await checkRuleFile(file, { ...someOptions, submitDirectory: directory }, judge);
  return renderComplaints(complaints).map((line) => line.replaceAll(directory, '/here'));
}

describe('kaedama --check', () => {
  it('reports ten different mistakes at once, each with its place (C-R3)', async () => {
    expect(await check('ten-mistakes')).toMatchInlineSnapshot(`
      [
        "ten-mistakes.yaml:2:1: warning: BROKEN: Directory '/tmp/production/run9pp' does not exist yet: it is created when jobs need it",
        "ten-mistakes.yaml:7:12: error: BROKEN: params.dbtag contains an underscore: '2026_p001': expected no underscore, because it separates the parts of a name",
        "ten-mistakes.yaml:8:14: error: BROKEN: params.version is 0 with the fixed build 'ana.501': expected 1 or more, or no version",
        "ten-mistakes.yaml:10:14: warning: BROKEN: The payload directory '/nowhere/operator/payloads/broken' does not exist: expected a directory in a git checkout",
        "ten-mistakes.yaml:12:10: error: BROKEN: 'lots' is not a memory size: expected a number with a unit, e.g. 4096MB or 1.5G",
        "ten-mistakes.yaml:13:3: error: BROKEN: Unknown key 'inputs': expected 'input'",
        "ten-mistakes.yaml:15:9: error: BROKEN: Unknown database 'filecatalogue': expected 'filecatalog', or another of daq, daqdb, raw, rawdr, fc, fccro, filecatalog, status, statusw",
        "ten-mistakes.yaml:20:13: error: BROKEN: SQL: syntax error at or near "and"",
        "ten-mistakes.yaml:22:16: error: BROKEN: {PWD} {rsync} are not the last two arguments: expected them at the end, where the wrapper looks for them",
        "ten-mistakes.yaml:22:28: error: BROKEN: '{outbas}' is not defined: expected {outbase}, or another field; write {{ and }} for literal braces",
        "ten-mistakes.yaml:22:37: error: BROKEN: '$INT(run,%08s)' is not a macro: expected for example $(name) or $INT(name,%08i)",
        "ten-mistakes.yaml:23:5: error: BROKEN: Unknown submit command 'acounting_group': expected 'accounting_group'",
      ]
    `);
  });

  it.each([
    'aggregate',
    'downstream',
    'join',
    'union',
    'segmented',
    'calibration',
    'unfinished',
    'old-spellings',
    'streams',
    'leftovers',
    'anchors',
    'values',
    'columns',
  ])('says of %s, files put aside', async (name) => {
    expect((await check(name)).filter((line) => !isAboutFiles(line))).toMatchSnapshot();
  });

  it('warns of payload, script and directories that are missing', async () => {
    expect((await check('aggregate')).filter(isAboutFiles)).toMatchInlineSnapshot(`
      [
        "aggregate.yaml:12:14: warning: EVENTS: The payload directory '/nowhere/operator/payloads/events' does not exist: expected a directory in a git checkout",
        "aggregate.yaml:20:18: warning: EVENTS: Directory '/nowhere/physics' does not exist",
        "aggregate.yaml:35:13: warning: EVENTS: Directory '/nowhere/out/ana501_2026p001_v002' and 3 others do not exist yet: they are created when jobs need them",
      ]
    `);
    expect((await check('segmented')).filter(isAboutFiles)).toMatchInlineSnapshot(`
      [
        "segmented.yaml:11:14: warning: TRIGGERED: The payload directory '/nowhere/operator/payloads/trigger' does not exist: expected a directory in a git checkout",
        "segmented.yaml:17:18: warning: TRIGGERED: Directory '/nowhere/physics' does not exist",
        "segmented.yaml:41:13: warning: TRIGGERED: Directory '/nowhere/out' and 1 other do not exist yet: they are created when jobs need them",
      ]
    `);
  });

  it('warns of a script that cannot be run or is not staged, and of nothing where all is there', async () => {
    const payload = join(directory, 'payloads/merge');
    await mkdir(payload, { recursive: true });
    const options = { submitDirectory: directory };
    const aboutScript = async (): Promise<readonly string[]> =>
      (await check('join', options)).filter((line) => !isAboutDirectories(line));
    const missing = ["join.yaml:10:13: warning: MERGED: Script '/here/payloads/merge/merge.sh' does not exist"];
    expect(await aboutScript()).toEqual(missing);
    await writeFile(join(payload, 'other.sh'), '');
    expect(await aboutScript()).toEqual(missing);
    // Not executable: the wrapper makes its copy so.
    await writeFile(join(payload, 'merge.sh'), '#!/bin/sh\n');
    expect(await aboutScript()).toEqual([]);
  });

  it('warns of a program that is not executable only where it is started in its place (C-L3)', async () => {
    const own = rule("    payload: 'p'", "    executable: '{payload}/run.sh'");
    const text = `${own.trimEnd()}\n    transfer_executable: 'false'\n`;
    expect(await checkText(text)).toEqual([
      "r.yaml:7:14: warning: R: The payload directory '/here/p' does not exist: expected a directory in a git checkout",
    ]);
    await mkdir(join(directory, 'p'));
    const program = join(directory, 'p/run.sh');
    expect(await checkText(text)).toEqual([
      "r.yaml:14:17: warning: R: '/here/p/run.sh' is not on this machine: expected a program that workers have",
    ]);
    await writeFile(program, '#!/bin/sh\n');
    expect(await checkText(own)).toEqual([]);
    expect(await checkText(text)).toEqual([
      "r.yaml:14:17: warning: R: '/here/p/run.sh' is not executable: expected chmod +x",
    ]);
    await chmod(program, 0o755);
    expect(await checkText(text)).toEqual([]);
  });

  it("says where 'supervise' changes nothing (C-L4)", async () => {
    const wrapped = await checkText(`${rule("    payload: 'p'", '')}  supervise: false\n`);
    expect(wrapped.filter((line) => line.includes('supervise'))).toMatchInlineSnapshot(`
      [
        "r.yaml:15:14: warning: R: supervise has no effect: the rule has no job.executable, and the wrapper supervises its script",
      ]
    `);
    const param = await checkText(rule("    payload: 'p'\n    supervise: false", "    executable: '{payload}/run.sh'"));
    expect(param.filter((line) => line.includes('supervise'))).toMatchInlineSnapshot(`
      [
        "r.yaml:8:16: warning: R: params.supervise has no effect: expected 'supervise' next to 'params', not in it",
      ]
    `);
  });

  it('asks about each payload directory once, if it is there', async () => {
    const text = [1, 2].map((number) => rule('    payload: p').replace('R:', `R${number}:`)).join('');
    const asked: string[] = [];
    const judge = (path: string): Promise<string> => {
      asked.push(path);
      return Promise.resolve('No checkout');
    };
    expect((await checkText(text, judge)).filter((line) => line.includes('No checkout'))).toEqual([]);
    await mkdir(join(directory, 'p'));
    expect((await checkText(text, judge)).filter((line) => line.includes('No checkout'))).toEqual([
      'r.yaml:7:14: warning: R1: No checkout',
    ]);
    expect(asked).toEqual([join(directory, 'p')]);
  });

  it.each([
    ["    logbase: '$(name)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})'"],
    ["    logbase: '$(name)_$(rungroup)'"],
    ["    logbase: '$(dst)'"],
    ["    logbase: '{stem}'\n    stem: '$(slurp.dstfile)'"],
  ])('says nothing of a log that differs from job to job: %s', async (line) => {
    expect((await checkText(rule(`    payload: p\n${line}`))).filter((one) => one.includes('same log'))).toEqual([]);
  });

  it('warns of a log that all jobs would write', async () => {
    const logbase = "    logbase: '$(name)_$(build)_$(tag)'";
    const output = "    output: '{logbase}.out'";
    expect((await checkText(rule(`    payload: p\n${logbase}`, output))).filter((line) => / same /.test(line))).toEqual(
      [
        "r.yaml:8:14: warning: R: All jobs would write the same log: '$(name)_$(build)_$(tag)': expected $(run) and $(seg) in it, e.g. $INT(run,{RUNFMT})-$INT(seg,{SEGFMT})",
      ],
    );
    expect(
      (await checkText(rule('    payload: p', "    output: 'x.out'"))).filter((line) => / same /.test(line)),
    ).toEqual([
      "r.yaml:14:13: warning: R: All jobs would write the same output: 'x.out': expected $(run) and $(seg) in it, e.g. $INT(run,{RUNFMT})-$INT(seg,{SEGFMT})",
    ]);
    expect(
      (await checkText(rule('    payload: p', '    output: /dev/null'))).filter((line) => / same /.test(line)),
    ).toEqual([]);
  });

  it('passes on unknown submit commands, and refuses what looks mistyped (C-R17)', async () => {
    const keys = [
      "    my_farms_own_thing: '1'",
      "    request_memroy: '2GB'",
      "    '+Anything': '1'",
      "    nice_user: 'true'",
    ];
    expect(
      (await checkText(rule('    payload: p', ...keys))).filter((line) => line.includes('submit command')),
    ).toEqual([
      "r.yaml:14:5: warning: R: Unknown submit command 'my_farms_own_thing': expected an HTCondor command; it is passed on",
      "r.yaml:15:5: error: R: Unknown submit command 'request_memroy': expected 'request_memory'",
    ]);
  });

  it('names macros as they are written, and what was meant', async () => {
    const macros = "    output: '$(outDri)/$(LastRun)-$(run)'";
    expect((await checkText(rule('    payload: p', macros))).filter((line) => line.includes('is not defined'))).toEqual(
      [
        "r.yaml:14:14: error: R: '$(outDri)' is not defined: expected a column 'outdri' in the query, or $(outdir)",
        "r.yaml:14:24: warning: R: '$(LastRun)' is not defined: it is empty in each job: expected a column 'lastrun' in the query, or $(lastrun:)",
      ],
    );
  });

  it.each([
    [
      'DST_{{streamname}}_run9pp',
      "16: error: R: '{{streamname}}' puts literal braces into the name: expected $(streamname) where",
    ],
    [
      'DST_{{x}}_run9pp',
      "16: error: R: '{{x}}' puts literal braces into the name: expected one pair of braces, {x}, for the value of a param",
    ],
    [
      'DST_$(foo)_run9pp',
      "11: error: R: '$(foo)' in params.name: 'DST_$(foo)_run9pp': expected $(streamname), the one macro",
    ],
  ])('says of the name %s what would do', async (name, complaint) => {
    const text = rule('    payload: p').replace('name: DST_X_run9pp', `name: '${name}'`);
    expect((await checkText(text)).filter((line) => line.includes(': error: '))).toEqual([
      expect.stringMatching(/^r\.yaml:3:/),
    ]);
    expect((await checkText(text)).join('\n')).toContain(complaint);
  });

  it('says that a file cannot be read', async () => {
    await expect(checkRuleFile('/nowhere.yaml', someOptions)).rejects.toMatchObject({ code: 'rule-file-unreadable' });
  });
});
