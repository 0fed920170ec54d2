import { expect, test } from 'vitest';

import { renderReconciled } from '#reports/settled/render-reconciled.ts';

const submissions = { confirmed: 1, withdrawn: 2, waiting: 3, unknown: 4 };

test('shows what became of submissions and attempts, and why something is not known', () => {
  const recorded = { started: 1, held: 2, released: 0, evicted: 0, exited: 5, removed: 1, vanished: 0 };
  const attempts = {
    ...{
      checked: 20,
      agreed: 8,
      confirmed: 1,
      recorded,
      jobsRemoved: 1,
      waiting: 1,
      unknown: 1,
      unread: 0,
      disbelieved: 0,
    },
    ...{ stops: [], takenBack: 0, reasons: [{ why: 'the schedd did not answer', count: 1 }] },
  };
  expect(renderReconciled({ submissions, attempts }, 80)).toMatchInlineSnapshot(`
    "unconfirmed submissions      number
    ---------------------------  ------
    found and confirmed               1
    never submitted, taken back       2
    waiting                           3
    unknown                           4

    open attempts           number
    ----------------------  ------
    unchanged                    8
    confirmed                    1
    started (new)                1
    held (new)                   2
    released (new)               0
    evicted (new)                0
    ended (new)                  5
    removed (new)                1
    vanished (new)               0
    retired: job removed         1
    waiting                      1
    unknown                      1
    vanished, not recorded       0
    ----------------------  ------
    checked                     20

    1: the schedd did not answer
    "
  `);
});

test('says in one line that there was nothing, and then why something is not known', () => {
  const nothing = { confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 };
  const recorded = { started: 0, held: 0, released: 0, evicted: 0, exited: 0, removed: 0, vanished: 0 };
  const attempts = {
    ...{
      checked: 0,
      agreed: 0,
      confirmed: 0,
      recorded,
      jobsRemoved: 0,
      waiting: 0,
      unknown: 0,
      unread: 0,
      disbelieved: 0,
    },
    ...{ stops: [], takenBack: 0, reasons: [] },
  };
  expect(renderReconciled({ submissions: nothing }, 80)).toBe('Nothing to reconcile: no unconfirmed submissions\n');
  const both = 'Nothing to reconcile: no unconfirmed submissions, no open attempts\n';
  expect(renderReconciled({ submissions: nothing, attempts }, 80)).toBe(both);
  const reasons = [{ why: 'the schedd did not answer', count: 1 }];
  expect(renderReconciled({ submissions: nothing, attempts: { ...attempts, reasons } }, 80)).toBe(
    `${both}\n1: the schedd did not answer\n`,
  );
  expect(renderReconciled({ submissions, attempts }, 80)).toBe(renderReconciled({ submissions }, 80));
});

test('shows of which submissions no further jobs are made, and what became of those', () => {
  const recorded = { started: 0, held: 0, released: 0, evicted: 0, exited: 0, removed: 0, vanished: 0 };
  const about = { submission: '8c5d3c3e-0000-4000-8000-123456789abc', rule: 'CALO' };
  const attempts = {
    ...{
      checked: 42,
      agreed: 20,
      confirmed: 0,
      recorded,
      jobsRemoved: 0,
      waiting: 0,
      unknown: 0,
      unread: 2,
      disbelieved: 0,
    },
    ...{ takenBack: 21, reasons: [] },
    stops: [
      { ...about, cluster: 7, state: 'held' as const, reason: 'disk full (by user me)', unmade: 20, failed: 0 },
      { ...about, cluster: null, state: 'ended' as const, reason: 'Parse error: Odd = a,b', unmade: 21, failed: 1 },
    ],
  };
  const nothing = { confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 };
  expect(renderReconciled({ submissions: nothing, attempts }, 80)).toMatchInlineSnapshot(`
    "open attempts                number
    ---------------------------  ------
    unchanged                        20
    confirmed                         0
    started (new)                     0
    held (new)                        0
    released (new)                    0
    evicted (new)                     0
    ended (new)                       0
    removed (new)                     0
    vanished (new)                    0
    retired: job removed              0
    never created, taken back        21
    waiting                           0
    unknown                           0
    vanished, not recorded            0
    answers that cannot be read       2
    ---------------------------  ------
    checked                          42

    A submission of 'CALO' (cluster 7) is held, with 20 jobs not created yet: disk full (by user me); to resume it: condor_release 7
    The batch system stopped creating jobs of 'CALO': 21 jobs taken back for the next dispatch, 1 job failed: Parse error: Odd = a,b
    "
  `);
});

test('shows submissions alone where only they were asked for', () => {
  expect(renderReconciled({ submissions }, 80)).toMatchInlineSnapshot(`
    "unconfirmed submissions      number
    ---------------------------  ------
    found and confirmed               1
    never submitted, taken back       2
    waiting                           3
    unknown                           4
    "
  `);
});
