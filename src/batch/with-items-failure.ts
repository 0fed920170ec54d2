import type { BatchJob } from './backend.ts';

/** What broke off was the source of the jobs, not what is done with them; the `cause` says why. */
export class ItemsFailure extends Error {}

/** The same jobs, one after the other. @throws ItemsFailure with what `items` threw as its cause */
export async function* withItemsFailure(items: AsyncIterable<BatchJob>): AsyncGenerator<BatchJob> {
  try {
    yield* items;
  } catch (error) {
    throw new ItemsFailure('The items broke off', { cause: error });
  }
}
