import { expect, it } from 'vitest';

import { renderSiteStatus } from '#reports/render-site-status.ts';

import type { SiteStatus } from '#model/report/site-status.ts';

const role = { server: '/home/me/.slurp-site/run/slurp', isReachable: true };

const up: SiteStatus = {
  kind: 'embedded',
  mode: 'production',
  stateDirectory: '/home/me/.slurp-site',
  backend: 'local',
  isMade: true,
  isUp: true,
  serve: { pid: 12, phase: 'ready', startedAt: '2024-06-30T12:00:00.000Z' },
  postgres: { pid: 13 },
  gateway: { url: 'http://127.0.0.1:20001', health: 'ok', complaints: [] },
  queue: { slots: 4, running: 4, idle: 96, held: 1 },
  roles: [
    { role: 'daq', schema: 'daq', ...role },
    { role: 'status', schema: 'status', ...role },
  ],
  work: { unconfirmed: 1, attempts: { submitted: 96, running: 4, finished: 1000 }, finishedWithoutProduct: 2 },
  stageouts: { pending: 2, aside: 0, oldestSeconds: 3 },
  spools: 0,
  refusedSpools: 0,
};

it('shows a site that is up', () => {
  expect(renderSiteStatus(up)).toMatchInlineSnapshot(`
    "site          /home/me/.slurp-site (embedded, production)
    serve         ready, process 12, since 2024-06-30T12:00:00Z
    database      running, process 13
    gateway       http://127.0.0.1:20001, ok
    local queue   4 running, 96 waiting, 1 held; 4 at once
    unconfirmed   1 submission
    attempts      96 submitted, 4 running, 1000 finished
                  2 finished without a product: see 'kaedama --why RUN'
    staged files  2 waiting for the catalog, 0 quarantined
    spools        0 to be read

    role    database                        schema  state
    ------  ------------------------------  ------  ---------
    daq     /home/me/.slurp-site/run/slurp  daq     reachable
    status  /home/me/.slurp-site/run/slurp  status  reachable
    "
  `);
});

it('shows how many jobs sent signs of life, and how old the newest and the oldest are', () => {
  const signs = { attempts: 1204, newestSeconds: 41, oldestSeconds: 3 * 3600 + 40 * 60 };
  expect(renderSiteStatus({ ...up, signs })).toContain(
    '\nattempts      96 submitted, 4 running, 1000 finished\n' +
      'signs of life 1,204 attempts, the newest 41s ago, the oldest 3h40m ago\n',
  );
  expect(renderSiteStatus({ ...up, signs: { attempts: 1, newestSeconds: 190, oldestSeconds: 190 } })).toContain(
    '\nsigns of life 1 attempt, 3m ago\n',
  );
});

