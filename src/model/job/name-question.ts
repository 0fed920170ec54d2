import { readFields } from './event-fields.ts';
import { fileName, mostNameBytes, startRange } from './parse-event.ts';

import type { EventComplaint } from './event-fields.ts';

/** What a job asks before it stages out: may this attempt give its file that name? Body of `POST /v1/attempts/ID/claim`. */
export interface NameQuestion {
  /** Which start of the job asks. */
  readonly start: number;
  /** The file's name, with extension. */
  readonly lfn: string;
  /** A file with another content has the name on disk, and would be replaced. */
  readonly isTaken: boolean;
}

/** Whether an attempt may use a file name, and if not, the reason. */
export interface NameAnswer {
  /** The attempt that asked. */
  readonly cupsid: number;
  readonly isGranted: boolean;
  /** Why not; absent where it is granted. */
  readonly reason?: string;
}

/** Reads a question; never throws: a list is everything that is wrong with it. */
export function parseNameQuestion(body: unknown): NameQuestion | readonly EventComplaint[] {
  const complaints: EventComplaint[] = [];
  const fields = readFields(body, '', complaints);
  const question = {
    start: fields.whole('start', startRange),
    lfn: fields.name('lfn', mostNameBytes, fileName),
    isTaken: fields.isSet('isTaken'),
  };
  return complaints.length === 0 ? question : complaints;
}
