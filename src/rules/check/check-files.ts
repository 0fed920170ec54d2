import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

import { isStartedInPlace } from '#model/job/is-started-in-place.ts';
import { countOf } from '#util/count-of.ts';

import { toDirectoryPath } from '../expand-job.ts';
import { renderTemplate } from '../expand-macros.ts';

import type { Complainer } from '../complain.ts';
import type { Template } from '../expand-macros.ts';
import type { RuleDraft } from '../prepare-rule.ts';

/** What SLURP itself provides to jobs or does not send, though old rules list it. */
const providedFiles: ReadonlySet<string> = new Set(['cups.py', 'pull.py', 'bachi.py', 'init.sh', 'odbc.ini', '.slurp']);

async function kindOf(path: string): Promise<'file' | 'program' | 'directory' | 'nothing'> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'nothing';
  if (found.isDirectory()) return 'directory';
  return (found.mode & 0o111) === 0 ? 'file' : 'program';
}

/** Names in a directory that a pattern of `*` and `?` matches; `*` leaves out hidden files, as a shell does. */
async function matchesOf(pattern: string): Promise<readonly string[]> {
  const name = basename(pattern);
  const escaped = name
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const names = await readdir(dirname(pattern)).catch(() => []);
  return names.filter((one) => new RegExp(`^${escaped}$`).test(one) && (name.startsWith('.') || !one.startsWith('.')));
}

