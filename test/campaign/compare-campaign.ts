import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import { SiteError } from '#model/errors.ts';
import { assertPresent } from '#util/assert-present.ts';
import { runCommand } from '#util/run-command.ts';

import { readJournalCounts } from '../torture/playground.ts';
import { campaignRules, dsttypeOf } from './lay-out-campaign.ts';

import type { Playground } from '../torture/playground.ts';
import type { CampaignSize } from './lay-out-campaign.ts';

const attemptSchema = z.object({
  ...{ dstfile: z.string(), dsttype: z.string(), run: z.number(), status: z.string(), is_live: z.boolean() },
  action: z.string().nullable(),
});
const requestsSchema = z.object({ memory: z.number(), nodes: z.number(), bad: z.number() });
const fileSchema = z.object({ name: z.string() });

/** Everything that knows of products, each by itself. */
export interface CampaignState {
  readonly attempts: readonly z.infer<typeof attemptSchema>[];
  readonly onDisk: ReadonlySet<string>;
  readonly inDatasets: ReadonlySet<string>;
  readonly inFiles: ReadonlySet<string>;
  /** How often each product was made to its end. */
  readonly ends: ReadonlyMap<string, number>;
  readonly inQueue: number;
  /** How many products request more memory than their rule, and avoid a machine; and how many machines all jobs avoid. */
  readonly requests: Readonly<z.infer<typeof requestsSchema>>;
  /** How many jobs the bad machine has spoiled. */
  readonly spoiled: number;
}

/** Reads status, catalog, disk, queue, and what the jobs wrote themselves. */
export async function readCampaign(playground: Playground): Promise<CampaignState> {
  const attempts = await ask(
    playground,
    'status',
    `select p.dstfile, p.dsttype, p.run, p.status::text, p.retired_at is null as is_live, a.action
     from production_status p left join policy_action a on a.cupsid = p.id order by p.id`,
  );
  const names = async (table: string, column: string): Promise<ReadonlySet<string>> => {
    const rows = await ask(
      playground,
      'catalog',
      `select ${column} as name from ${table} where ${column} like '%.root'`,
    );
    return new Set(
      z
        .array(fileSchema)
        .parse(rows)
        .map(({ name }) => name.replace(/\.root$/u, '')),
    );
  };
  const onDisk = (await readdir(join(playground.directory, 'out'))).filter((name) => name.endsWith('.root'));
  return {
    attempts: z.array(attemptSchema).parse(attempts),
    onDisk: new Set(onDisk.map((name) => name.replace(/\.root$/u, ''))),
    inDatasets: await names('datasets', 'filename'),
    inFiles: await names('files', 'lfn'),
    ends: await readJournalCounts(playground, 'end'),
    inQueue: await countQueue(playground),
    requests: await readRequests(playground),
    spoiled: [...(await readJournalCounts(playground, 'bad')).values()].reduce((sum, count) => sum + count, 0),
  };
}

async function readRequests(playground: Playground): Promise<z.infer<typeof requestsSchema>> {
  const rows = await ask(
    playground,
    'status',
    `select count(memory_mb)::int as memory, count(*) filter (where avoided_nodes <> '{}')::int as nodes,
            (select count(*) from bad_node)::int as bad
     from product_request`,
  );
  return assertPresent(z.array(requestsSchema).parse(rows)[0], 'one row');
}

async function ask(playground: Playground, role: string, query: string): Promise<unknown> {
  const { exitCode, stdout, stderr } = await playground.call('slurp', ['db', 'sql', role, '--json', query]);
  if (exitCode !== 0) throw new SiteError(`'${role}' cannot be read: ${stderr.trim()}`, { code: 'site-campaign' });
  return JSON.parse(stdout);
}

async function countQueue({ batch, mark }: Playground): Promise<number> {
  if (batch === 'local') return 0;
  const constraint = `SlurpTorture == "${mark}" && JobStatus != 3 && JobStatus != 4`;
  const { exitCode, stdout, stderr } = await runCommand('condor_q', [
    '-allusers',
    '-af',
    'ClusterId',
    '-constraint',
    constraint,
  ]);
  if (exitCode !== 0) throw new SiteError(`'condor_q' failed: ${stderr.trim()}`, { code: 'site-campaign' });
  return stdout.split('\n').filter((line) => line !== '').length;
}

/** What happened, and what must not be: each 0, or something is not accounted for. */
export function compareCampaign(
  { attempts, onDisk, inDatasets, inFiles, ends, inQueue, requests, spoiled }: CampaignState,
  size: CampaignSize,
): { readonly facts: Readonly<Record<string, number>>; readonly discrepancies: Readonly<Record<string, number>> } {
  const live = attempts.filter(({ is_live: isLive }) => isLive);
  const finished = live.filter(({ status }) => status === 'finished');
  const finishedNames = new Set(finished.map(({ dstfile }) => dstfile));
  const givenUp = live.filter(({ status, action }) => status === 'failed' && action === 'give-up');
  const isMissing =
    (names: ReadonlySet<string>) =>
    ({ dstfile }: { readonly dstfile: string }): boolean =>
      !names.has(dstfile);
  const ofRule = (rule: (typeof campaignRules)[number], some: typeof live) =>
    some.filter(({ dsttype }) => dsttype === dsttypeOf(rule));
  // What each rule had to make follows from what the one before has made.
  const madeOfRun = new Map<number, number>();
  for (const { run } of ofRule('CALO', finished)) madeOfRun.set(run, (madeOfRun.get(run) ?? 0) + 1);
  const wanted = {
    FITTING: size.runs * size.segments,
    CALO: ofRule('FITTING', finished).length,
    HIST: [...madeOfRun.values()].filter((made) => made === size.segments).length,
  };
  return {
    facts: {
      attempts: attempts.length,
      products: live.length,
      finished: finished.length,
      'given up': givenUp.length,
      retried: attempts.length - live.length,
      'requested more memory': requests.memory,
      'spoiled by the bad machine': spoiled,
      'sent to another machine': requests.nodes,
      'machines found bad': requests.bad,
    },
    discrepancies: {
      'products neither finished nor given up': live.length - finished.length - givenUp.length,
      'products that were never attempted': campaignRules.reduce(
        (sum, rule) => sum + Math.abs(wanted[rule] - ofRule(rule, live).length),
        0,
      ),
      'finished, not on disk': finished.filter(isMissing(onDisk)).length,
      'finished, not in datasets': finished.filter(isMissing(inDatasets)).length,
      'finished, not in files': finished.filter(isMissing(inFiles)).length,
      'on disk, not finished': [...onDisk].filter((name) => !finishedNames.has(name)).length,
      'in the catalog, not finished': [...inDatasets].filter((name) => !finishedNames.has(name)).length,
      'made twice to the end': [...ends.values()].filter((count) => count > 1).length,
      'jobs left in the queue': inQueue,
    },
  };
}
