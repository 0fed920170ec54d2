import type { OutsideSelection } from '#model/row-selection.ts';
import type { RunSelection, SegmentSelection } from '#model/run-selection.ts';

/** Says in half a sentence why a selection of runs leaves a run out. @param cursor 0 where there is none */
export function describeRuns(selection: RunSelection, cursor: number): string {
  switch (selection.kind) {
    case 'cursor': {
      const end = selection.window === undefined ? '' : ` and ends at ${cursor + selection.window}`;
      return `'--runs cursor' begins at run ${cursor}${end}`;
    }
    case 'one':
      return `'--runs ${selection.run}' is another run`;
    case 'range':
      return `'--runs ${selection.first} ${selection.last}' does not include it`;
    case 'list':
      return `the list of ${selection.runs.length} runs does not include it`;
  }
}

/** Says in half a sentence why a selection of segments leaves a segment out. */
export function describeSegments(selection: SegmentSelection): string {
  switch (selection.kind) {
    case 'one':
      return `'--segments ${selection.segment}' is another segment`;
    case 'range':
      return `'--segments ${selection.first} ${selection.last}' does not include it`;
    case 'list':
      return `the list of ${selection.segments.length} segments does not include it`;
  }
}

/** Says in half a sentence what leaves a row out. */
export function describeOutside(outside: OutsideSelection): string {
  return outside.kind === 'runs' ? describeRuns(outside.selection, 0) : describeSegments(outside.selection);
}
