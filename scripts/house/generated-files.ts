import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { exitCodes } from '#cli/exit-codes.ts';

import { renderVerbs } from './check-verbs.ts';
import { renderTables } from './render-tables.ts';

/** The page about exit codes, from the table that the commands themselves use. */
function renderExitCodes(): string {
  return [
    '<!-- Made by scripts/generate.ts from src/cli/exit-codes.ts: change it there. -->',
    '',
    '# How commands end',
    '',
    'Every command ends with a code that shows the stage at which it failed. The message on stderr says what happened,',
    'what was expected and what to do; `--debug` adds where it came from.',
    '',
    '| code | stage | what it means | what to do |',
    '|---:|---|---|---|',
    ...exitCodes
      .toSorted((left, right) => left.code - right.code)
      .map(({ code, stage, meaning, remedy }) => `| ${code} | ${stage} | ${meaning} | ${remedy} |`),
    '',
    '10–19 are reserved for input, 20–29 for stage-in, 30–39 for stage-out, 40–49 for databases, 50–59 for batch',
    'systems, 60–69 for reports. A job ends with the exit code of its payload; see the column `exit_code`.',
    '',
    'A report (`cups started`, `finished`, …, `bachi`) that only waits in the spool ends with 0: nothing is lost, and a',
    'payload does not end because the gateway is away, or denies this job access. 2, 31 and 60 mean that the report is',
    'lost unless an operator acts. Nothing is lost by scripts that ignore exit codes: the refusal is recorded at the site,',
    'in the row of the attempt, in `slurp status` and in `slurp refused`.',
    '',
  ].join('\n');
}

/** All files that are made by `scripts/generate.ts`, by their path; in the form that Prettier gives them. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const pages = [
    ['docs/exit-codes.md', renderExitCodes()],
    ['docs/tables.md', renderTables(root)],
    ['docs/verbs.md', renderVerbs()],
  ] as const;
  const files = new Map<string, string>();
  for (const [path, text] of pages) {
    const options = (await resolveConfig(join(root, path))) ?? {};
    files.set(path, await format(text, { ...options, parser: 'markdown' }));
  }
  return files;
}

/** G7: the generated files that differ from what would be made now. Returns all complaints. */
export async function checkGeneratedFiles(root: string): Promise<readonly string[]> {
  return [...(await generatedFiles(root))]
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => `${path}: Is not what 'make generate' makes (G7)`);
}
