import { expect, test } from 'vitest';

import { readKaedamaRequest } from '#commands/kaedama/kaedama-options.ts';

const place = { cwd: '/here', now: '2025-04-10T12:00:00.000Z' };
const read = (...line: readonly string[]): ReturnType<typeof readKaedamaRequest> =>
  readKaedamaRequest(['--config', 'rules.yaml', ...line], place);

test('has the defaults of the original (C-K1)', async () => {
  expect(await read()).toMatchObject({
    config: '/here/rules.yaml',
    rule: 'DST_EVENT',
    options: { runs: { kind: 'cursor' }, limit: 0, nevents: 0, experimentMode: 'physics', mask: [], isTestbed: false },
    action: { kind: 'dispatch' },
    isBatch: false,
    wish: { isForced: false, isMarkingHeld: false, isClearingHeld: false },
    notes: [],
  });
  expect((await read())?.wish).not.toHaveProperty('maxJobs');
});

test.each([
  [['--no-submit']],
  [['--no-sub']],
  [['--plan']],
  [['submit', '--no-submit']],
  [['--runs', '1', '2', 'submit', '--plan']],
])('%j decides, and submits nothing (C-K1)', async (line) => {
  expect(await read(...line)).toMatchObject({ action: { kind: 'plan' } });
});

test.each([
  [['--maxj', '5'], { wish: { maxJobs: 5 } }],
  [['--exp', 'beam'], { options: { experimentMode: 'beam' } }],
  [['--res', '--ye'], { options: { isResubmit: true }, isYes: true }],
  [['--mark'], { wish: { isMarkingHeld: true } }],
  [['submit', '--runs', '22026', '22027', '0'], { options: { runs: { kind: 'list', runs: [22026, 22027] } } }],
])('takes the beginning of an option, and a leading submit: %j (C-K1)', async (line, request) => {
  expect(await read(...line)).toMatchObject(request);
});

test('renames and adds as requested (C-K12)', async () => {
  await expect(read('--batch-name', ' ')).rejects.toThrow(/--batch-name: ' ' is not a name/u);
  await expect(read('--batch-name', 'a\nb')).rejects.toThrow(/--batch-name/u);
  const names = ['--batch-name', 'mine', '--mangle-dstname', 'TEST', '--mangle-dirpath', 'mine/'];
  expect(await read(...names, '--append-to-rsync', 'a,b', '--docstring', 'why', '--test-mode')).toMatchObject({
    options: {
      batchName: 'mine',
      mangleDstname: 'TEST',
      mangleDirpath: 'mine/',
      appendToRsync: 'a,b',
      isTestbed: true,
    },
    docstring: 'why',
  });
});

test('says that --no-dbinput does nothing (C-K13)', async () => {
  const { notes, ...rest } = (await read('--no-dbinput')) ?? {};
  expect(notes).toEqual(["'--no-dbinput' has no effect: jobs always ask for their inputs"]);
  expect({ ...rest, notes: [] }).toEqual(await read());
});
