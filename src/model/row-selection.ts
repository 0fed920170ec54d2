import type { RunSelection, SegmentSelection } from './run-selection.ts';

/**
 * Runs and segments that were asked for by number; where both are absent every row is meant. The cursor is not among
 * them: it only fills the condition of the query.
 */
export interface RowSelection {
  readonly runs?: Exclude<RunSelection, { readonly kind: 'cursor' }>;
  readonly segments?: SegmentSelection;
}

/** The part of a selection that leaves a row out. */
export type OutsideSelection =
  | { readonly kind: 'runs'; readonly selection: RunSelection }
  | { readonly kind: 'segments'; readonly selection: SegmentSelection };

/** The part of a dispatch's options that chooses among rows by their own numbers. */
export function rowSelectionOf(options: {
  readonly runs: RunSelection;
  readonly segments?: SegmentSelection;
}): RowSelection {
  const { runs, segments } = options;
  return { ...(runs.kind === 'cursor' ? {} : { runs }), ...(segments === undefined ? {} : { segments }) };
}

/** Whether a selection of runs includes a run. @param cursor the production's cursor, 0 where there is none */
export function isRunSelected(selection: RunSelection, cursor: number, run: number): boolean {
  switch (selection.kind) {
    case 'cursor':
      return run >= cursor && (selection.window === undefined || run <= cursor + selection.window);
    case 'one':
      return run === selection.run;
    case 'range':
      return run >= selection.first && run <= selection.last;
    case 'list':
      return selection.runs.includes(run);
  }
}

/** Whether a selection of segments includes a segment. */
export function isSegmentSelected(selection: SegmentSelection, segment: number): boolean {
  switch (selection.kind) {
    case 'one':
      return segment === selection.segment;
    case 'range':
      return segment >= selection.first && segment <= selection.last;
    case 'list':
      return selection.segments.includes(segment);
  }
}

/** Finds what leaves a row, or the job of a row, out; undefined where it was asked for. */
export function findOutside(
  { runs, segments }: RowSelection,
  row: { readonly run: number; readonly segment: number },
): OutsideSelection | undefined {
  if (runs !== undefined && !isRunSelected(runs, 0, row.run)) return { kind: 'runs', selection: runs };
  if (segments !== undefined && !isSegmentSelected(segments, row.segment))
    return { kind: 'segments', selection: segments };
  return undefined;
}
