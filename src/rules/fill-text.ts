import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { substitute } from './substitute.ts';

import type { Complainer } from './complain.ts';
import type { FindField, Substituted } from './substitute.ts';

/** Fills one text of a rule and says what could not be resolved in it. */
export type FillText = (path: string, template: string, find: FindField) => Substituted;

/** Begins to fill the texts of a rule. @param known names that a mistyped field may have meant */
export function makeFillText(complainer: Complainer, known: Iterable<string>): FillText {
  return (path, template, find) => {
    const filled = substitute(template, find);
    for (const { offset, name, message, expected } of filled.problems) {
      const isStream = name === 'streamname' || name === 'streamfile';
      const near = name === undefined || isStream ? undefined : findNearestWord(name, known);
      const better = isStream
        ? `$(${name}) where the query has a column '${name}', or params.${name}`
        : near === undefined
          ? expected
          : `{${near}}, or another field; write {{ and }} for literal braces`;
      complainer.error({ path, offset, message, expected: better });
    }
    return filled;
  };
}
