import { writeOutput } from '#cli/output.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { tell } from '#job/spool/tell.ts';
import { parseBachi, renderBachiHelp } from './bachi-options.ts';
import { fence, madeForReading, obey, openPost, sayDelivery } from './job-post.ts';

const say = makeSay('bachi');

/** Like the reports of `cups`: first to the spool, then tried once; what is not answered goes with the next one. */
async function runBachi(argv: readonly string[]): Promise<number> {
  const call = parseBachi(argv);
  if (call.kind === 'help') {
    await writeOutput(renderBachiHelp());
    return 0;
  }
  const { identity, access, problem } = openPost();
  if (identity.attempt === 0) return fence(say, identity, madeForReading);
  const timeoutMs = access?.job.reportTimeoutMs ?? 0;
  const { delivery } = await tell(identity, access, call.at, call.detail, { timeoutMs, isPersistent: false });
  sayDelivery(say, delivery, call.isVerbose);
  if (problem !== undefined) throw problem;
  return obey(say, identity, delivery);
}

// A report that was begun is told, also by a job that ends.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
void runMain('bachi', async ({ argv }) => runBachi(argv), { signals: 'leave' });
