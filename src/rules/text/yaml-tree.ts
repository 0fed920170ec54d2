import type { Place, TextSegment } from '#model/rule.ts';
import type { PlainScalar } from './plain-scalar.ts';

/** One text, number, … of a YAML file. */
export interface YamlScalar extends PlainScalar {
  readonly shape: 'scalar';
  /** As written, without quotes: differs from `text` where a number or word is spelled in another way. */
  readonly source: string;
  readonly place: Place;
  readonly segments: readonly TextSegment[];
}

/** A list of a YAML file. */
export interface YamlList {
  readonly shape: 'list';
  readonly items: readonly YamlValue[];
  readonly place: Place;
}

/** A mapping of a YAML file; of keys given twice the last holds, in the place of the first. */
export interface YamlMap {
  readonly shape: 'map';
  readonly entries: ReadonlyMap<string, YamlEntry>;
  readonly place: Place;
}

/** One key of a mapping, and its value. */
export interface YamlEntry {
  readonly key: Place;
  readonly value: YamlValue;
}

/** What a YAML file consists of, anchors and merged keys resolved. */
export type YamlValue = YamlScalar | YamlList | YamlMap;
