import { BaseSequencer } from 'vitest/node';

import type { TestSpecification } from 'vitest/node';

/** Where tests start sites and jobs and wait for them: such a file takes 20 to 100 s, the median of all takes 0.1 s. */
const slow = /\/test\/(?:config\/ensure-site|payloads|examples|commands|db\/decide|settle\/recover|batch\/local)/u;

/** Starts the slow files first: one that starts last keeps one worker busy alone. Else the larger ones come first. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean => slow.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
