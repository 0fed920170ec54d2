import type { Registration } from '#model/job/event-reply.ts';

/** What became of one event: it is in the database, or it never will be. */
export type EventFate = { readonly kind: 'recorded' } | { readonly kind: 'refused'; readonly reason: string };

/** Whether a stage-out is in the catalog; refused: it will not be, the gateway does not try again. */
export type RegistrationAnswer = Pick<Registration, 'isRegistered' | 'isRefused' | 'reason'>;

/** What the gateway answered to events, as far as a job cares. */
export interface EventAnswer {
  /** By the event's `sequence`. An event that is not in here is not acknowledged, and has to be sent again. */
  readonly fates: ReadonlyMap<number, EventFate>;
  /** The fence: whether the attempt may go on; counts only together with the fate of a `started`. */
  readonly verdict?: { readonly isGo: boolean; readonly reason?: string };
  /** Whether a stage-out is in the catalog, by the event's `sequence`. */
  readonly registered: ReadonlyMap<number, RegistrationAnswer>;
}

type Fields = Readonly<Record<string, unknown>>;

const recordedOutcomes: readonly unknown[] = ['new', 'duplicate'];
const refusedOutcomes: readonly unknown[] = ['invalid', 'forbidden', 'unknown-attempt'];

/**
 * Reads the answer to `POST /v1/events`, or the results within a refusal. Only what names the attempt, the source and a
 * sequence counts; everything else, and what it does not understand, is left out. Never throws.
 */
export function parseEventAnswer(body: unknown, cupsid: number, source: string): EventAnswer {
  const fields = fieldsOf(body);
  const own = (list: unknown): readonly (readonly [sequence: number, entry: Fields])[] =>
    listOf(list).flatMap((entry) =>
      entry['cupsid'] === cupsid && entry['source'] === source && typeof entry['sequence'] === 'number'
        ? [[entry['sequence'], entry] as const]
        : [],
    );
  const fates = new Map<number, EventFate>();
  for (const [sequence, entry] of own(fields['results'])) {
    const { outcome } = entry;
    if (recordedOutcomes.includes(outcome)) fates.set(sequence, { kind: 'recorded' });
    else if (refusedOutcomes.includes(outcome)) {
      fates.set(sequence, { kind: 'refused', reason: reasonOf(entry).reason ?? String(outcome) });
    }
  }
  const isRecorded = (sequence: number): boolean => fates.get(sequence)?.kind === 'recorded';
  const registered = new Map<number, RegistrationAnswer>();
  for (const [sequence, entry] of own(fields['registered'])) {
    if (!isRecorded(sequence)) continue;
    registered.set(sequence, {
      isRegistered: entry['isRegistered'] === true,
      ...(entry['isRefused'] === true ? { isRefused: true } : {}),
      ...reasonOf(entry),
    });
  }
  const verdict = listOf(fields['verdicts']).find((entry) => entry['cupsid'] === cupsid);
  return {
    fates,
    registered,
    ...(typeof verdict?.['go'] === 'boolean' ? { verdict: { isGo: verdict['go'], ...reasonOf(verdict) } } : {}),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map((entry: unknown) => fieldsOf(entry)) : [];
}

function reasonOf({ reason }: Fields): { reason?: string } {
  return typeof reason === 'string' && reason !== '' ? { reason } : {};
}
