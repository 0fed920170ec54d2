import { posix } from 'node:path';

import { ownCommands } from '#batch/own-commands.ts';
import { parseList } from '#batch/parse-list.ts';
import { isStartedInPlace } from '#model/job/is-started-in-place.ts';
import { assertPresent } from '#util/assert-present.ts';

import type { Template } from '#rules/expand-macros.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** Something that the jobs of a rule bring along from the submit host. */
export interface StagedPath {
  /** As the job names it: relative to the submit directory, or absolute. */
  readonly text: string;
  /** Whether a shell expands it; else it is one name. */
  readonly isPattern: boolean;
  /** `staged`: copied by the wrapper or the script; `transferred`: by the batch system; `in-place`: not copied at all. */
  readonly use: 'staged' | 'transferred' | 'in-place';
}

/** Files with secrets, and of SLURP itself: never part of a payload, wherever they lie. */
export const neverStaged: ReadonlySet<string> = new Set([
  ...['odbc.ini', '.git', '.slurp', '.slurp-site', 'slurp-token', 'slurp-job.json'],
]);

/** Names that a job has from us, so that a file of such a name is not brought along into its directory. */
export function isOurs(name: string): boolean {
  return name !== 'init.sh' && (ownCommands.has(name) || /^(?:cups|pull|bachi)\.cjs$/u.test(name));
}

/**
 * Lists what the jobs of a rule stage: the items of `rsync` where the wrapper or the script copies them, the rule's own
 * program, and files of `transfer_input_files` that are the same for all jobs. What differs from job to job is an input
 * of the job and not part of its payload; but a program whose name differs is looked for by a pattern.
 */
export function stagedPathsOf(prepared: PreparedRule): readonly StagedPath[] {
  const { job } = prepared;
  return [...(job.isStaging ? itemsOf(prepared.rsync) : []), ...programsOf(prepared), ...transferredOf(prepared)];
}

/** As the wrapper reads them: the submit directory itself stands for what is in it. */
function itemsOf(rsync: string): readonly StagedPath[] {
  return rsync
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !isLeftOut(item))
    .map((item) => ({ text: /^\.{1,2}\/?$/u.test(item) ? '*' : item, isPattern: true, use: 'staged' }));
}

function programsOf({ job, script }: PreparedRule): readonly StagedPath[] {
  const { executable } = job;
  if (executable.kind === 'wrapper') {
    return script.startsWith('/') ? [{ text: script, isPattern: false, use: 'in-place' }] : [];
  }
  const text = renderSlots(executable.template);
  const isInPlace = isStartedInPlace(textOf(job.commands, 'transfer_executable'));
  return [
    { text: text.trim(), isPattern: executable.template.slots.length > 0, use: isInPlace ? 'in-place' : 'transferred' },
  ];
}

/** A constant text as it is, to be taken literally; what differs between jobs as `*`. */
function renderSlots({ texts, slots }: Template): string {
  if (slots.length === 0) return assertPresent(texts[0], 'the text of a template');
  return texts.map((text) => text.replaceAll(/[*?[\]\\]/gu, String.raw`\$&`)).join('*');
}

const differs = '\0';

function textOf(commands: PreparedRule['job']['commands'], key: string): string {
  return commands.find((command) => command.key.toLowerCase() === key)?.template.texts.join(differs) ?? '';
}

/** The directory that relative names of `transfer_input_files` begin in, as the rule writes it. */
function transferredOf({ job }: PreparedRule): readonly StagedPath[] {
  const initial = textOf(job.commands, 'initialdir').trim();
  return parseList(textOf(job.commands, 'transfer_input_files'))
    .filter((item) => !item.includes(differs) && !isAddress(item) && !isLeftOut(item))
    .map((item) => (item.startsWith('/') || initial === '' ? item : `${initial}/${item}`))
    .filter((text) => !text.includes(differs))
    .map((text) => ({ text, isPattern: false, use: 'transferred' }));
}

/** Returns whether an entry of `transfer_input_files` is fetched from somewhere else than this machine's files. */
export function isAddress(item: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//iu.test(item);
}

function isLeftOut(item: string): boolean {
  const name = posix.basename(item);
  return neverStaged.has(name) || ownCommands.has(name) || isOurs(name);
}
