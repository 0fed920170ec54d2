import { recordSigns } from '#db/status/sign/record-signs.ts';
import { GatewayError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { withBound } from '#util/with-bound.ts';

import { makeGroupWriter } from './group-writer.ts';
import { isPoison } from './is-poison.ts';

import type { Database } from '#db/connect.ts';
import type { SignToRecord } from '#db/status/sign/record-signs.ts';
import type { SignOutcome } from '#model/job/sign-of-life.ts';
import type { Log } from '#model/log.ts';

import type { GroupWriter } from './group-writer.ts';

/** What became of a sign of life. */
export interface RecordedSign {
  readonly outcome: SignOutcome;
  /** Why it cannot be recorded at all. */
  readonly reason?: string;
}

/** Records signs of life in groups; see {@link makeGroupWriter}. */
export type SignRecorder = GroupWriter<SignToRecord, RecordedSign>;

const boundMs = 10_000;

/** Makes a recorder over the status database. Nothing is tried again: the next sign comes in a few minutes. */
export function makeSignRecorder({ status, log }: { readonly status: Database; readonly log: Log }): SignRecorder {
  return makeGroupWriter<SignToRecord, RecordedSign>({
    maxItems: 1000,
    maxQueued: 50_000,
    isPoison,
    write: async (signs) => {
      const outcomes = await withBound(recordSigns(status, signs), boundMs, () => {
        throw new GatewayError(`The database has not answered for ${boundMs / 1000} s`, { code: 'gateway-slow' });
      });
      return outcomes.map((outcome) => ({ outcome }));
    },
    refuse: ({ sign }, error) => {
      const reason = describeError(error);
      log.error({ cupsid: sign.cupsid, reason }, 'sign of life refused');
      return { outcome: 'invalid', reason };
    },
  });
}
