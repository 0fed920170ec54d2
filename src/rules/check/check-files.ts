import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Complainer } from '../complain.ts';
import { renderTemplate, type Template } from '../expand-macros.ts';
import { toDirectoryPath } from '../expand-job.ts';
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
function fixedPart(path: string): string {
  const wild = path.search(/[*?[]/);
  return wild < 0 ? path : dirname(`${path.slice(0, wild)}x`);
}

/**
 * Warns of what a rule names and the disk does not have: payload, script, staged files, directories. Warnings, because
 * all of it may come to be before the rule runs.
 */
export async function checkFiles(prepared: RuleDraft, complainer: Complainer): Promise<void> {
  await checkPayload(prepared, complainer);
  await checkStaged(prepared, complainer);
  const { directPath, job } = prepared;
  if (directPath !== undefined && (await kindOf(fixedPart(directPath))) !== 'directory') {
    complainer.warning({ path: 'input.direct_path', message: `No directory '${fixedPart(directPath)}'` });
  }
  for (const { key, template } of job.directories) {
    const path = toDirectoryPath(fixedText(template), job.submitDirectory);
    if ((await kindOf(path)) === 'nothing') {
      complainer.warning({
        path: `filesystem.${key}`,
        message: `No directory '${path}' yet; it is made when jobs need it`,
      });
    }
  }
}

/** The directories of a template that are the same for all jobs. */
function fixedText(template: Template): string {
  const [start = ''] = template.texts;
  return template.slots.length === 0 ? start : start.slice(0, start.lastIndexOf('/') + 1);
}

async function checkPayload(prepared: RuleDraft, complainer: Complainer): Promise<void> {
  const { payload, script, job } = prepared;
  if ((await kindOf(payload.path)) !== 'directory') {
    const message = `No payload directory '${payload.path}'`;
    complainer.warning({ path: 'params.payload', message, expected: 'a directory in a git checkout' });
    return;
  }
  const { executable } = job;
  const isOwn = executable.kind === 'own' && executable.template.slots.length === 0;
  const program = isOwn
    ? resolve(job.submitDirectory, renderTemplate(executable.template, []))
    : join(payload.path, script);
  const path = isOwn ? 'job.executable' : 'params.script';
  const kind = await kindOf(program);
  if (kind === 'nothing') complainer.warning({ path, message: `No script '${program}'` });
  else if (kind !== 'program')
    complainer.warning({ path, message: `'${program}' is not executable`, expected: 'chmod +x' });
}

/**
 * Looks for what a rule stages, relative to the folder it is dispatched from; globs as a shell reads them.
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

async function checkStaged(prepared: RuleDraft, complainer: Complainer): Promise<void> {
  const { rsync, script, job, rule } = prepared;
  if (rule.params['rsync'] === undefined && job.executable.kind === 'own') return;
  const { missing, names } = await findStaged(rsync, job.submitDirectory);
  for (const entry of missing) complainer.warning({ path: 'params.rsync', message: `Nothing to stage for '${entry}'` });
  if (missing.length === 0 && !names.has(basename(script)) && job.executable.kind === 'wrapper') {
    const message = `The script '${script}' is not among what is staged: '${rsync}'`;
    complainer.warning({ path: 'params.rsync', message, expected: 'its directory with /* behind it' });
  }
}