/** The part of a path before its first component with a wildcard, and before its first macro. */
function fixedPartOf(path: string): string {
  const wild = path.search(/[*?[]/);
  return wild < 0 ? path : dirname(`${path.slice(0, wild)}x`);
}

/** Reports why jobs cannot be made from a payload directory that is there; undefined where they can. */
export type JudgePayload = (directory: string) => Promise<string | undefined>;

/**
 * Warns of what a rule names and the disk does not have: payload, script, staged files, directories. Warnings, because
 * all of it may come to be before the rule runs. What follows from something that is missing is not reported beside it.
 */
export async function checkFiles(
  prepared: RuleDraft,
  complainer: Complainer,
  judgePayload: JudgePayload,
): Promise<void> {
  const { missing, names } = await findMissing(prepared);
  if ((await kindOf(prepared.payload.path)) === 'directory') {
    const why = await judgePayload(prepared.payload.path);
    if (why !== undefined) complainer.warning({ path: 'params.payload', message: why });
    const isThere = await checkProgram(prepared, complainer);
    reportUnmatched(isThere ? missing : missing.filter((entry) => !isOfScript(entry, prepared)), complainer);
    if (isThere && missing.length === 0) checkScriptStaged(prepared, names, complainer);
  } else {
    const message = `The payload directory '${prepared.payload.path}' does not exist`;
    complainer.warning({ path: 'params.payload', message, expected: 'a directory in a git checkout' });
    reportUnmatched(
      missing.filter((entry) => !isInPayload(entry, prepared)),
      complainer,
    );
  }
  const { directPath } = prepared;
  // What could not be filled in is reported elsewhere.
  const isFilled = directPath?.includes('{') === false;
  if (isFilled && (await kindOf(fixedPartOf(directPath))) !== 'directory') {
    complainer.warning({ path: 'input.direct_path', message: `Directory '${fixedPartOf(directPath)}' does not exist` });
  }
  await checkDirectories(prepared, complainer);
}

/** One warning, whatever the number: a dispatch makes them. */
async function checkDirectories({ job }: RuleDraft, complainer: Complainer): Promise<void> {
  const missing = new Map<string, string>();
  for (const { key, template } of job.directories) {
    const path = toDirectoryPath(fixedTextOf(template), job.submitDirectory);
    if (!missing.has(path) && (await kindOf(path)) === 'nothing') missing.set(path, key);
  }
  const [first] = missing;
  if (first === undefined) return;
  const [path, key] = first;
  const others = missing.size === 1 ? '' : ` and ${countOf(missing.size - 1, 'other')}`;
  const message =
    missing.size === 1
      ? `Directory '${path}' does not exist yet: it is created when jobs need it`
      : `Directory '${path}'${others} do not exist yet: they are created when jobs need them`;
  complainer.warning({ path: `filesystem.${key}`, message });
}

/** The directories of a template that are the same for all jobs. */
function fixedTextOf(template: Template): string {
  const [start = ''] = template.texts;
  return template.slots.length === 0 ? start : start.slice(0, start.lastIndexOf('/') + 1);
}

/** Returns whether a staged thing lies in the payload, or is all of it. */
function isInPayload(entry: string, { payload, job }: RuleDraft): boolean {
  const path = resolve(job.submitDirectory, entry);
  return path === payload.path || path.startsWith(`${payload.path}/`);
}

/** Returns whether a staged thing is the script, or what it would be found by. */
function isOfScript(entry: string, prepared: RuleDraft): boolean {
  return basename(entry) === basename(prepared.script) || (/[*?]/.test(entry) && isInPayload(entry, prepared));
}

function reportUnmatched(missing: readonly string[], complainer: Complainer): void {
  for (const entry of missing)
    complainer.warning({ path: 'params.rsync', message: `'${entry}' matches no file to stage` });
}

/** @returns whether the program of the job is there */
async function checkProgram(prepared: RuleDraft, complainer: Complainer): Promise<boolean> {
  const { script, job } = prepared;
  const { executable } = job;
  const isOwn = executable.kind === 'own';
  // Which program a macro means depends on the job.
  if (isOwn && executable.template.slots.length > 0) return true;
  const path = isOwn ? 'job.executable' : 'params.script';
  const wanted = isOwn
    ? resolve(job.submitDirectory, renderTemplate(executable.template, []))
    : resolve(prepared.payload.path, script);
  const program = isOwn ? wanted : await findScript(prepared);
  const kind = program === undefined ? 'nothing' : await kindOf(program);
  const isInPlace = isOwn && isStartedInPlace(prepared.rule.job['transfer_executable']);
  if (kind === 'nothing' && isInPlace) {
    complainer.warning({
      path,
      message: `'${wanted}' is not on this machine`,
      expected: 'a program that workers have',
    });
    return true;
  }
  if (kind === 'nothing') {
    complainer.warning({ path, message: `${isOwn ? 'Program' : 'Script'} '${wanted}' does not exist` });
    return false;
  }
  // A copy of it is made executable.
  if (kind === 'directory') complainer.warning({ path, message: `'${wanted}' is a directory`, expected: 'a program' });
  else if (kind === 'file' && isInPlace)
    complainer.warning({ path, message: `'${wanted}' is not executable`, expected: 'chmod +x' });
  return true;
}

/**
 * Finds the script that the wrapper will run: in the payload, or among what is staged.
 *
 * @returns an absolute path; undefined where there is none
 */
export async function findScript({
  script,
  payload,
  rsync,
  options,
}: Pick<RuleDraft, 'script' | 'payload' | 'rsync' | 'options'>): Promise<string | undefined> {
  const staged = rsync.split(',').map((item) => resolve(options.submitDirectory, item.trim().replace(/\*$/u, '.')));
  const places = isAbsolute(script)
    ? [script]
    : [
        join(payload.path, script),
        ...staged.map((item) => join(item, script)),
        ...staged.filter((item) => item.endsWith(`/${script}`)),
      ];
  for (const place of places) if (['file', 'program'].includes(await kindOf(place))) return place;
  return undefined;
}

/**
 * Looks for what a rule stages, relative to the directory it is dispatched from; globs as a shell reads them.
 *
 * @returns the entries of `rsync` for which there is nothing, but for what SLURP provides or never sends; and the names of
 * all that there is
 */
export async function findStaged(
  rsync: string,
  submitDirectory: string,
): Promise<{ readonly missing: readonly string[]; readonly names: ReadonlySet<string> }> {
  const missing: string[] = [];
  const names = new Set<string>();
  const entries = rsync.split(',').map((entry) => entry.trim());
  for (const entry of entries.filter((one) => one !== '' && !providedFiles.has(basename(one)))) {
    const path = resolve(submitDirectory, entry);
    const isThere = /[*?]/.test(entry) || (await kindOf(path)) !== 'nothing';
    const found = !isThere ? [] : /[*?]/.test(entry) ? await matchesOf(path) : [basename(path)];
    for (const name of found) names.add(name);
    // What only a shell on the worker can read is not judged here.
    if (found.length === 0 && !/[[\]$~\\]/u.test(entry)) missing.push(entry);
  }
  return { missing, names };
}

async function findMissing(prepared: RuleDraft): ReturnType<typeof findStaged> {
  const { rsync, job, rule } = prepared;
  if (rule.params['rsync'] === undefined && job.executable.kind === 'own') return { missing: [], names: new Set() };
  return findStaged(rsync, job.submitDirectory);
}

function checkScriptStaged(prepared: RuleDraft, names: ReadonlySet<string>, complainer: Complainer): void {
  const { rsync, script, job } = prepared;
  if (job.executable.kind !== 'wrapper' || names.has(basename(script)) || isAbsolute(script)) return;
  const message = `The script '${script}' is not among what is staged: '${rsync}'`;
  complainer.warning({ path: 'params.rsync', message, expected: 'its directory followed by /*' });
}
