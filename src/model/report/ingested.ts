import type { EventOutcome } from '../job/event-reply.ts';

/** What became of the reports in one spool file. */
export interface IngestedFile {
  /** As it was named. */
  readonly file: string;
  readonly counts: Readonly<Record<EventOutcome, number>>;
  /** A colon, where in the file, and what is wrong; one each. */
  readonly complaints: readonly string[];
}
