import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseRuleFile, readRuleFile } from '#rules/read-rule-file.ts';

import { readRule, renderComplaints, ruleFile } from './rule-files.ts';

describe('rule file', () => {
  it('accepts keys with spaces, comments anywhere, old spellings, and no line break at the end (C-R1)', async () => {
    const { rules, complaints } = await readRuleFile(ruleFile('old-spellings'));
    expect(renderComplaints(complaints)).toMatchInlineSnapshot(`
      [
        "old-spellings.yaml:14:6: warning: OLD_EVENTS: 'mem' is given twice, in lines 12 and 14; the last one is used",
        "old-spellings.yaml:36:16: warning: OLD_EVENTS: job.priority is an unquoted integer: 3800: expected quotes",
      ]
    `);
    const { places: _places, file: _file, ...rule } = rules[0] ?? (await readRule('none'));
    expect(rule).toMatchInlineSnapshot(`
      {
        "filesystem": {
          "condor": "/nowhere/condor/$$([$(run)/100])00",
          "logdir": "file:///nowhere/log/$$([$(run)/100])00",
          "outdir": "/nowhere/out/$$([$(run)/100])00",
        },
        "input": {
          "db": "daqdb",
          "isVerified": false,
          "lfn2pfn": "lfn2pfn",
          "query": "select 'daqdb/filelist' as source, runnumber, 0 as segment,
             string_agg(distinct split_part(filename,'/',-1), ' ') as files
      from filelist where filename like '/bbox%' {run_condition}
      group by runnumber
             {limit_condition}
           ;;",
          "role": "daq",
        },
        "isProductRequired": false,
        "job": {
          "arguments": "$(nevents) {outbase} {logbase} {outdir} $(run) $(seg) $(ClusterId) $(Process) $(build) $(tag) $(inputs) $(ranges) {comment}",
          "executable": "{payload}/run.sh",
          "log": "{condor}/{logbase}.condor",
          "output": "{logbase}.condor.stdout",
          "output_destination": "{logdir}",
          "priority": "3800",
          "request_xferslots": "0",
          "transfer_input_files": "{payload},cups.py,init.sh,pull.py,odbc.ini",
          "transfer_output_files": "{logbase}.out,{logbase}.err",
          "user_job_wrapper": "init.sh",
        },
        "name": "OLD_EVENTS",
        "order": {
          "priority": 0,
        },
        "params": {
          "build": "new",
          "build_name": "new",
          "comment": "meh",
          "dbtag": "2023p008",
          "logbase": "$(name)_$(build)_$(tag)-$INT(run,%010d)-$INT(seg,%05d)",
          "mem": "16384M",
          "name": "DST_EVENTS_auau9",
          "outbase": "$(name)_$(build)_$(tag)",
          "payload": "/opt/payloads/events/",
          "script": "run.sh",
        },
      }
    `);
  });

  it('reads values without quotes as PyYAML does (C-R2)', async () => {
    expect((await readRule('values')).params).toMatchInlineSnapshot(`
      {
        "binary": "5",
        "build": "new",
        "date": "2024-03-01",
        "dbtag": "2026p001",
        "exponent": "1000.0",
        "float": "1.5",
        "folded": "one two",
        "grouped": "1000",
        "hex": "255",
        "infinite": "-inf",
        "letter_y": "y",
        "list": "a 7 True",
        "moment": "2024-03-01 10:02:03.500000+00:00",
        "name": "DST_VALUES_run9pp",
        "negative": "-5",
        "no_exponent": "1e3",
        "not_octal": "08",
        "nothing": "None",
        "octal": "8",
        "off_word": "False",
        "payload": ".",
        "quoted": "010",
        "script": "v.sh",
        "sixty": "90",
        "tagged": "010",
        "tilde": "None",
        "yes_word": "True",
      }
    `);
  });

  it('uses what is not quoted in a job as it is written, with a warning (C-R4)', async () => {
    const { rules, complaints } = await readRuleFile(ruleFile('values'));
    expect(rules[0]?.job).toMatchObject({ priority: '0x10', description: 'no' });
    expect(renderComplaints(complaints)).toMatchInlineSnapshot(`
      [
        "values.yaml:9:15: warning: VALUES: params.yes_word: yes is read as the boolean True: expected quotes to keep it as written",
        "values.yaml:12:12: warning: VALUES: params.octal: 010 is read as the number 8: expected quotes to keep it as written",
        "values.yaml:19:12: warning: VALUES: params.float: 1.50 is read as the number 1.5: expected quotes to keep it as written",
        "values.yaml:29:18: warning: VALUES: params.list: yes is read as the boolean True: expected quotes to keep it as written",
        "values.yaml:39:15: warning: VALUES: job.priority is an unquoted integer: 0x10: expected quotes",
        "values.yaml:40:18: warning: VALUES: job.description is an unquoted boolean: no: expected quotes",
      ]
    `);
  });

  it('resolves anchors and merged keys', async () => {
    const { rules, complaints } = await readRuleFile(ruleFile('anchors'));
    expect(complaints).toEqual([]);
    expect(rules.map(({ name, params, job }) => [name, params['name'], params['script'], job['arguments']]))
      .toMatchInlineSnapshot(`
      [
        [
          "FIRST",
          "DST_FIRST_run9pp",
          "first.sh",
          "$(run) $(seg) {PWD} {rsync}",
        ],
        [
          "SECOND",
          "DST_SECOND_run9pp",
          "first.sh",
          "$(run) $(seg) {PWD} {rsync}",
        ],
        [
          "THIRD",
          "DST_THIRD_run9pp",
          "first.sh",
          "$(run) $(seg) {PWD} {rsync}",
        ],
      ]
    `);
    expect(rules[1]?.input.query).toBe(rules[0]?.input.query);
  });

  it('reads lines that end in CR LF as it reads others, with a warning', async () => {
    const text = await readFile(ruleFile('old-spellings'), 'utf8');
    const plain = parseRuleFile(text, '/rules.yaml');
    for (const end of ['\r\n', '\r']) {
      const { rules, complaints } = parseRuleFile(`\uFEFF${text.replaceAll('\n', end)}`, '/rules.yaml');
      expect(rules).toEqual(plain.rules);
      expect(complaints.slice(1)).toEqual(plain.complaints);
      expect(renderComplaints(complaints.slice(0, 1))).toEqual([
        'rules.yaml:1:1: warning: The line breaks are CR or CR LF; they are read as LF',
      ]);
    }
  });

  it('accepts tabs inside a query and behind a colon, not as indentation', async () => {
    const { rules, complaints } = parseRuleFile(
      'R:\n  input:\n    db:\tfc\n    query: |-\n      select\t1,\n      \t2\n',
      '/r.yaml',
    );
    expect([rules[0]?.input, complaints]).toEqual([
      { db: 'fc', role: 'catalog', query: 'select\t1,\n\t2', lfn2pfn: 'lfn2pfn', isVerified: false },
      [],
    ]);
    const tabs = await readRuleFile(ruleFile('tabs'));
    expect(renderComplaints(tabs.complaints)).toMatchInlineSnapshot(`
      [
        "tabs.yaml:3:1: error: This line is indented with a tab: expected spaces",
      ]
    `);
  });

  it('says everything that has the wrong form, and keeps what has the right one', async () => {
    const { rules, complaints } = await readRuleFile(ruleFile('wrong-shape'));
    expect(rules).toEqual([]);
    expect(renderComplaints(complaints)).toMatchInlineSnapshot(`
      [
        "wrong-shape.yaml:1:1: warning: LIST: 'LIST' is not a rule and is ignored: expected one of its sections: params, input, filesystem, job",
        "wrong-shape.yaml:9:14: error: PARTS: 'filesystem' is empty: expected its keys indented under it, or no 'filesystem'",
        "wrong-shape.yaml:5:11: error: PARTS: The value of params has the wrong type: expected a mapping of names to values",
        "wrong-shape.yaml:6:10: error: PARTS: The value of input has the wrong type: expected a mapping with db and query",
        "wrong-shape.yaml:8:16: error: PARTS: The value of job.arguments has the wrong type: expected one string or number",
        "wrong-shape.yaml:10:1: warning: EMPTY: 'EMPTY' is not a rule and is ignored: expected one of its sections: params, input, filesystem, job",
      ]
    `);
  });

  it.each([
    ['', "r.yaml:1:1: error: The file contains no rule: expected 'NAME:' and a rule below it"],
    ['# nothing\n', "r.yaml:1:1: error: The file contains no rule: expected 'NAME:' and a rule below it"],
    [
      '- a\n- b\n',
      "r.yaml:1:1: error: The file is not a mapping of names to rules: expected 'NAME:' and a rule below it",
    ],
  ])('reports that %j contains no rule', (text, line) => {
    expect(renderComplaints(parseRuleFile(text, '/r.yaml').complaints)).toEqual([line]);
  });

  it('says where a file is not YAML', () => {
    const text = 'A:\n  params: {name: x\nB: "open\n';
    expect(renderComplaints(parseRuleFile(text, '/r.yaml').complaints)).toMatchInlineSnapshot(`
      [
        "r.yaml:3:1: error: YAML syntax error: Flow map in block collection must be sufficiently indented and end with a }",
        "r.yaml:3:4: error: The quote opened here is not closed: expected a closing quote",
      ]
    `);
  });

  it.each([
    ['version: 3', 3, []],
    ['version: "3"', 3, ["r.yaml:3:12: warning: R: params.version '3' is read as 3"]],
    ['version: v003', 3, ["r.yaml:3:12: warning: R: params.version 'v003' is read as 3"]],
    ['version:', undefined, ['r.yaml:3:11: warning: R: params.version is empty, so names contain no version']],
    [
      'version: -1',
      undefined,
      ["r.yaml:3:12: error: R: '-1' is not a version: expected a whole number from 0, or no version"],
    ],
    [
      'version: 1.5',
      undefined,
      ["r.yaml:3:12: error: R: '1.5' is not a version: expected a whole number from 0, or no version"],
    ],
  ])('reads %s (C-R9)', (line, version, complaints) => {
    const { rules, complaints: found } = parseRuleFile(`R:\n params:\n  ${line}\n`, '/r.yaml');
    expect([rules[0]?.version, renderComplaints(found)]).toEqual([version, complaints]);
  });

  it('stops at aliases of aliases that repeat without end', () => {
    const lists = ['R0: &l0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 10; level += 1) {
      lists.push(`R${level}: &l${level} [${Array.from({ length: 10 }, () => `*l${level - 1}`).join(', ')}]`);
    }
    const { rules, complaints } = parseRuleFile(lists.join('\n'), 'r.yaml');
    expect(rules).toEqual([]);
    expect(renderComplaints(complaints.filter(({ message }) => message.includes('Aliases')))).toEqual([
      'r.yaml:1:9: error: Aliases of aliases expand to too many values: expected fewer of them',
    ]);
  });

  it('keeps a rule out of reach of an alias that holds itself', () => {
    const text = 'R:\n  params: &p\n    name: x\n    more: *p\n';
    expect(renderComplaints(parseRuleFile(text, '/r.yaml').complaints)).toMatchInlineSnapshot(`
      [
        "r.yaml:4:5: error: An alias contains itself: expected an alias of something else",
      ]
    `);
  });

  it('reads whether a rule is supervised, and accepts no other value (C-L4)', () => {
    const read = (text: string) => parseRuleFile(`R:\n  job: {executable: a.sh}\n  ${text}\n`, '/r.yaml');
    expect(read('supervise: false').rules).toMatchObject([{ isSupervised: false }]);
    expect(read('supervise: true').rules).toMatchObject([{ isSupervised: true }]);
    expect(read('input: {db: fc}').rules[0]).not.toHaveProperty('isSupervised');
    const complaints = ["supervise: 'no'", 'supervise:', 'supervised: false'].flatMap((text) =>
      renderComplaints(read(text).complaints),
    );
    expect(complaints).toMatchInlineSnapshot(`
      [
        "r.yaml:3:14: error: R: The value of supervise has the wrong type: expected true or false",
        "r.yaml:3:13: error: R: The value of supervise has the wrong type: expected true or false",
        "r.yaml:3:3: error: R: Unknown key 'supervised': expected 'supervise'",
      ]
    `);
  });

  it('is UTF-8, or UTF-16 after its byte order mark; other bytes are an error with their line (C-R22)', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slurp-bytes-'));
    const file = join(directory, 'r.yaml');
    const text = "R:\n  input:\n    db: fc\n    query: select 'é' as source\n";
    const read = async (bytes: Uint8Array): Promise<unknown> => {
      await writeFile(file, bytes);
      const { rules, complaints } = await readRuleFile(file);
      return [rules[0]?.input.query, ...renderComplaints(complaints)];
    };
    try {
      expect(await read(Buffer.from(text))).toEqual(["select 'é' as source"]);
      expect(await read(Buffer.from(`\uFEFF${text}`, 'utf16le'))).toEqual(["select 'é' as source"]);
      expect(await read(Buffer.from(text, 'latin1'))).toEqual([
        "select '\uFFFD' as source",
        "r.yaml:4:20: error: Byte 0xE9 is not UTF-8 (in Latin-1 it is 'é'): expected a file in UTF-8",
      ]);
      expect(await read(Buffer.from(text.replace('é', 'e'), 'utf16le'))).toEqual([
        undefined,
        'r.yaml:1:2: error: NUL character: expected text; a file in UTF-16 needs its byte order mark',
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('says what cannot be read', async () => {
    await expect(readRuleFile('/nowhere/rules.yaml')).rejects.toMatchObject({
      kind: 'rule',
      code: 'rule-file-unreadable',
      message: "Cannot read the rule file '/nowhere/rules.yaml': no such file or directory",
    });
  });

  it('refuses an empty directory, and takes another empty entry', () => {
    const read = (line: string) =>
      renderComplaints(parseRuleFile(`R:\n  params: {name: x}\n  filesystem: {${line}}\n`, '/r.yaml').complaints);
    for (const empty of [`''`, `' '`, '']) {
      expect(read(`outdir: ${empty}`)).toEqual([
        'r.yaml:3:24: error: R: filesystem.outdir is empty: expected a directory, or no such key',
      ]);
    }
    expect(read(`indir: ''`)).toEqual([]);
  });

  it('reads that a rule requires its product, and refuses another word for it', () => {
    const read = (line: string) => parseRuleFile(`R:\n  params: {name: x}\n  ${line}\n`, '/r.yaml');
    expect(read('product: required').rules.map(({ isProductRequired }) => isProductRequired)).toEqual([true]);
    expect(read('comment: x').rules.map(({ isProductRequired }) => isProductRequired)).toEqual([false]);
    expect(renderComplaints(read('product: needed').complaints)).toEqual([
      "r.yaml:3:12: error: R: The value of product has the wrong type: expected 'required', or no such key",
    ]);
    expect(renderComplaints(read('produkt: required').complaints)).toEqual([
      "r.yaml:3:3: error: R: Unknown key 'produkt': expected 'product'",
    ]);
  });

  it('reads which rules go first, and how many jobs they may have in the queue (C-Q27, C-Q28)', () => {
    const read = (...lines: readonly string[]) =>
      parseRuleFile(`R:\n  params: {name: x}\n${lines.map((line) => `  ${line}\n`).join('')}`, '/r.yaml');
    const orderOf = (...lines: readonly string[]) => read(...lines).rules.map(({ order }) => order);
    expect(orderOf('priority: -5', 'share: 0.5', 'max_queued: 2000', 'max_idle: 100', 'scouts: 5')).toEqual([
      { priority: -5, share: 0.5, maxQueued: 2000, maxIdle: 100, scouts: 5 },
    ]);
    expect(orderOf('scouts: {jobs: 7}')).toEqual([{ priority: 0, scouts: 7 }]);
    expect(orderOf('scouts: {jobs: 7, memory: {}}')).toEqual([
      { priority: 0, scouts: 7, scoutMemory: { percentile: 95, factor: 1.3 } },
    ]);
    expect(orderOf('scouts: {jobs: 7, memory: {percentile: 50, factor: 2, up_to: 8GB}}')).toEqual([
      { priority: 0, scouts: 7, scoutMemory: { percentile: 50, factor: 2, upToMb: 8192 } },
    ]);
    expect(
      renderComplaints(read('scouts: {job: 7, memory: {percentile: 101, factor: 0, up_to: 8}}').complaints),
    ).toEqual([
      'r.yaml:3:3: error: R: The value of scouts.jobs has the wrong type: expected a whole number above 0',
      'r.yaml:3:41: error: R: The value of scouts.memory.percentile has the wrong type: expected a number above 0, up to 100',
      'r.yaml:3:54: error: R: The value of scouts.memory.factor has the wrong type: expected a number from 1',
      "r.yaml:3:64: error: R: The value of scouts.memory.up_to has the wrong type: expected a size in MB or GB, such as '16GB'",
      "r.yaml:3:12: error: R: Unknown key 'scouts.job': expected one of jobs, memory",
    ]);
    expect(orderOf('share: 3')).toEqual([{ priority: 0, share: 3 }]);
    for (const [line, column, expected] of [
      ['priority: high', 13, 'a whole number; higher goes first'],
      ['priority: [1]', 13, 'a whole number; higher goes first'],
      ['share: 0', 10, 'a number above 0'],
      ['max_idle: -1', 13, 'a whole number above 0'],
      ['scouts: all', 11, 'a whole number above 0, or a mapping with jobs, memory'],
    ] as const) {
      const key = line.replace(/:.*/u, '');
      expect(renderComplaints(read(line).complaints)).toEqual([
        `r.yaml:3:${column}: error: R: The value of ${key} has the wrong type: expected ${expected}`,
      ]);
    }
  });

  it('reads what triggers a rule in a loop (C-Q29)', () => {
    const read = (line: string) => parseRuleFile(`R:\n  params: {name: x}\n  ${line}\n`, '/r.yaml');
    const afterOf = (line: string) => read(line).rules.map(({ after }) => after);
    expect(afterOf('after: DST_CALO_run2pp')).toEqual([['DST_CALO_run2pp']]);
    expect(afterOf('after: [DST_CALO_run2pp, DST_HIT_*]')).toEqual([['DST_CALO_run2pp', 'DST_HIT_*']]);
    expect(afterOf('after: []')).toEqual([[]]);
    expect(afterOf('product: required')).toEqual([undefined]);
    for (const line of ['after: [a b]', "after: 'DST_%'", 'after: {DST_A: 1}', 'after:']) {
      expect(renderComplaints(read(line).complaints)).toEqual([
        expect.stringMatching(
          /^r\.yaml:3:\d+: error: R: The value of after\S* has the wrong type: expected dsttypes, e\.g\. \[DST_CALO_run2pp, DST_HIT_\*\]$/u,
        ),
      ]);
    }
  });

  it('names everything that is wrong with a retry policy, with its place (C-Q30)', () => {
    const read = (text: string) =>
      renderComplaints(parseRuleFile(`R:\n  params: {name: x}\n  retry: ${text}\n`, '/r.yaml').complaints);
    expect(
      read('{mode: active, cases: [{when: {exit_code: [1, 2], signal: SIGKILL}, do: retry, after: 10m}]}'),
    ).toEqual([]);
    expect(read('{mode: on, cases: [{when: {exit_cod: 1, signal: 9}, do: again}, {do: retry, after: 5}]}')).toEqual([
      "r.yaml:3:17: error: R: The value of retry.mode has the wrong type: expected 'passive' or 'active'",
      "r.yaml:3:58: error: R: The value of retry.cases.0.when.signal has the wrong type: expected the name of a signal, such as 'KILL', or a list of them",
      "r.yaml:3:37: error: R: Unknown key 'retry.cases.0.when.exit_cod': expected one of exit_code, hold_code, signal, flag, message, node",
      'r.yaml:3:66: error: R: The value of retry.cases.0.do has the wrong type: expected one of retry, more-memory, more-disk, avoid-node, give-up, pause',
      "r.yaml:3:93: error: R: The value of retry.cases.1.after has the wrong type: expected a time span with its unit, such as '2s' or '10m'",
    ]);
  });

  it('names everything that is wrong with a breaker, with its place (C-Q34)', () => {
    const read = (text: string) => parseRuleFile(`R:\n  params: {name: x}\n  retry: ${text}\n`, '/r.yaml');
    const find = (text: string) => {
      const { complaints, rules } = read(text);
      expect(renderComplaints(complaints)).toEqual([]);
      return rules[0]?.retry?.breaker;
    };
    const usual = { withinMs: 3_600_000, jobs: 20, failed: 0.5, times: 2, beforeMs: 604_800_000 };
    expect(find('{mode: active}')).toEqual(usual);
    expect(find('{breaker: {within: 30m, failed: 0.8}}')).toEqual({ ...usual, withinMs: 1_800_000, failed: 0.8 });
    for (const off of ['off', 'false', "'off'"]) expect(find(`{breaker: ${off}}`)).toBeUndefined();
    const complain = (text: string) => renderComplaints(read(text).complaints);
    expect(complain('{breaker: {within: 1, jobs: 0, failed: 50, times: x, job: 3}}')).toEqual([
      "r.yaml:3:29: error: R: The value of retry.breaker.within has the wrong type: expected a time span with its unit, such as '2s' or '10m'",
      'r.yaml:3:38: error: R: The value of retry.breaker.jobs has the wrong type: expected a whole number above 0',
      'r.yaml:3:49: error: R: The value of retry.breaker.failed has the wrong type: expected a number above 0, up to 1',
      'r.yaml:3:60: error: R: The value of retry.breaker.times has the wrong type: expected a number from 1',
      "r.yaml:3:63: error: R: Unknown key 'retry.breaker.job': expected one of within, jobs, failed, times, before",
    ]);
    expect(complain('{breaker: on}')).toEqual([
      "r.yaml:3:20: error: R: The value of retry.breaker has the wrong type: expected 'off', or a mapping with within, jobs, failed, times, before",
    ]);
  });

  it('warns of sections that are not used any more, and of keys that are not read (C-R18)', () => {
    const text =
      'R:\n  params: {name: x}\n  presubmit: {db: fc}\n  extra: 1\n  filesytem: {}\n  input: {db: fc, qery: x, lfn2pfn: maybe}\n';
    expect(renderComplaints(parseRuleFile(text, '/r.yaml').complaints)).toMatchInlineSnapshot(`
      [
        "r.yaml:3:3: warning: R: 'presubmit' is not used any more",
        "r.yaml:4:3: warning: R: Unknown key 'extra': expected one of params, input, filesystem, job, supervise, product, priority, share, max_queued, max_idle, scouts, deadlines, after, retry",
        "r.yaml:5:3: error: R: Unknown key 'filesytem': expected 'filesystem'",
        "r.yaml:6:19: error: R: Unknown key 'input.qery': expected 'query'",
        "r.yaml:6:37: error: R: Unknown lfn2pfn 'maybe': expected 'lfn2pfn' or 'lfn2lfn'",
      ]
    `);
  });
});

describe('input.verify', () => {
  const read = (value: string) => parseRuleFile(`R:\n  input:\n    db: fc\n    ${value}\n`, '/r.yaml');

  it.each([
    ['verify: true', true],
    ['verify: yes', true],
    ["verify: 'true'", true],
    ['verify: false', false],
    ['lfn2pfn: lfn2pfn', false],
  ])('is read from %s (C-D20)', (value, isVerified) => {
    const { rules, complaints } = read(value);
    expect([rules[0]?.input.isVerified, complaints]).toEqual([isVerified, []]);
  });

  it('is an error where it is mistyped, or neither true nor false', () => {
    const { complaints } = read('verify: maybe');
    expect(renderComplaints(complaints)).toEqual([
      "r.yaml:4:13: error: R: input.verify is 'maybe': expected true or false",
    ]);
    expect(renderComplaints(read('verfy: true').complaints)).toEqual([
      "r.yaml:4:5: error: R: Unknown key 'input.verfy': expected 'verify'",
    ]);
  });
});
