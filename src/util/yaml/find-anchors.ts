import { isAlias, isNode, visit } from 'yaml';

import { assertPresent } from '../assert-present.ts';
import { findNearestWord } from '../text/find-nearest-word.ts';

import type { Alias, Document, Node } from 'yaml';

import type { YamlPlace, YamlProblem } from './yaml-tree.ts';

/** The node that each alias of a YAML document refers to, and aliases without one. */
export interface Anchors {
  /** Has no entry for an alias that stands for nothing, which is one of the problems. */
  readonly targets: ReadonlyMap<Alias, Node>;
  readonly problems: readonly YamlProblem[];
}

/**
 * Finds what each alias of a document stands for. As in PyYAML, an anchor stands before its aliases, and one name is one
 * anchor: otherwise a section that was copied would silently change what an alias further down means.
 */
export function findAnchors(document: Document, placeOf: (offset: number) => YamlPlace): Anchors {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const problems: YamlProblem[] = [];
  const complain = (node: Node, message: string, expected: string): void => {
    problems.push({
      severity: 'error',
      place: placeOf(assertPresent(node.range, 'the place of a node')[0]),
      message,
      expected,
    });
  };
  visit(document, {
    Node: (_key, node) => {
      if (!isNode(node)) return;
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
        else {
          const near = findNearestWord(node.source, anchors.keys());
          const expected = near === undefined ? `an anchor '&${node.source}' above it` : `'*${near}'`;
          complain(node, `Undefined alias '*${node.source}'`, expected);
        }
        return;
      }
      if (!('anchor' in node) || typeof node.anchor !== 'string') return;
      const first = anchors.get(node.anchor);
      if (first === undefined) anchors.set(node.anchor, node);
      else {
        const { line } = placeOf(assertPresent(first.range, 'the place of an anchor')[0]);
        complain(node, `Anchor '&${node.anchor}' is already defined in line ${line}`, 'another name');
      }
    },
  });
  return { targets, problems };
}
