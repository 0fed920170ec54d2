import { GatewayError } from '#model/errors.ts';
import { present } from '#util/present.ts';

/** The options of a group writer; it writes one group at a time, and waits for no timer. */
export interface GroupWriterOptions<Item, Result> {
  /** Writes items in one transaction and answers one result each, in order; when it returns they are committed. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Returns whether an error is the fault of what is written, so that the rest of the group may pass without it. */
  readonly isPoison: (error: unknown) => boolean;
  /** The result of the one item that cannot be written. */
  readonly refuse: (item: Item, error: unknown) => Result;
  /** Items in one write; a single longer request is written whole. */
  readonly maxItems: number;
  /** Items that may wait; more are refused at once. */
  readonly maxQueued: number;
}

/** The state of a group writer, for `/health` and `slurp status`; counted since it was made. */
export interface GroupWriterFacts {
  /** Items waiting or being written. */
  readonly queued: number;
  /** Items written and committed so far. */
  readonly written: number;
  /** Writes that failed, since the last one that succeeded. */
  readonly failures: number;
  /** When the last of these failed; absent once one has succeeded. */
  readonly lastFailureAt?: Date;
}

/** Joins requests that come while a write is under way into the next one. */
export interface GroupWriter<Item, Result> {
  /**
   * Writes items together with whatever else waits; one write is in flight at a time.
   *
   * @returns one result an item, in order, once committed
   * @throws what the write threw: then none of these items may be taken as written. GatewayError `gateway-busy` where
   *   too much waits, `gateway-closed` after `close`
   */
  write(items: readonly Item[]): Promise<readonly Result[]>;
  facts(): GroupWriterFacts;
  /** Takes nothing new and waits until what was taken is written or refused. */
  close(): Promise<void>;
}

interface Waiting<Item, Result> {
  readonly items: readonly Item[];
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a group writer. Under load one commit serves many requests (measured: about 2.4 times the rate of a commit
 * each); alone, a request does not wait.
 */
export function makeGroupWriter<Item, Result>(options: GroupWriterOptions<Item, Result>): GroupWriter<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let queued = 0;
  let written = 0;
  let failures = 0;
  let lastFailureAt: Date | undefined;
  let flight: Promise<void> | undefined;
  let isClosed = false;

  function takeGroup(): readonly Waiting<Item, Result>[] {
    let size = 0;
    let taken = 0;
    for (const request of waiting) {
      if (taken > 0 && size + request.items.length > options.maxItems) break;
      size += request.items.length;
      taken += 1;
    }
    const group = waiting.slice(0, taken);
    waiting = waiting.slice(taken);
    return group;
  }

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const group = takeGroup();
      const items = group.flatMap((request) => request.items);
      try {
        const results = await writeApart(options, items);
        written += items.length;
        failures = 0;
        lastFailureAt = undefined;
        let offset = 0;
        for (const request of group) {
          request.resolve(results.slice(offset, offset + request.items.length));
          offset += request.items.length;
        }
      } catch (error) {
        failures += 1;
        lastFailureAt = new Date();
        for (const request of group) request.reject(error);
      }
      queued -= items.length;
    }
    flight = undefined;
  }

  return {
    write(items) {
      if (items.length === 0) return Promise.resolve([]);
      if (isClosed) return Promise.reject(makeRefusal('gateway-closed', 'The gateway is closing'));
      if (queued > 0 && queued + items.length > options.maxQueued) {
        return Promise.reject(
          makeRefusal('gateway-busy', `The gateway is busy: ${queued} events are waiting to be written`),
        );
      }
      queued += items.length;
      return new Promise((resolve, reject) => {
        waiting.push({ items, resolve, reject });
        flight ??= flush();
      });
    },
    facts: () => ({ queued, written, failures, ...present({ lastFailureAt }) }),
    async close() {
      isClosed = true;
      await flight;
    },
  };
}

function makeRefusal(code: string, message: string): GatewayError {
  return new GatewayError(message, { code, advice: 'Try again in a few seconds' });
}

/** Writes all; where one item spoils the whole, halves until it stands alone, and refuses that one. */
async function writeApart<Item, Result>(
  options: GroupWriterOptions<Item, Result>,
  items: readonly Item[],
): Promise<readonly Result[]> {
  try {
    return await options.write(items);
  } catch (error) {
    const [first] = items;
    if (!options.isPoison(error) || first === undefined) throw error;
    if (items.length === 1) return [options.refuse(first, error)];
    const middle = Math.ceil(items.length / 2);
    return [
      ...(await writeApart(options, items.slice(0, middle))),
      ...(await writeApart(options, items.slice(middle))),
    ];
  }
}
