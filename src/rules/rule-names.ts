import { formatDataset, leafdirOf, makeBuildName, runnameOf } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import type { Production } from '#model/production.ts';

/** Everything that a rule and the options say about the names of its products. */
export interface RuleNames {
  /** Its dsttype is the rule's name, formatted and mangled. */
  readonly production: Production;
  /** The build with its dot: `ana.437`; what the release set-up takes, and `production_setup.build`. */
  readonly buildarg: string;
  /** Of the dsttype: `run2pp`. */
  readonly runname: string;
  /** Of the dsttype; may hold `$(streamname)`: `DST_CALO`. */
  readonly leafdir: string;
  /** `build_tag` or `build_tag_version`. */
  readonly dataset: string;
}

/** Puts together the names of a rule's products. */
export function makeRuleNames(parts: {
  readonly dsttype: string;
  readonly buildarg: string;
  readonly tag: string;
  readonly version?: number;
}): RuleNames {
  const { dsttype, buildarg, tag, version } = parts;
  const production = { dsttype, build: makeBuildName(buildarg), tag, ...present({ version }) };
  return {
    production,
    buildarg,
    runname: runnameOf(dsttype),
    leafdir: leafdirOf(dsttype),
    dataset: formatDataset(production),
  };
}
