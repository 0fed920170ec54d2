import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { checkRuleFile } from '#rules/check/check-rule.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { renderComplaints, someOptions } from '../rule-files.ts';

const query = "select 'a/b' as source, runnumber, 0 as segment, 'f' as files from t where true {run_condition}";

interface Sections {
  readonly params?: string;
  readonly input?: string;
  readonly filesystem?: string;
  readonly job?: string;
}

/** A rule in four lines; a section is what is given, or good. */
function ruleOf({ params, input, filesystem = '{outdir: /}', job }: Sections): string {
  return `R:
  params: ${params ?? '{name: DST_X_run9pp, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p}'}
  input: ${input ?? `{db: fc, query: "${query}"}`}
  filesystem: ${filesystem}
  job: ${job ?? "{arguments: '$(run) {PWD} {rsync}'}"}
`;
}

async function complaintsOf(sections: Sections): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-hostile-'));
  try {
    const file = join(directory, 'r.yaml');
    await writeFile(file, ruleOf(sections));
    const lines = renderComplaints(await checkRuleFile(file, someOptions));
    return lines.filter((line) => !/directory '[^']*'.*(?:do|does) not exist/i.test(line));
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe('a rule with something odd', () => {
  it('is the good one that the others differ from', async () => expect(await complaintsOf({})).toEqual([]));

  it.each<[string, Sections, readonly string[]]>([
    [
      'a value of the wrong form',
      { params: '{name: {a: b}, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p}' },
      ['2:18: error: R: The value of params.name has the wrong type: expected a string, a number or a list of them'],
    ],
    [
      'values that are not there',
      { params: '{name: , build: new, dbtag: 2026p001, script: , payload: p, rsync: p, mem: }' },
      [
        '2:18: error: R: params.name is empty: expected the kind of the output, e.g. DST_CALO_run2pp',
        '2:57: error: R: params.script is empty: expected the program that the wrapper runs',
        '2:86: error: R: params.mem is empty: expected a number with a unit, e.g. 4096MB or 1.5G, or no params.mem',
      ],
    ],
    [
      'blanks in the script',
      { params: "{name: DST_X_run9pp, build: new, dbtag: 2026p001, script: 'a b.sh', payload: p, rsync: p}" },
      [
        "2:69: error: R: params.script contains spaces: 'a b.sh': expected a name without spaces, because they separate arguments",
      ],
    ],
    [
      'a build and a tag that no file name can hold',
      { params: "{name: DST_X_run9pp, build: 'new/er', dbtag: '2026 p001', script: a.sh, payload: p, rsync: p}" },
      [
        "2:39: error: R: '/' in params.build: 'new/er': expected letters and digits, because it is part of file names",
        "2:56: error: R: ' ' in params.dbtag: '2026 p001': expected letters and digits, because it is part of file names",
      ],
    ],
    [
      'directories that need each other',
      { filesystem: "{outdir: /, a: '{b}', b: '{a}'}" },
      [
        "4:30: error: R: '{b}' refers to itself: expected a value without this cycle",
        "4:40: error: R: '{b}' refers to itself: expected a value without this cycle",
      ],
    ],
    [
      'blanks that a macro brings',
      { filesystem: "{outdir: '/a b'}", job: "{arguments: '$(outdir) $(run) {PWD} {rsync}'}" },
      [
        "5:21: warning: R: '$(outdir)' puts spaces into the arguments: '/a b': expected no spaces, because they shift all later arguments",
      ],
    ],
    [
      'one submit command in two spellings',
      { job: "{arguments: '{PWD} {rsync}', log: a, LOG: b}" },
      ["5:50: warning: R: 'log' and 'LOG' are the same submit command; the last one is used"],
    ],
    [
      'a queue of its own',
      { job: "{arguments: '{PWD} {rsync}', queue: '5'}" },
      ["5:44: warning: R: 'queue' is ignored: the query determines the number of jobs"],
    ],
    [
      'a column twice, and one in capitals',
      {
        input: `{db: fc, query: 'select 1 as runnumber, 0 as segment, 1 as source, 1 as files, 2 as files, 3 as "Up" where true {run_condition}'}`,
        job: "{arguments: '$(Up) {PWD} {rsync}'}",
      },
      ["3:26: warning: R: The query returns two columns 'files'; the last one is used"],
    ],
  ])('%s', async (_what, sections, lines) => {
    expect(await complaintsOf(sections)).toEqual(lines.map((line) => `r.yaml:${line}`));
  });

  it('of the wrong form is never made ready', () => {
    const text = ruleOf({ params: '{name: {a: b}, build: new, dbtag: 2026p001, script: a.sh, payload: p, rsync: p}' });
    for (const rule of parseRuleFile(text, '/r.yaml').rules)
      expect(prepareRule(rule, someOptions).kind).toBe('refused');
  });
});
