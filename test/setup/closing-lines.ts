import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

import { shorten } from '#util/text/shorten.ts';

import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/**
 * Ends a test run with lines that name the count, every test that failed, with its error, and every
 * test that was left out, with its reason. With
 * `SLURP_CLOSING_LINES` they are added to that file as well, so that `make test` can end with those of all its runs.
 */
export default class ClosingLines implements Reporter {
  private name = 'tests';

  onInit(vitest: Vitest): void {
    if (vitest.vite.config.configFile?.includes('pool') === true) this.name = 'tests on HTCondor';
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const cases = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => cases.filter((test) => test.result().state === state).length;
    const broken = modules.filter(
      (module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0,
    );
    const lines = [
      `${this.name}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} left out, in ${modules.length} files`,
      ...broken.map((module) => failureLine(module.relativeModuleId, errorsOf(module)[0]?.message)),
      ...failedLines(cases),
      ...reasonLines(cases),
    ];
    const file = process.env['SLURP_CLOSING_LINES'];
    if (file !== undefined) appendFileSync(file, `${lines.join('\n')}\n`);
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

/** What stopped a file outside of its tests: at its top, or in a hook of a group. */
function errorsOf(module: TestModule): readonly { readonly message: string }[] {
  return [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
}

/** One line for each failed test. */
function failedLines(cases: readonly TestCase[]): readonly string[] {
  return cases.flatMap((test) => {
    const result = test.result();
    if (result.state !== 'failed') return [];
    return [failureLine(`${test.module.relativeModuleId}: ${test.fullName}`, result.errors[0]?.message)];
  });
}

/** @param error - may have several lines and colours */
function failureLine(what: string, error = 'no error given'): string {
  return `failed: ${what}: ${shorten(stripVTControlCharacters(error), 300)}`;
}

/** One line for each reason in each file, with the number of tests. */
function reasonLines(cases: readonly TestCase[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const test of cases) {
    const result = test.result();
    if (result.state !== 'skipped') continue;
    const key = `left out: ${test.module.relativeModuleId}: ${result.note ?? 'no reason given'}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, number]) => `${key} (${number} ${number === 1 ? 'test' : 'tests'})`);
}
