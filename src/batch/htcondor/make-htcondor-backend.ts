import { countQueue } from './count-queue.ts';
import { findEnds } from './find-ends.ts';
import { findSubmissions } from './find-submissions.ts';
import { queryHistory } from './history.ts';
import { queryQueue } from './query.ts';
import { settleAfterMs } from './run-condor.ts';
import { removeUnmade, sendAction } from './send-action.ts';
import { findMaxJobs } from './submit/find-max-jobs.ts';
import { submitToCondor } from './submit/submit.ts';
import { writeSubmission } from './submit/write-submission.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchBackend } from '../backend.ts';

/**
 * Makes the batch system HTCondor, driven by its own commands, which have to be on the PATH.
 *
 * @see docs/htcondor.md
 */
export function makeHtcondorBackend(site: HtcondorSite): BatchBackend {
  return {
    name: 'htcondor',
    can: {
      // A condor_submit that is left alone is stopped by `timeout`; after that nothing of it can come.
      submitSettlesMs: site.commandTimeoutMs + settleAfterMs,
    },
    findEnds: (commands) => findEnds(commands, site.commands),
    findMaxJobs: (wanted) => findMaxJobs(site, wanted),
    submit: (submission, items) => submitToCondor(site, submission, items),
    dump: (submission, items) => writeSubmission(site, submission, items),
    countQueue: () => countQueue(site),
    findSubmissions: (uuids, where) => findSubmissions(site, uuids, where),
    queryQueue: (uuids, state) => queryQueue(site, uuids, state),
    queryHistory: (uuids) => queryHistory(site, uuids),
    hold: (selection, reason) => sendAction(site, 'hold', selection, reason),
    release: (selection, reason) => sendAction(site, 'release', selection, reason),
    remove: (selection, reason) => sendAction(site, 'remove', selection, reason),
    removeUnmade: (uuid, reason) => removeUnmade(site, uuid, reason),
  };
}
