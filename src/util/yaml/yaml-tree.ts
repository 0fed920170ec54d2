import type { PlainScalar } from './plain-scalar.ts';

/** Where something stands in a YAML file; line and column count from 1. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

/** From this offset of a value on, characters stand side by side in one line of the file, beginning at this place. */
export interface YamlSegment extends YamlPlace {
  readonly at: number;
}

/** What is wrong or odd about the form of a YAML file. */
export interface YamlProblem {
  /** With an error the file, or a part of it, cannot be read as its author meant it. */
  readonly severity: 'error' | 'warning';
  readonly place: YamlPlace;
  /** One sentence without full stop, values in single quotes. */
  readonly message: string;
  /** What would have been right, in words that go on behind "expected". */
  readonly expected?: string;
}

/** One text, number, … of a YAML file. */
export interface YamlScalar extends PlainScalar {
  readonly shape: 'scalar';
  /** As written, without quotes: differs from `text` where a number or word is spelled in another way. */
  readonly source: string;
  readonly place: YamlPlace;
  readonly segments: readonly YamlSegment[];
}

/** A YAML sequence with the place of its first character. */
export interface YamlList {
  readonly shape: 'list';
  readonly items: readonly YamlValue[];
  readonly place: YamlPlace;
}

/** A mapping of a YAML file; of keys given twice the last holds, in the place of the first. */
export interface YamlMap {
  readonly shape: 'map';
  readonly entries: ReadonlyMap<string, YamlEntry>;
  readonly place: YamlPlace;
}

/** One key of a mapping, and its value. */
export interface YamlEntry {
  readonly key: YamlPlace;
  readonly value: YamlValue;
}

/** What a YAML file consists of, anchors and merged keys resolved. */
export type YamlValue = YamlScalar | YamlList | YamlMap;
