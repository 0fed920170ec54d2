/** What the gateway answered to events, as far as a job cares. */
export interface EventAnswer {
  /** The fence: whether the attempt may go on. Absent: no `started` event was among the events. */
  readonly verdict?: { readonly isGo: boolean; readonly reason?: string };
  /** Whether a stage-out is in the catalog, by the event's `sequence`. */
  readonly registered: ReadonlyMap<number, { readonly isRegistered: boolean; readonly reason?: string }>;
  /** Words of the gateway about events that it did not take. */
  readonly untaken: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the answer to `POST /v1/events`; what it does not understand is left out. Never throws. */
export function parseEventAnswer(body: unknown, attempt: number, source: string): EventAnswer {
  const fields = fieldsOf(body);
  const verdict = listOf(fields['verdicts']).find((entry) => entry['attempt'] === attempt);
  const registered = new Map<number, { isRegistered: boolean; reason?: string }>();
  for (const entry of listOf(fields['registered'])) {
    if (entry['source'] !== source || typeof entry['sequence'] !== 'number') continue;
    registered.set(entry['sequence'], { isRegistered: entry['isRegistered'] === true, ...reasonOf(entry) });
  }
  const untaken = listOf(fields['results'])
    .filter(({ outcome }) => outcome !== 'new' && outcome !== 'duplicate')
    .map((entry) => [entry['outcome'], reasonOf(entry).reason].filter((word) => typeof word === 'string').join(': '));
  return {
    registered,
    untaken: [...new Set(untaken)],
    ...(typeof verdict?.['go'] === 'boolean' ? { verdict: { isGo: verdict['go'], ...reasonOf(verdict) } } : {}),
  };
}

/** The explanation in a problem (`application/problem+json`), or at least its status. Never throws. */
export function explainRefusal(status: number, body: unknown): string {
  const { detail, title, code } = fieldsOf(body);
  const words = [detail, title, code].find((word) => typeof word === 'string' && word !== '');
  return typeof words === 'string' ? `${words} (status ${status})` : `status ${status}`;
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
