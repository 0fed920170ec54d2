import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

import { surveyPayload } from '#dispatch/payload/survey/survey-payload.ts';

import { openPayloadWorld, prepareRuleOf } from '../payload-world.ts';

import type { PayloadSurvey } from '#dispatch/payload/survey/survey-payload.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { PayloadWorld } from '../payload-world.ts';

let world: PayloadWorld;
beforeEach(async () => {
  world = await openPayloadWorld();
});
afterEach(() => world.close());

const rule = (params = {}, job = {}): PreparedRule => prepareRuleOf(world.submit, params, job);

function filesOf({ manifest }: PayloadSurvey): readonly string[] {
  return manifest.files.map(
    ({ kind, path, target }) => `${kind} ${path}${target === undefined ? '' : ` -> ${target}`}`,
  );
}

async function stagedBy(params = {}, job = {}): Promise<readonly string[]> {
  return filesOf(await world.survey(rule(params, job)));
}

/** What differs, in the checkout of the payload and in others. */
async function differencesOf(params = {}, job = {}): Promise<readonly string[]> {
  const { origin } = await world.survey(rule(params, job));
  return origin.checkouts.flatMap(({ differences }) => differences.map(({ path, what }) => `${path}: ${what}`));
}

describe('what is staged', () => {
  it('is what the items of {rsync} name, under the names that jobs copy them by', async () => {
    await world.put({
      ...{ 'code/calo/sub/deep.C': 'x', 'code/calo/.hidden': 'x', 'macros/a.C': 'x', 'macros/b.txt': 'x' },
      ...{ '../macros/up.C': 'x', '../other/prod.C': 'x' },
    });
    expect(await stagedBy({ rsync: './code/calo/*,macros/*.C,../macros/,code/../macros/b.txt,../*/prod.C' })).toEqual([
      ...['file ../macros/up.C', 'file ../other/prod.C', 'file code/calo/Fun.C', 'program code/calo/run.sh'],
      ...['file code/calo/sub/deep.C', 'file macros/a.C', 'file macros/b.txt'],
    ]);
  });

  it('holds an absolute item below the directory that jobs stage from, as SUBDIR/ITEM reads', async () => {
    await world.put({ '../opt/x.C': 'x', '../opt/d/y.C': 'y' });
    const opt = join(world.root, 'opt');
    expect(await stagedBy({ rsync: `${opt}/*.C,${opt}/d` })).toEqual([
      `file ${opt.slice(1)}/d/y.C`,
      `file ${opt.slice(1)}/x.C`,
    ]);
  });

  it('creates the directories that an item passes through', async () => {
    await mkdir(join(world.submit, 'tools'));
    await world.put({ 'a.C': 'x' });
    expect(await stagedBy({ rsync: 'tools/../a.C' })).toEqual(['file a.C', 'directory tools']);
  });

  it('leaves out commands of ours, secrets, repositories and the site itself', async () => {
    await world.put({
      ...{ 'code/calo/cups.py': 'x', 'code/calo/bachi': 'x', 'code/calo/odbc.ini': 'x', 'code/calo/d/odbc.ini': 'x' },
      ...{ 'code/calo/d/cups.py': 'kept', 'code/calo/init.sh': 'kept', '../site/spool/x': 'x', '.slurp-site/x': 'x' },
    });
    expect(
      await stagedBy({ rsync: './code/calo/*,cups.py,./bachi.py,odbc.ini,.slurp/,init.sh,../site,./code' }),
    ).toEqual([
      ...['file code/calo/Fun.C', 'file code/calo/bachi', 'file code/calo/cups.py', 'file code/calo/d/cups.py'],
      'file code/calo/init.sh',
      'program code/calo/run.sh',
    ]);
  });

  it('stages the contents of the submit directory itself, without hidden files', async () => {
    await world.put({ 'a.C': 'x', '.netrc': 'secret' });
    expect(await stagedBy({ rsync: './' })).toEqual(['file a.C', 'file code/calo/Fun.C', 'program code/calo/run.sh']);
  });

  it('counts a file that a link leads to as the file, and keeps links to what is staged', async () => {
    await world.put({
      ...{ '../common/x.C': 'x', '../common/d/y.C': 'y' },
      ...{ 'code/calo/x.C': '-> ../../../common/x.C', 'code/calo/d': '-> ../../../common/d' },
      ...{ 'code/calo/sub/in.C': '-> ../Fun.C', 'code/calo/sub/out.C': '-> ../../../../common/x.C' },
      ...{ 'code/calo/sub/dir': '-> ../../../../common/d', 'code/calo/sub/none': '-> nowhere' },
    });
    expect(await stagedBy()).toEqual([
      ...['file code/calo/Fun.C', 'file code/calo/d/y.C', 'program code/calo/run.sh'],
      ...['link code/calo/sub/dir -> ../../../../common/d', 'link code/calo/sub/in.C -> ../Fun.C'],
      ...['link code/calo/sub/none -> nowhere', 'file code/calo/sub/out.C', 'file code/calo/x.C'],
    ]);
  });

  it('holds the program of a rule that has its own, and nothing of {rsync} where no argument leads to it', async () => {
    const job = { executable: '{payload}/run.sh', arguments: '$(run)' };
    expect(await stagedBy({}, job)).toEqual(['program code/calo/run.sh']);
    expect(await stagedBy({}, { ...job, arguments: '$(run) {PWD} $(seg) {rsync}' })).toEqual([
      'program code/calo/run.sh',
    ]);
    expect(await stagedBy({}, { ...job, arguments: '$(run) {PWD} {rsync} $(seg) {PWD} {rsync}' })).toEqual([
      'file code/calo/Fun.C',
      'program code/calo/run.sh',
    ]);
  });

  it('has every program that a name with macros may mean', async () => {
    await world.put({ 'code/calo/run_a.sh': '#!/bin/sh\n', 'code/calo/run_b.sh': 'echo' });
    expect(await stagedBy({}, { executable: '{payload}/run_$(kind).sh', arguments: '$(run)' })).toEqual([
      'program code/calo/run_a.sh',
      'file code/calo/run_b.sh',
    ]);
  });

  it('holds what transfer_input_files names for all jobs alike, from where the jobs begin', async () => {
    await world.put({ 'lists/a.list': 'x', 'here/b.list': 'x', 'code/calo/d/y.C': 'y', 'in/run-1.evt': 'x' });
    const job = { executable: 'code/calo/run.sh', arguments: '$(run)', initialdir: 'here' };
    const files = `../{payload},b.list,${world.submit}/lists/a.list,in/run-$(run).evt,https://host/x,cups.py,odbc.ini`;
    const survey = await world.survey(rule({ payload: 'code/calo/' }, { ...job, transfer_input_files: files }));
    expect(filesOf(survey)).toEqual([
      ...['file code/calo/Fun.C', 'file code/calo/d/y.C', 'program code/calo/run.sh', 'file here/b.list'],
      `file ${world.submit.slice(1)}/lists/a.list`,
    ]);
    expect([...survey.moved]).toEqual([
      [join(world.submit, 'code/calo/run.sh'), 'code/calo/run.sh'],
      [join(world.submit, 'code/calo'), 'code/calo'],
      [join(world.submit, 'here/b.list'), 'here/b.list'],
      [join(world.submit, 'lists/a.list'), `${world.submit.slice(1)}/lists/a.list`],
    ]);
  });

  it('records a program that jobs start where it is', async () => {
    const job = { executable: '{payload}/run.sh', arguments: '$(run)', transfer_executable: 'false' };
    expect(await stagedBy({}, job)).toEqual([`in-place ${world.code}/calo/run.sh`]);
    expect(await stagedBy({ script: `${world.code}/calo/run.sh`, rsync: 'code/calo/Fun.C' })).toEqual([
      `in-place ${world.code}/calo/run.sh`,
      'file code/calo/Fun.C',
    ]);
  });

  it('has the same hash in every directory, and another for another content, name or mode', async () => {
    const hash = async (): Promise<string> => (await world.survey(rule())).manifest.hash;
    const first = await hash();
    expect(first).toMatch(/^[0-9a-f]{40}$/u);
    const moved = join(world.root, 'elsewhere');
    await rename(world.submit, moved);
    expect((await world.survey(prepareRuleOf(moved))).manifest.hash).toBe(first);
    await rename(moved, world.submit);
    const others = new Set([first]);
    await world.put({ 'code/calo/Fun.C': 'B' });
    others.add(await hash());
    await rename(join(world.code, 'calo/Fun.C'), join(world.code, 'calo/Fun2.C'));
    others.add(await hash());
    await chmod(join(world.code, 'calo/Fun2.C'), 0o755);
    others.add(await hash());
    expect(others.size).toBe(4);
  });
});

