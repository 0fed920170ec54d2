import { SiteError } from '#model/errors.ts';

import { checkPayload } from './payload/check-payload.ts';
import { describeRefusal } from './payload/find-payload-refusal.ts';
import { surveyPayload } from './payload/survey/survey-payload.ts';
import { checkSiteCommands } from './submission/check-site-commands.ts';
import { checkJobFiles } from './submission/prepare-submission.ts';

import type { Site } from '#model/site.ts';

import type { PayloadPolicy } from './payload/check-payload.ts';
import type { PayloadSite } from './payload/survey/survey-payload.ts';
import type { Plan } from './plan-rule.ts';

/**
 * Finds out for what a dispatch of this plan would be refused before it reserves anything: payload, program, things to
 * stage. Changes nothing, and asks no server. To be called before or after the ready rows are read.
 *
 * @returns a sentence each; empty where nothing is ready
 */
export async function findRefusals(
  { prepared, session, funnel }: Pick<Plan, 'prepared' | 'session' | 'funnel'>,
  policy: Omit<PayloadPolicy, 'build'> & {
    readonly workerDirectory: string;
    readonly site: PayloadSite & Pick<Site, 'batch' | 'file'>;
  },
): Promise<readonly string[]> {
  if (funnel.counts.ready === 0) return [];
  const { build } = prepared.names.production;
  return [
    ...(await refusalOf(async () => checkSiteCommands(policy.site))),
    ...(await refusalOf(async () => checkPayload(await surveyPayload(prepared, policy.site), { ...policy, build }))),
    ...(await refusalOf(() => checkJobFiles(session, prepared, policy.workerDirectory))),
  ];
}

async function refusalOf(check: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return [describeRefusal(error)];
  }
}
