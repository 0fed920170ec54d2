import { renderTable } from '#cli/table.ts';
import { jobStates } from '#model/job/job-state.ts';
import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';
import { shorten } from '#util/text/shorten.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { SiteStatus } from '#model/report/site-status.ts';

function renderServe({ serve }: SiteStatus): string {
  if (serve === undefined) return 'not running';
  const since = serve.startedAt === undefined ? '' : `, since ${serve.startedAt.slice(0, 19)}Z`;
  return `${serve.phase}, process ${serve.pid}${since}`;
}

function renderQueue({ queue, backend }: SiteStatus): string {
  if (backend !== 'local') return 'none: jobs go to HTCondor';
  if (queue === undefined) return 'not running';
  return `${queue.running} running, ${queue.idle} waiting, ${queue.held} held; ${queue.slots} at once`;
}

function renderWork({ work }: SiteStatus): string {
  if (work === undefined) return 'not known';
  const states = jobStates.flatMap((state) => {
    const count = work.attempts[state] ?? 0;
    return count > 0 ? [`${count} ${state}`] : [];
  });
  return states.length === 0 ? 'none' : states.join(', ');
}

function renderSigns({ signs }: SiteStatus): readonly (readonly [string, string])[] {
  if (signs === undefined) return [];
  const { attempts, newestSeconds, oldestSeconds } = signs;
  const ages =
    attempts === 1
      ? `${formatDuration(newestSeconds)} ago`
      : `the newest ${formatDuration(newestSeconds)} ago, the oldest ${formatDuration(oldestSeconds)} ago`;
  return [['signs of life', `${countOf(attempts, 'attempt')}, ${ages}`]];
}

/** Rules of which an example is shown; JSON has all. */
const rulesShown = 5;

function renderLacking({ work, lostProducts }: SiteStatus): readonly (readonly [string, string])[] {
  const count = work?.finishedWithoutProduct ?? 0;
  const lackingRules = work?.withoutProduct ?? [];
  const { count: lost = 0, looked = 0, example } = lostProducts ?? {};
  const which = example === undefined ? '' : `, e.g. ${example.dstfile}`;
  return [
    ...(count === 0 ? [] : [['', `${count} finished without a product: see 'kaedama --why RUN'`] as const]),
    ...lackingRules.slice(0, rulesShown).map(({ rule, count: some, run, segment }) => {
      const name = rule ?? 'RULE';
      return ['', `  ${name}: ${some}, e.g. 'kaedama --config FILE --rule ${name} --why ${run} ${segment}'`] as const;
    }),
    ...(lackingRules.length > rulesShown
      ? [['', `  and ${countOf(lackingRules.length - rulesShown, 'more rule')}: --json`] as const]
      : []),
    ...(lost === 0
      ? []
      : [
          [
            '',
            `${lost} finished, but gone from the catalog, of the latest ${looked}${which}: see 'kaedama --plan'`,
          ] as const,
        ]),
  ];
}

function renderStageouts({ stageouts }: SiteStatus): string {
  if (stageouts === undefined) return 'not known';
  return `${stageouts.pending} waiting for the catalog, ${stageouts.aside} quarantined${
    stageouts.aside === 0 ? '' : ": 'slurp refused' lists those of live attempts"
  }`;
}

function renderRefused(status: SiteStatus): readonly (readonly [string, string])[] {
  const { refusedAttempts = 0, remarkedAttempts = 0, refusedSpools } = status;
  const parts = [
    ...(refusedAttempts === 0 ? [] : [`reports of ${countOf(refusedAttempts, 'attempt')}`]),
    ...(refusedSpools === 0 ? [] : [countOf(refusedSpools, 'spool')]),
  ];
  return [
    ...(parts.length === 0 ? [] : [['refused', `${parts.join(', ')}: 'slurp refused' lists them`] as const]),
    ...(remarkedAttempts === 0
      ? []
      : [['remarks', `on reports of ${countOf(remarkedAttempts, 'attempt')}: 'slurp refused' lists them`] as const]),
  ];
}

function renderPasses({ passes = [] }: SiteStatus, width: number): readonly (readonly [string, string])[] {
  const [oldest] = passes;
  if (oldest === undefined) return [];
  const { rule, seconds } = oldest;
  const age = seconds === null ? 'no pass yet' : `the last pass ${formatDuration(Math.round(seconds))} ago`;
  return [['loops', shorten(`${countOf(passes.length, 'rule')}, ${rule}: ${age} ('ramenya status')`, width - 14)]];
}

function renderAlarms({ alarms = [] }: SiteStatus, width: number): readonly (readonly [string, string])[] {
  const lines = alarms.slice(0, alarmsShown).map(({ what }) => shorten(withoutControls(what), width - 14));
  const more = alarms.length - lines.length;
  const all = more > 0 ? [`and ${countOf(more, 'more alarm')}: 'ramenya status' lists all`] : [];
  return [...lines, ...all].map((line, index) => [index === 0 ? 'alarms' : '', line]);
}

