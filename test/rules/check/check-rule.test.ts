import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunOptions } from '#model/run-options.ts';
import { checkRuleFile } from '#rules/check/check-rule.ts';
import { renderComplaints, ruleFile, someOptions } from '../rule-files.ts';

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

const isAboutFiles = (line: string): boolean => /: No (?:payload )?directory |: Nothing to stage for /.test(line);

describe('kaedama --check', () => {
  it('says ten different mistakes at once, each with its place (C-R3)', async () => {
    expect(await check('ten-mistakes')).toMatchInlineSnapshot(`
      [
        "ten-mistakes.yaml:2:1: warning: BROKEN: No directory '/tmp/production/run9pp' yet; it is made when jobs need it",
        "ten-mistakes.yaml:7:12: error: BROKEN: Underscore in params.dbtag: '2026_p001', expected none, it separates the parts of a name",
        "ten-mistakes.yaml:8:14: error: BROKEN: params.version 0 with the fixed build 'ana.501', expected 1 or more, or no version at all",
        "ten-mistakes.yaml:10:14: warning: BROKEN: No payload directory '/nowhere/operator/payloads/broken', expected a directory in a git checkout",
        "ten-mistakes.yaml:11:12: warning: BROKEN: Nothing to stage for 'payloads/broken/*'",
        "ten-mistakes.yaml:12:10: error: BROKEN: Not a memory size: 'lots', expected a number with unit, e.g. 4096MB",
        "ten-mistakes.yaml:13:3: error: BROKEN: Unknown key 'inputs', expected 'input'",
        "ten-mistakes.yaml:15:9: error: BROKEN: Unknown database 'filecatalogue', expected 'filecatalog', or another of daq, daqdb, raw, rawdr, fc, fccro, filecatalog, status, statusw",
        "ten-mistakes.yaml:20:13: error: BROKEN: Not SQL: syntax error at or near "and"",
        "ten-mistakes.yaml:22:16: error: BROKEN: {PWD} {rsync} are not the last two arguments, expected them last, because the wrapper looks for them there",
        "ten-mistakes.yaml:22:28: error: BROKEN: Nothing provides '{outbas}', expected {outbase}, or another field; write {{ and }} for braces that are meant as such",
        "ten-mistakes.yaml:22:37: error: BROKEN: Not a macro: '$INT(run,%08s)', expected $(name), $INT(name,%08i) or the like",
        "ten-mistakes.yaml:23:5: error: BROKEN: Unknown submit command 'acounting_group', expected 'accounting_group'",
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
        "aggregate.yaml:12:14: warning: EVENTS: No payload directory '/nowhere/operator/payloads/events', expected a directory in a git checkout",
        "aggregate.yaml:13:12: warning: EVENTS: Nothing to stage for './payloads/events/*'",
        "aggregate.yaml:20:18: warning: EVENTS: No directory '/nowhere/physics'",
        "aggregate.yaml:35:13: warning: EVENTS: No directory '/nowhere/out/ana501_2026p001_v002' yet; it is made when jobs need it",
        "aggregate.yaml:36:13: warning: EVENTS: No directory '/nowhere/log' yet; it is made when jobs need it",
        "aggregate.yaml:37:14: warning: EVENTS: No directory '/nowhere/hist' yet; it is made when jobs need it",
        "aggregate.yaml:38:13: warning: EVENTS: No directory '/nowhere/condor/run9pp' yet; it is made when jobs need it",
      ]
    `);
    expect((await check('segmented')).filter(isAboutFiles)).toMatchInlineSnapshot(`
      [
        "segmented.yaml:11:14: warning: TRIGGERED: No payload directory '/nowhere/operator/payloads/trigger', expected a directory in a git checkout",
        "segmented.yaml:12:12: warning: TRIGGERED: Nothing to stage for 'payloads/trigger/*'",
        "segmented.yaml:17:18: warning: TRIGGERED: No directory '/nowhere/physics'",
        "segmented.yaml:41:13: warning: TRIGGERED: No directory '/nowhere/out' yet; it is made when jobs need it",
        "segmented.yaml:42:13: warning: TRIGGERED: No directory '/nowhere/condor' yet; it is made when jobs need it",
      ]
    `);
  });

  it('warns of a script that cannot be run or is not staged, and of nothing where all is there', async () => {
    const payload = join(directory, 'payloads/merge');
    await mkdir(payload, { recursive: true });
    const options = { submitDirectory: directory };
    const aboutScript = async (): Promise<readonly string[]> =>
      (await check('join', options)).filter((line) => !line.includes('/sphenix/') && !line.includes('/tmp/production'));
    expect(await aboutScript()).toMatchInlineSnapshot(`
      [
        "join.yaml:10:13: warning: MERGED: No script '/here/payloads/merge/merge.sh'",
        "join.yaml:12:12: warning: MERGED: Nothing to stage for 'payloads/merge/*'",
      ]
    `);
    await writeFile(join(payload, 'other.sh'), '');
    expect(await aboutScript()).toMatchInlineSnapshot(`
      [
        "join.yaml:10:13: warning: MERGED: No script '/here/payloads/merge/merge.sh'",
        "join.yaml:12:12: warning: MERGED: The script 'merge.sh' is not among what is staged: 'payloads/merge/*', expected its directory with /* behind it",
      ]
    `);
    await writeFile(join(payload, 'merge.sh'), '#!/bin/sh\n');
    expect(await aboutScript()).toMatchInlineSnapshot(`
      [
        "join.yaml:10:13: warning: MERGED: '/here/payloads/merge/merge.sh' is not executable, expected chmod +x",
      ]
    `);
    await chmod(join(payload, 'merge.sh'), 0o755);
    expect(await aboutScript()).toEqual([]);
  });

  it('says that a file cannot be read', async () => {
    await expect(checkRuleFile('/nowhere.yaml', someOptions)).rejects.toMatchObject({ code: 'rule-file-unreadable' });
  });
});
