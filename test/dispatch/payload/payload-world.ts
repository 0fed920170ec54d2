import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { expect } from 'vitest';

import { surveyPayload } from '#dispatch/payload/survey/survey-payload.ts';
import { defaultRunOptions } from '#model/run-options.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';
import { runCommand } from '#util/run-command.ts';

import type { PayloadSite, PayloadSurvey } from '#dispatch/payload/survey/survey-payload.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** A submit directory `prod` with a clone of a bare `origin` in it, and a site beside it. */
export interface PayloadWorld {
  readonly root: string;
  /** Where kaedama is called: `root/prod`. */
  readonly submit: string;
  /** The checkout: `root/prod/code`. */
  readonly code: string;
  readonly site: PayloadSite;
  git(directory: string, ...args: readonly string[]): Promise<string>;
  /** Writes files below the submit directory, `-> TARGET` as links, `#!` as programs. */
  put(files: Readonly<Record<string, string>>): Promise<void>;
  /** Commits all of the checkout and pushes it. */
  publish(): Promise<void>;
  survey(rule: PreparedRule): Promise<PayloadSurvey>;
  close(): Promise<void>;
}

/** Opens a {@link PayloadWorld}: `code/calo/run.sh`, `code/calo/Fun.C`, published. */
export async function openPayloadWorld(): Promise<PayloadWorld> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-payload-'));
  const [submit, code] = [join(root, 'prod'), join(root, 'prod', 'code')];
  const git = async (directory: string, ...args: readonly string[]): Promise<string> => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main'];
    const allow = ['-c', 'protocol.file.allow=always'];
    const result = await runCommand('git', [...identity, ...allow, '-C', directory, ...args]);
    expect(result.stderr + String(result.exitCode)).toMatch(/0$/u);
    return result.stdout.trim();
  };
  const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(submit, name);
      await mkdir(dirname(path), { recursive: true });
      if (text.startsWith('-> ')) await symlink(text.slice(3), path);
      else await writeFile(path, text);
      if (text.startsWith('#!')) await chmod(path, 0o755);
    }
  };
  const publish = async (): Promise<void> => {
    await git(code, 'add', '--all', '.');
    await git(code, 'commit', '--quiet', '--allow-empty', '-m', 'one');
    await git(code, 'push', '--quiet', 'origin', 'HEAD:main');
  };
  const site: PayloadSite = {
    ...{ stateDirectory: join(root, 'site'), spoolDirectory: join(root, 'site', 'spool') },
    payloads: { directory: join(root, 'site', 'payloads'), limitBytes: 1e9, keepMs: 1e9 },
  };
  await mkdir(join(root, 'origin'));
  await mkdir(submit);
  await git(join(root, 'origin'), 'init', '--quiet', '--bare');
  await git(submit, 'clone', '--quiet', join(root, 'origin'), 'code');
  await put({ 'code/calo/run.sh': '#!/bin/sh\necho A\n', 'code/calo/Fun.C': 'A' });
  await publish();
  return {
    ...{ root, submit, code, site, git, put, publish },
    survey: (rule) => surveyPayload(rule, site),
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** A rule of this payload, ready; parts of its `params` and `job` may be replaced or added. */
export function prepareRuleOf(
  submit: string,
  params: Readonly<Record<string, string>> = {},
  job: Readonly<Record<string, string>> = {},
): PreparedRule {
  const write = (values: Readonly<Record<string, string>>): string =>
    Object.entries(values)
      .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`)
      .join('');
  const text = `
TEST:
  params:
${write({
  ...{ name: 'DST_TEST_run2pp', build: 'ana.437', dbtag: '2024p007', script: 'run.sh', payload: './code/calo/' },
  ...{ rsync: './code/calo/*', ...params },
})}
    version: 1
  input:
    db: fc
    query: select 'x' as source, 1 as runnumber, 0 as segment, 'f' as files
  filesystem:
    outdir: "{PWD}/out"
    logdir: "{PWD}/log"
    condor: "{PWD}/condor"
  job:
${write({ arguments: '$(nevents) $(run) $(seg) $(outdir) {PWD} {rsync}', log: '{condor}/$(run).log', ...job })}`;
  const { rules, complaints } = parseRuleFile(text, join(submit, 'test.yaml'));
  const [rule] = rules;
  if (rule === undefined) throw new Error(JSON.stringify(complaints));
  const options = { ...defaultRunOptions, submitDirectory: submit, now: '2026-11-24T08:00:00.000Z' };
  const preparation = prepareRule(rule, options);
  if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
  return preparation.prepared;
}
