import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

import { findPackageRoot } from '#util/find-package-root.ts';

import packageFacts from '../package.json' with { type: 'json' };
import { checkChangelog } from './house/check-changelog.ts';
import { checkCitations } from './house/check-citations.ts';
import { checkComments } from './house/check-comments.ts';
import { checkDocs } from './house/check-docs.ts';
import { checkDocstrings } from './house/check-docstrings.ts';
import { checkLockFile } from './house/check-lock-file.ts';
import { checkMap } from './house/check-map.ts';
import { checkNames } from './house/check-names.ts';
import { checkStandIns } from './house/check-stand-ins.ts';
import { checkCommits, findNewCommits } from './house/check-titles.ts';
import { checkVerbs } from './house/check-verbs.ts';
import { checkGeneratedFiles } from './house/generated-files.ts';
import { readSourceTree } from './house/source-tree.ts';

/** Directories of the root that the map need not name: they come and go, or belong to tools. */
const unnamed: ReadonlySet<string> = new Set([
  '.git',
  'node_modules',
  'dist',
  'coverage',
  'demo',
  'demo-htcondor',
  '.slurp-site',
  '.slurp',
]);

const root = findPackageRoot();
const docs = readSourceTree(root, ['docs'], ['.md']);
const tree = readSourceTree(root, ['src', 'test', 'scripts', 'bench'], ['.ts']);

function directoriesOf(path: string): readonly string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? entry.name : [],
  );
}

/** The import checker reports success when it finds no module at all (it did, with a TypeScript it did not know). */
async function checkCruised(): Promise<readonly string[]> {
  const options = await extractDepcruiseOptions(join(root, '.dependency-cruiser.mjs'));
  const { output } = await cruise(['src'], options, undefined, {
    tsConfig: extractTsConfig(join(root, 'tsconfig.json')),
  });
  if (typeof output === 'string') return ['The import checker gave no list of modules (M1)'];
  const cruised = new Set(output.modules.map(({ source }) => source));
  return [...tree.keys()]
    .filter((path) => path.startsWith('src/') && !cruised.has(path))
    .map((path) => `${path}: The import checker did not see it (M1)`);
}

/** Says what was checked on stdout, so that a clone without history does not pass unseen. */
async function checkNewCommits(): Promise<readonly string[]> {
  const found = await findNewCommits(root);
  if (found.kind === 'unknown') {
    process.stdout.write(`Commit titles were not checked: ${found.reason}\n`);
    return [];
  }
  process.stdout.write(`Commit titles checked: ${found.commits.length}, since ${found.since}\n`);
  return checkCommits(found.commits, [...directoriesOf('src'), ...directoriesOf('.')]);
}

const complaints = [
  ...checkMap(
    readFileSync(join(root, 'README.md'), 'utf8'),
    directoriesOf('src'),
    directoriesOf('.').filter((name) => name !== 'src' && !unnamed.has(name)),
  ),
  ...checkDocs(docs),
  ...checkCitations(
    docs,
    new Map([...tree].filter(([path]) => path.startsWith('test/') && !path.startsWith('test/house/'))),
  ),
  ...checkDocstrings(tree),
  ...checkNames(tree),
  ...checkVerbs(tree),
  ...checkComments(tree),
  ...checkStandIns(tree),
  ...checkLockFile(readFileSync(join(root, 'package-lock.json'), 'utf8')),
  ...checkChangelog(
    readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
    packageFacts.version,
    process.argv.includes('--release'),
  ),
  ...(await checkNewCommits()),
  ...(await checkGeneratedFiles(root)),
  ...(await checkCruised()),
];
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
