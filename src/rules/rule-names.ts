import { formatDataset, leafdirOf, makeBuildName, makeSetupName, runnameOf } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import type { Conditions } from '#model/dst-name.ts';

/** Everything that a rule and the options say about the names of its products. */
export interface RuleNames extends Conditions {
  /** The rule's name, formatted and mangled; may hold `$(streamname)`, once for each stream a dsttype. */
  readonly dsttypePattern: string;
  /** With its dot: `ana.437`; what the release set-up takes, and `production_setup.build`. */
  readonly buildarg: string;
  /** Of the pattern: `run2pp`. */
  readonly runname: string;
  /** Of the pattern; may hold `$(streamname)`: `DST_CALO`. */
  readonly leafdir: string;
  /** `build_tag` or `build_tag_version`. */
  readonly dataset: string;
  /** The name in `production_setup` and `production_cursor`: a stream as `_X_`. */
  readonly setupName: string;
}

/** Puts together the names of a rule's products. */
export function makeRuleNames(parts: {
  readonly dsttypePattern: string;
  readonly buildarg: string;
  readonly tag: string;
  readonly version?: number;
}): RuleNames {
  const { dsttypePattern, buildarg, tag, version } = parts;
  const conditions = { build: makeBuildName(buildarg), tag, ...present({ version }) };
  return {
    ...conditions,
    dsttypePattern,
    buildarg,
    runname: runnameOf(dsttypePattern),
    leafdir: leafdirOf(dsttypePattern),
    dataset: formatDataset(conditions),
    setupName: makeSetupName(dsttypePattern),
  };
}