describe('what differs from the commit', () => {
  it('C-P3: is empty for a fresh clone, whatever else is in it', async () => {
    await world.put({ 'code/other.C': 'not staged', 'code/calo/.hidden': 'not staged' });
    const survey = await world.survey(rule());
    expect(survey.isDirty).toBe(false);
    expect(survey.origin).toEqual({
      checkouts: [
        {
          ...{ top: world.code, repo: join(world.root, 'origin'), isPublished: true, differences: [] },
          commit: await world.git(world.code, 'rev-parse', 'HEAD'),
        },
      ],
      outside: [],
    });
  });

  it('is named file by file: changed, of another mode, new, ignored by git, gone', async () => {
    await world.put({
      'code/calo/gone.C': 'x',
      'code/calo/d/gone.C': 'x',
      'code/calo/mode.sh': 'x',
      'code/.gitignore': '*~',
    });
    await world.publish();
    await world.put({ 'code/calo/Fun.C': 'B', 'code/calo/new.C': 'x', 'code/calo/run.sh~': 'x' });
    await chmod(join(world.code, 'calo/mode.sh'), 0o755);
    await rm(join(world.code, 'calo/gone.C'));
    await rm(join(world.code, 'calo/d'), { recursive: true });
    expect(await differencesOf()).toEqual([
      ...['calo/Fun.C: changed', 'calo/d/gone.C: missing', 'calo/gone.C: missing', 'calo/mode.sh: mode changed'],
      ...['calo/new.C: not in the commit', 'calo/run.sh~: not in the commit'],
    ]);
    await world.git(world.code, 'config', 'core.fileMode', 'false');
    expect(await differencesOf({ rsync: 'code/calo/mode.sh' })).toEqual([]);
    // What the commit has is what runs, with the same snapshot in each checkout of it.
    expect(await stagedBy({ rsync: 'code/calo/mode.sh' })).toEqual(['file code/calo/mode.sh']);
  });

  it('does not depend on what the index believes', async () => {
    await world.git(world.code, 'update-index', '--assume-unchanged', 'calo/Fun.C');
    await world.put({ 'code/calo/Fun.C': 'B', 'code/calo/new.C': 'x' });
    await world.git(world.code, 'add', 'calo/new.C');
    expect(await world.git(world.code, 'status', '--porcelain')).toBe('A  calo/new.C');
    expect(await differencesOf()).toEqual(['calo/Fun.C: changed', 'calo/new.C: not in the commit']);
  });

  it('is not what attributes of git archive leave out or fill in, or filters change on the way to the commit', async () => {
    await world.put({
      'code/.gitattributes': 'calo/left.C export-ignore\ncalo/hash.C export-subst\n*.txt text eol=crlf\n',
      ...{ 'code/calo/left.C': 'x', 'code/calo/hash.C': '$Format:%H$', 'code/calo/a.txt': 'one\r\ntwo\r\n' },
    });
    await world.publish();
    const survey = await world.survey(rule());
    expect(survey.origin.checkouts[0]?.differences).toEqual([]);
    expect(filesOf(survey)).toContain('file code/calo/left.C');
    await world.put({ 'code/calo/a.txt': 'one\r\nTWO\r\n' });
    expect(await differencesOf()).toEqual(['calo/a.txt: changed']);
  });

  it('is a link that leads elsewhere, though what it leads to is committed', async () => {
    await world.put({ 'code/v1/x.C': '1', 'code/v2/x.C': '2', 'code/calo/x.C': '-> ../v1/x.C', 'code/now': '-> v1' });
    await world.publish();
    expect(await differencesOf({ rsync: 'code/calo/*,code/now/*' })).toEqual([]);
    for (const [path, target] of [
      ['code/calo/x.C', '../v2/x.C'],
      ['code/now', 'v2'],
    ] as const) {
      await rm(join(world.submit, path));
      await world.put({ [path]: `-> ${target}` });
    }
    expect(await differencesOf({ rsync: 'code/calo/*,code/now/*' })).toEqual(['calo/x.C: changed', 'now: changed']);
  });

  it('is looked for in every checkout that something comes from; what is in none is recorded', async () => {
    await world.git(world.submit, 'init', '--quiet', 'macros');
    await world.put({ 'macros/a.C': 'a', 'macros/b.C': 'b', 'lists/x.list': 'x' });
    await world.git(join(world.submit, 'macros'), 'add', 'a.C');
    await world.git(join(world.submit, 'macros'), 'commit', '--quiet', '-m', 'one');
    const { origin, isDirty } = await world.survey(rule({ rsync: 'code/calo/*,macros/*,lists/*' }));
    expect(isDirty).toBe(true);
    expect(origin.outside).toEqual(['lists/x.list']);
    expect(
      origin.checkouts.map(({ top, repo, isPublished, differences }) => [top, repo, isPublished, differences]),
    ).toEqual([
      [world.code, join(world.root, 'origin'), true, []],
      [
        ...[join(world.submit, 'macros'), join(world.submit, 'macros'), false],
        [{ path: 'b.C', what: 'not in the commit' }],
      ],
    ]);
  });

  it('is another commit of a submodule than the one recorded, or one that is not checked out', async () => {
    await world.git(world.root, 'init', '--quiet', '--bare', 'library');
    await world.git(world.root, 'clone', '--quiet', 'library', 'work');
    await writeFile(join(world.root, 'work', 'lib.C'), 'one');
    await world.git(join(world.root, 'work'), 'add', '.');
    await world.git(join(world.root, 'work'), 'commit', '--quiet', '-m', 'one');
    await world.git(join(world.root, 'work'), 'push', '--quiet', 'origin', 'HEAD:main');
    await world.git(world.code, 'submodule', '--quiet', 'add', join(world.root, 'library'), 'calo/lib');
    await world.publish();
    const survey = await world.survey(rule());
    expect(filesOf(survey)).toContain('file code/calo/lib/lib.C');
    expect(survey.origin.checkouts.map(({ isPublished, differences }) => [isPublished, differences])).toEqual([
      [true, []],
      [true, []],
    ]);
    await world.put({ 'code/calo/lib/lib.C': 'two' });
    expect(await differencesOf()).toEqual(['lib.C: changed']);
    await world.git(join(world.code, 'calo/lib'), 'commit', '--quiet', '-a', '-m', 'two');
    expect(await differencesOf()).toEqual(['calo/lib: submodule']);
    await world.git(world.code, 'submodule', '--quiet', 'deinit', '--force', '--all');
    expect(await differencesOf()).toEqual(['calo/lib: not checked out']);
    expect(await differencesOf({ rsync: './code/calo/lib' })).toEqual(['calo/lib: not checked out']);
    expect(await differencesOf({ rsync: './code/calo/Fun.C' })).toEqual([]);
  });
});

test('refuses more than the site allows, and names the largest files', async () => {
  await world.put({ 'code/calo/big.root': 'x'.repeat(3000), 'code/calo/bigger.root': 'x'.repeat(4000) });
  const site = { ...world.site, payloads: { ...world.site.payloads, limitBytes: 5000 } };
  await expect(surveyPayload(rule(), site)).rejects.toMatchObject({
    code: 'site-payload-too-large',
    message: 'The payload is too large, 7.0 kB: expected 5.0 kB or less',
    complaints: [
      `4.0 kB: '${world.code}/calo/bigger.root'`,
      `3.0 kB: '${world.code}/calo/big.root'`,
      ...[`17 bytes: '${world.code}/calo/run.sh'`, `1 byte: '${world.code}/calo/Fun.C'`],
    ],
  });
});
