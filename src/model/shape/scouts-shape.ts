import { makeMapping, makeShortOrMapping } from './make-mapping.ts';
import { makeInteger, makeNumber } from './make-number.ts';
import { sizeMb } from './size-mb.ts';

import type { ScoutMemorySettings } from '../policy/scout-memory.ts';

const count = makeInteger('a whole number above 0', 1, 999_999_999);

const memory = makeMapping('a mapping with percentile, factor, up_to', {
  percentile: makeNumber('a number above 0, up to 100', (value) => value > 0 && value <= 100).optional(),
  factor: makeNumber('a number from 1', (value) => value >= 1).optional(),
  up_to: sizeMb.optional(),
}).transform(({ percentile = 95, factor = 1.3, up_to: upToMb }): ScoutMemorySettings => ({
  ...{ percentile, factor },
  ...(upToMb === undefined ? {} : { upToMb }),
}));

interface Scouts {
  readonly jobs: number;
  readonly memory?: ScoutMemorySettings | undefined;
}

/**
 * The key `scouts` of a rule: a number of jobs, or a mapping.
 *
 * @see docs/commands/ramenya.md
 */
export const scoutsShape = makeShortOrMapping<Scouts>(
  (value) => {
    const { data: jobs } = count.safeParse(value);
    return jobs === undefined ? undefined : { jobs };
  },
  makeMapping('a whole number above 0, or a mapping with jobs, memory', { jobs: count, memory: memory.optional() }),
);
