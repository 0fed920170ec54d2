import type { SourceTree } from './source-tree.ts';

/** One entry of an array at a known place, or one character. */
const entry = String.raw`(?:\[(?:\d+|\w+ [-+] \d+|\w+\.length - 1)\]|\.(?:at|pop|shift|codePointAt)\([^)]*\))`;

const standIn = new RegExp(String.raw`${entry} \?\? (?:''|0\b|\[\])`, 'u');

/**
 * A stand-in after an index that cannot miss hides a bug: `assertPresent` throws where the entry is missing after all. An
 * entry that may be missing is destructured with a default, or asked for. Not in `model`, which imports nothing.
 */
export function checkStandIns(tree: SourceTree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.startsWith('src/') && !path.startsWith('src/model/'))
    .flatMap(([path, text]) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          standIn.test(line)
            ? [`${path}:${index + 1}: A stand-in for an entry that is there: use assertPresent: '${line.trim()}'`]
            : [],
        ),
    );
}
