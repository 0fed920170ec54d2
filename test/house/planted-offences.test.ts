import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

/** A little house with the real rules of the real one, into which offences are planted. */
const house = mkdtempSync(join(tmpdir(), 'house-'));

beforeAll(() => {
  for (const file of ['.oxlintrc.json', '.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
    cpSync(join(findPackageRoot(), file), join(house, file));
  }
  symlinkSync(join(findPackageRoot(), 'node_modules'), join(house, 'node_modules'));
});

afterAll(() => {
  rmSync(house, { recursive: true });
});

async function judge(tool: readonly string[], files: Readonly<Record<string, string>>): Promise<string> {
  rmSync(join(house, 'src'), { recursive: true, force: true });
  rmSync(join(house, 'test'), { recursive: true, force: true });
  for (const directory of ['src', 'test']) mkdirSync(join(house, directory));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), text);
  }
  const [program = '', ...args] = tool;
  const { stdout, stderr } = await runCommand(join(house, 'node_modules/.bin', program), args, { cwd: house });
  return stdout + stderr;
}

const cruise = ['depcruise', '--output-type', 'err', 'src', 'test'];
const lint = ['oxlint', '--type-aware', '--deny-warnings', '-f', 'unix'];

const room = 'export const a = 1;\n';

/** Offences against the import law: which rule must find it, from which file, and what that file imports. */
const planted: readonly (readonly [rule: string, file: string, imported: string])[] = [
  ['floor-of-rules', 'src/rules/sideways.ts', '#db/well.ts'],
  ['floor-of-db', 'src/db/up.ts', '#dispatch/well.ts'],
  ['floor-of-util', 'src/util/neighbour.ts', '#model/well.ts'],
  ['known-room', 'src/attic/stray.ts', 'node:fs'],
  ['no-circles', 'src/db/circle-one.ts', './circle-two.ts'],
  ['pure-model', 'src/model/reads.ts', 'node:fs'],
  ['pure-model', 'src/model/checks.ts', 'zod'],
  ['worker-reaches-gateway-only', 'src/commands/cups.ts', '#dispatch/well.ts'],
  ['one-door-pg', 'src/db/driver.ts', 'pg'],
  ['one-door-yaml', 'src/rules/yaml.ts', 'yaml'],
  ['one-door-programs', 'src/batch/starts.ts', 'node:child_process'],
  ['one-door-options', 'src/job/options.ts', 'commander'],
  ['one-door-terminal', 'src/db/logs.ts', 'pino'],
  ['one-door-http-server', 'src/job/serves.ts', 'fastify'],
  ['other-room-by-name', 'src/db/by-path.ts', '../model/well.ts'],
  ['own-room-by-path', 'src/db/by-name.ts', '#db/well.ts'],
  ['reached-by-a-test', 'src/db/untested.ts', './well.ts'],
  ['no-tools-in-the-product', 'src/db/tool.ts', 'vitest'],
  ['resolvable', 'src/db/dangling.ts', './nowhere.ts'],
];

const well = {
  'src/model/well.ts': room,
  'src/db/well.ts': "import { a } from '#model/well.ts';\nexport const b = a;\n",
  'src/dispatch/well.ts': "import { b } from '#db/well.ts';\nexport const c = b;\n",
  'test/well.test.ts': "import '../src/dispatch/well.ts';\n",
};

it('the import rules find every kind of offence, and where it is', async () => {
  const files = Object.fromEntries(
    planted.map(([, file, imported]) => [file, `import { a } from '${imported}';\nexport const b = a;\n`]),
  );
  const found = await judge(cruise, {
    ...well,
    ...files,
    'src/db/circle-two.ts': "import { b } from './circle-one.ts';\nexport const a = b;\n",
  });
  for (const [rule, file] of planted) {
    expect(found).toMatch(new RegExp(`error ${rule}: ${file.replaceAll('.', '\\.')}\\b`, 'u'));
  }
});

it('the import rules accept correct imports', async () => {
  expect(await judge(cruise, well)).toContain('no dependency violations found');
});

it('the linter finds every kind of offence, and where it is', async () => {
  const offences: readonly (readonly [rule: string, file: string, text: string])[] = [
    ['no-explicit-any', 'src/db/any.ts', 'export const a: any = 1;\n'],
    ['no-non-null-assertion', 'src/db/bang.ts', "export const a = ['x'][0]!;\n"],
    ['consistent-type-assertions', 'src/db/as.ts', "export const a = JSON.parse('1') as number;\n"],
    ['no-barrel-file', 'src/db/barrel.ts', "export * from './well.ts';\n"],
    ['filename-case', 'src/db/someFile.ts', room],
    [
      'switch-exhaustiveness-check',
      'src/db/switch.ts',
      "export function a(word: 'x' | 'y'): number {\n  switch (word) {\n    case 'x':\n      return 1;\n  }\n  return 2;\n}\n",
    ],
    [
      'preserve-caught-error',
      'src/db/cause.ts',
      "try {\n  JSON.parse('x');\n} catch (error) {\n  throw new Error(`y ${String(error)}`);\n}\n",
    ],
    ['no-restricted-properties', 'src/db/exit.ts', 'process.exit(1);\n'],
    ['no-process-env', 'src/db/environment.ts', "export const a = process.env['HOME'];\n"],
    ['no-console', 'src/db/prints.ts', "console.log('x');\n"],
    ['no-focused-tests', 'test/only.test.ts', "import { it } from 'vitest';\nit.only('does', () => {});\n"],
    [
      'no-floating-promises',
      'src/db/floats.ts',
      "import { readFile } from 'node:fs/promises';\nexport function a(): void {\n  readFile('x');\n}\n",
    ],
  ];
  const found = await judge(lint, {
    ...well,
    ...Object.fromEntries(offences.map(([, file, text]) => [file, text])),
  });
  for (const [rule, file] of offences) {
    expect(found.split('\n').filter((line) => line.startsWith(`${file}:`) && line.includes(`(${rule})`))).not.toEqual(
      [],
    );
  }
  expect(found).not.toContain('well.ts:');
});

it('the compiler refuses what cannot be erased', async () => {
  const text = await judge(['tsc', '--noEmit', '-p', '.'], { 'src/db/x.ts': 'export enum A {\n  B,\n}\n' });
  expect(text).toContain("'erasableSyntaxOnly'");
});