it('shows the oldest pass of the rules that loops run, and the open alarms in lines that fit', () => {
  const passes = [
    { rule: 'DST_B', seconds: 7300, outcome: 'waited' },
    { rule: 'DST_A', seconds: 12, outcome: 'unchanged' },
  ] as const;
  const raisedAt = '2026-12-01T10:00:00.000Z';
  const alarms = Array.from({ length: 7 }, (_, index) => ({
    ...{ cause: `disk:R${index}`, raisedAt, advice: 'Make room there' },
    what: `'/data/${'x'.repeat(80)}' has\n2 GB free`,
  }));
  const text = renderSiteStatus({ ...up, passes, alarms });
  expect(text).toContain("\nloops         2 rules, DST_B: the last pass 2h1m ago ('ramenya status')\n");
  expect(text).toContain(`\nalarms        '/data/${'x'.repeat(58)}…\n`);
  expect(text).toContain("\n              and 2 more alarms: 'ramenya status' lists all\n");
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

it('names of each rule a product that is finished and was not staged out (C-D18)', () => {
  const work = {
    ...{ unconfirmed: 0, attempts: { finished: 7 }, finishedWithoutProduct: 3 },
    withoutProduct: [
      { rule: 'DST_B', count: 2, dstfile: 'DST_B-7-1', run: 7, segment: 1 },
      { rule: 'DST_A', count: 1, dstfile: 'DST_A-5-0', run: 5, segment: 0 },
    ],
  } as const;
  expect(renderSiteStatus({ ...up, work })).toContain(
    [
      "              3 finished without a product: see 'kaedama --why RUN'",
      "                DST_B: 2, e.g. 'kaedama --config FILE --rule DST_B --why 7 1'",
      "                DST_A: 1, e.g. 'kaedama --config FILE --rule DST_A --why 5 0'\n",
    ].join('\n'),
  );
});

it('shows how many finished products are missing in the catalog, and the latest of them', () => {
  const example = { dstfile: 'DST_A-1-0', run: 1, segment: 0 };
  const text = renderSiteStatus({ ...up, lostProducts: { count: 3, looked: 998, example } });
  expect(text).toContain(
    "3 finished, but gone from the catalog, of the latest 998, e.g. DST_A-1-0: see 'kaedama --plan'\n",
  );
});

it('shows reports and spools that were refused, and how to see them', () => {
  const text = renderSiteStatus({ ...up, refusedAttempts: 2, refusedSpools: 1 });
  expect(text).toContain("\nrefused       reports of 2 attempts, 1 spool: 'slurp refused' lists them\n");
});

it('shows remarks on reports, and how to see what was quarantined', () => {
  const text = renderSiteStatus({
    ...up,
    remarkedAttempts: 1,
    stageouts: { pending: 0, aside: 2, oldestSeconds: 0 },
  });
  expect(text).toContain("\nremarks       on reports of 1 attempt: 'slurp refused' lists them\n");
  expect(text).toContain("0 waiting for the catalog, 2 quarantined: 'slurp refused' lists those of live attempts\n");
});

it('names the last products that failed, with the reason and how to ask for more', () => {
  const common = { rule: 'DST_CALO', segment: 0, exitCode: null } as const;
  const text = renderSiteStatus({
    ...up,
    work: { unconfirmed: 0, attempts: { failed: 6, held: 1 }, finishedWithoutProduct: 0 },
    failures: [
      { ...common, dstfile: 'DST_CALO_x-00000001-00000', run: 1, state: 'failed', exitCode: 3, reason: 'no\nspace' },
      { ...common, dstfile: 'DST_CALO_x-00000002-00000', run: 2, state: 'held', reason: 'word '.repeat(30) },
      { ...common, dstfile: 'DST_CALO_x-00000003-00000', rule: null, run: 3, state: 'failed', reason: null },
    ],
  });
  expect(text.split('\n\n')[1]).toMatchInlineSnapshot(`
    "Failed or held, the last 3 of 7:
      DST_CALO_x-00000001-00000
        failed (exit code 3): no space
      DST_CALO_x-00000002-00000
        held: word word word word word word word word word word word word word word…
      DST_CALO_x-00000003-00000
        failed: no message
      'kaedama --config FILE --rule DST_CALO --why 1 0' explains the first one"
  `);
});

it('shows a site that is down, and says what to do', () => {
  const { kind, mode, stateDirectory, spools, refusedSpools } = up;
  const problem = "Cannot reach database 'status' at 'db1:5432/Production': connection refused";
  const roles = [
    { role: 'status', server: 'db1:5432/Production', schema: 'public', isReachable: false, problem },
  ] as const;
  const down: SiteStatus = {
    kind,
    mode,
    stateDirectory,
    spools,
    refusedSpools,
    backend: 'htcondor',
    isMade: true,
    isUp: false,
    postgres: {},
    roles,
  };
  expect(renderSiteStatus(down)).toMatchInlineSnapshot(`
    "site          /home/me/.slurp-site (embedded, production)
    serve         not running
    database      not running
    gateway       not running
    local queue   none: jobs go to HTCondor
    unconfirmed   not known
    attempts      not known
    staged files  not known
    spools        0 to be read

    role    database             schema  state
    ------  -------------------  ------  ------------------
    status  db1:5432/Production  public  connection refused

    Some parts are not running: 'slurp up' or the next kaedama starts them.
    "
  `);
  expect(renderSiteStatus({ ...down, isMade: false })).toContain(
    "\nThis site does not exist yet: 'slurp up' creates it; '--site PATH' selects another.\n",
  );
});
