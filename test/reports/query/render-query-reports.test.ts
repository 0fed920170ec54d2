import { expect, it } from 'vitest';

import { renderQueryHtml } from '#reports/query/render-query-html.ts';
import { renderQueryReports } from '#reports/query/render-query-reports.ts';

import type { QueryReport, QueryReports, StartedRow } from '#model/report/query-report.ts';

const at = new Date('2026-12-02T08:41:03Z');

function makeReports(...reports: readonly QueryReport[]): QueryReports {
  return { at, site: '/data/slurp.yaml', mode: 'production', reports };
}

function render(reports: QueryReports, width = 80, isColoured = false): string {
  return renderQueryReports(reports, { width, isColoured });
}

const started: StartedRow = {
  ...{ dsttype: 'DST_TRKR_CLUSTER_run2pp', numJobs: 12_000, avgTimeToStart: 13_260 },
  ...{ numSubmitted: 300, numRunning: 940, numFinished: 11_048, numFailed: 0, avgJobDuration: 2400 },
  ...{ lastJobStarted: new Date('2026-12-02T08:40:00Z'), lastJobFinished: null, sumEvents: 11_048_000 },
};
const failing: StartedRow = { ...started, dsttype: 'DST_EVENT_run2pp', numFailed: 12 };
const hostile = '<script>alert("x")</script>\u001B[2J\n& more';

it('names the columns as the original does, in one table where there is room', () => {
  const reports = makeReports({ report: 'started', since: at, leftOut: 0, rows: [started] });
  expect(render(reports, Infinity)).toMatchInlineSnapshot(`
    "2026-12-02 08:41:03 UTC, production site '/data/slurp.yaml'

    started: submitted after 2026-12-02 08:41:03
    dsttype                  num_jobs  avg_time_to_start  num_submitted  num_running  num_finished  num_failed  avg_job_duration  last_job_started     last_job_finished  sum_events
    -----------------------  --------  -----------------  -------------  -----------  ------------  ----------  ----------------  -------------------  -----------------  ----------
    DST_TRKR_CLUSTER_run2pp     12000  3h41m                        300          940         11048           0  40m               2026-12-02 08:40:00                       11048000
    (1 row)
    "
  `);
});

it('continues a table below itself at a terminal, where nothing is wider than 80 columns', () => {
  const reports = makeReports({ report: 'started', since: at, leftOut: 30, rows: [started, failing] });
  const text = render(reports);
  expect(text).toMatchInlineSnapshot(`
    "2026-12-02 08:41:03 UTC, production site '/data/slurp.yaml'

    started: submitted after 2026-12-02 08:41:03
                                    avg
                                    time
                               num  to           num      num       num     num
    dsttype                   jobs  start  submitted  running  finished  failed
    -----------------------  -----  -----  ---------  -------  --------  ------
    DST_TRKR_CLUSTER_run2pp  12000  3h41m        300      940     11048       0
    DST_EVENT_run2pp         12000  3h41m        300      940     11048      12

                             avg_job                        last_job       sum
    dsttype                  duration  last_job_started     finished    events
    -----------------------  --------  -------------------  --------  --------
    DST_TRKR_CLUSTER_run2pp  40m       2026-12-02 08:40:00            11048000
    DST_EVENT_run2pp         40m       2026-12-02 08:40:00            11048000
    (2 rows, 30 more left out: '--limit 0' shows all)
    "
  `);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

it('paints rows with failures red and all others green, at a terminal only', () => {
  const text = render(makeReports({ report: 'started', leftOut: 0, rows: [started, failing] }), Infinity, true);
  const lines = text.split('\n').slice(2);
  expect(lines.map((line) => /^\u001B\[(\d+)m/u.exec(line)?.[1])).toEqual([
    '1',
    '1',
    '1',
    '32',
    '31',
    undefined,
    undefined,
  ]);
  const row = { dsttype: 'D', run: 1, segment: 0, cluster: 1, process: 0 };
  const runs = makeReports({
    ...{ report: 'runs', leftOut: 0 },
    rows: [
      { ...row, status: 'started' },
      { ...row, status: 'running' },
      { ...row, status: 'held' },
    ],
  });
  const painted = render(runs, 80, true).split('\n').slice(5);
  expect(painted.map((line) => /^\u001B\[(\d+)m/u.exec(line)?.[1])).toEqual(['33', '32', '31', undefined, undefined]);
});

it('says that there is nothing', () => {
  expect(render(makeReports({ report: 'pending', leftOut: 0, rows: [] }))).toMatchInlineSnapshot(`
    "2026-12-02 08:41:03 UTC, production site '/data/slurp.yaml'

    pending
    (0 rows)
    "
  `);
});

it('lets no name do anything to a terminal', () => {
  const row = { dsttype: hostile, run: 1, segment: 0, status: 'failed', cluster: 1, process: 0 } as const;
  const text = render(makeReports({ report: 'runs', leftOut: 0, rows: [row] }), Infinity);
  expect(text.split('\n').slice(5)).toEqual([
    '<script>alert("x")</script>�[2J & more    1        0  failed        1        0',
    '(1 row)',
    '',
  ]);
});

it('renders a page of HTML in which values are escaped', () => {
  const rows = [{ dstname: hostile, prodId: 3, runSegments: ['00000001-0000'], numFailed: 4 }];
  const page = renderQueryHtml({ ...makeReports({ report: 'failed', leftOut: 7, rows }), site: "/a'<b>" });
  expect(page).toMatchInlineSnapshot(`
    "<!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <title>ramenya query: failed</title>
    <style>
    body { font: 14px/1.4 sans-serif; margin: 1rem }
    table { border-collapse: collapse }
    th, td { border: 1px solid #bbb; padding: 0.2rem 0.5rem; text-align: left }
    td.number { text-align: right; font-variant-numeric: tabular-nums }
    </style>
    </head>
    <body>
    <p>2026-12-02 08:41:03 UTC, production site '/a&#39;&lt;b&gt;'</p>
    <h2>failed</h2>
    <table>
    <thead><tr><th scope="col">dstname</th><th scope="col">prod_id</th><th scope="col">list</th></tr></thead>
    <tbody>
    <tr><td>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;�[2J &amp; more</td><td class="number">3</td><td>00000001-0000 and 3 more</td></tr>
    </tbody>
    </table>
    <p>(1 row, 7 more left out: &#39;--limit 0&#39; shows all)</p>
    </body>
    </html>
    "
  `);
});
