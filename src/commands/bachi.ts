import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { checkReport } from '#job/check-report.ts';
import { reportEvent } from '#job/spool/report-event.ts';

import { argumentOf, readBachiCall } from './bachi-options.ts';
import {
  assertAccepted,
  madeForReading,
  openPost,
  reportDelivery,
  reportMisuse,
  stopIfUnwanted,
  stopUnwanted,
} from './job-post.ts';

const say = makeSay('bachi');

/** Like the reports of `cups`: first to the spool, then tried once; what is not answered goes with the next one. */
async function runBachi(argv: readonly string[]): Promise<number> {
  const call = await readBachiCall(argv);
  if (call === undefined) return 0;
  const { identity, access, problem } = openPost();
  if (identity.cupsid === 0) return stopUnwanted(say, identity, madeForReading);
  const timeoutMs = access?.job.reportTimeoutMs ?? 0;
  checkReport(identity, call.at, call.detail, argumentOf);
  const reported = await reportEvent(identity, access, call.at, call.detail, { timeoutMs, isPersistent: false });
  reportDelivery(say, reported, call.isVerbose);
  if (problem !== undefined) throw problem;
  const exitCode = stopIfUnwanted(say, identity, reported.delivery);
  if (exitCode === 0) assertAccepted(reported, `bachi ${call.detail.word}`);
  return exitCode;
}

// A report that was begun is delivered, also by a job that ends.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
void runMain(
  'bachi',
  async ({ argv }) => {
    try {
      return await runBachi(argv);
    } catch (error) {
      await reportMisuse(error, 'bachi');
      throw error;
    }
  },
  { signals: 'leave' },
);