function renderFailures({ failures = [], work }: SiteStatus, width: number): string {
  if (failures.length === 0) return '';
  const { failed = 0, held = 0 } = work?.attempts ?? {};
  const more = failed + held > failures.length ? `, the last ${failures.length} of ${failed + held}` : '';
  const lines = failures.flatMap(({ dstfile, state, reason, exitCode }) => {
    const code = exitCode === null || exitCode === 0 ? '' : ` (exit code ${exitCode})`;
    const why = `${state}${code}: ${(reason ?? 'no message').replaceAll(/\s+/gu, ' ')}`;
    return [`  ${dstfile}`, `    ${why.length > width - 4 ? `${why.slice(0, width - 5)}…` : why}`];
  });
  const [first] = failures;
  const [rule, place] = [first?.rule ?? 'RULE', `${first?.run ?? 'RUN'} ${first?.segment ?? ''}`.trim()];
  const hint = `  'kaedama --config FILE --rule ${rule} --why ${place}' explains the first one`;
  return `Failed or held${more}:\n${[...lines, hint].join('\n')}\n\n`;
}

const stuckShown = 5;

const alarmsShown = 5;

function renderStuck({ stuck }: SiteStatus, width: number): string {
  if (stuck === undefined) return '';
  const { stops, heldAfterEnd, silence } = stuck;
  const stopped = stops.flatMap(({ rule, cluster, kind, reason, unmade }) => [
    `  ${rule}, cluster ${cluster ?? 'unknown'}: ${kind}, ${countOf(unmade, 'job')} not made`,
    `    ${shorten(reason, width - 4)}`,
  ]);
  const held = heldAfterEnd
    .slice(0, stuckShown)
    .flatMap(({ dstfile, state, cluster, process, reason }) => [
      `  ${dstfile} (${state}), job ${cluster}.${process}`,
      `    ${shorten(reason ?? 'no reason given', width - 4)}`,
    ]);
  const more = heldAfterEnd.length > stuckShown ? `, the first ${stuckShown} of ${heldAfterEnd.length}` : '';
  const sections = [
    ...(stops.length === 0 ? [] : [['Submissions whose remaining jobs are not created:', ...stopped]]),
    ...(heldAfterEnd.length === 0
      ? []
      : [
          [
            `Jobs held after their attempt ended${more}:`,
            ...held,
            "  'kaedama … --clear-held-jobs' removes them; 'slurp reconcile' does after a day",
          ],
        ]),
    ...(silence === undefined ? [] : [[shorten(`The batch system does not report what is stuck: ${silence}`, width)]]),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n\n`).join('');
}

function verdictOf({ isUp, isMade }: SiteStatus): string {
  if (isUp) return '';
  if (isMade) return "\nSome parts are not running: 'slurp up' or the next kaedama starts them.\n";
  return "\nThis site does not exist yet: 'slurp up' creates it; '--site PATH' selects another.\n";
}

/** Renders how a site is doing for reading, in lines of at most `width` characters. */
export function renderSiteStatus(status: SiteStatus, width = 80): string {
  const { gateway, postgres } = status;
  const rows: (readonly [string, string])[] = [
    ['site', `${status.file ?? status.stateDirectory} (${status.kind}, ${status.mode})`],
    ['serve', renderServe(status)],
    ...(postgres === undefined
      ? []
      : ([['database', postgres.pid === undefined ? 'not running' : `running, process ${postgres.pid}`]] as const)),
    ['gateway', gateway === undefined ? 'not running' : `${gateway.url}, ${gateway.health}`],
    ...(gateway?.complaints ?? []).map((complaint) => ['', complaint] as const),
    ['local queue', renderQueue(status)],
    ...(status.batchProblem === undefined ? [] : [['', status.batchProblem] as const]),
    ['unconfirmed', status.work === undefined ? 'not known' : countOf(status.work.unconfirmed, 'submission')],
    ['attempts', renderWork(status)],
    ...renderSigns(status),
    ...renderLacking(status),
    ['staged files', renderStageouts(status)],
    ['spools', `${status.spools} to be read`],
    ...renderRefused(status),
    ...renderPasses(status, width),
    ...renderAlarms(status, width),
  ];
  const lines = rows.map(([name, text]) => `${name.padEnd(14)}${text}`);
  const table = renderTable(
    {
      head: ['role', 'database', 'schema', 'state'],
      rows: status.roles.map((role) => [
        role.role,
        role.server,
        role.schema,
        role.isReachable ? 'reachable' : (role.problem ?? 'away').replace(/^Cannot reach database .* at '.*': /, ''),
      ]),
    },
    width,
  );
  const failed = renderFailures(status, width);
  return `${lines.join('\n')}\n\n${failed}${renderStuck(status, width)}${table}${verdictOf(status)}`;
}
