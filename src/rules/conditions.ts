import type { RunSelection, SegmentSelection } from '#model/run-selection.ts';

/** Prints a number that goes into an author's query: the only kind of text that we paste into SQL. */
function printInteger(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`'${value}' is not a whole number from 0`);
  return value.toFixed(0);
}

function printList(values: readonly number[]): string {
  return values.map(printInteger).join(',');
}

/**
 * Renders the selection of runs as it stands in a query for `{run_condition}`; begins with `and`. A window above the
 * cursor is added up by the server.
 *
 * @param cursor the production's cursor, 0 where there is none
 * @throws RangeError for what is no whole number from 0, which `model/run-selection.ts` never makes
 */
export function renderRunCondition(selection: RunSelection, cursor: number): string {
  switch (selection.kind) {
    case 'cursor': {
      const from = printInteger(cursor);
      if (selection.window === undefined) return `and runnumber>=${from} `;
      return `and runnumber>=${from} and runnumber<=${from}+${printInteger(selection.window)} `;
    }
    case 'one':
      return `and runnumber=${printInteger(selection.run)} `;
    case 'range':
      return `and runnumber>=${printInteger(selection.first)} and runnumber<=${printInteger(selection.last)} `;
    case 'list':
      return `and runnumber in ( ${printList(selection.runs)} )`;
  }
}

/** Renders the selection of segments for `{seg_condition}`; empty for all of them. @throws RangeError as above */
export function renderSegmentCondition(selection: SegmentSelection | undefined): string {
  switch (selection?.kind) {
    case undefined:
      return '';
    case 'one':
      return `and segment=${printInteger(selection.segment)}`;
    case 'range':
      return `and segment>=${printInteger(selection.first)} and segment<=${printInteger(selection.last)}`;
    case 'list':
      return `and segment in ( ${printList(selection.segments)} )`;
  }
}

/** Renders `--limit` for `{limit_condition}`; empty for 0. @throws RangeError as above */
export function renderLimitCondition(limit: number): string {
  return limit > 0 ? `limit ${printInteger(limit)}` : '';
}
