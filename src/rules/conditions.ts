import type { RunSelection, SegmentSelection } from '#model/run-selection.ts';

/** Prints a number that goes into an author's query: the only kind of text that we paste into SQL. */
function formatInteger(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`'${value}' is not a whole number from 0`);
  return value.toFixed(0);
}

function formatList(values: readonly number[]): string {
  return values.map(formatInteger).join(',');
}

/**
 * Renders the selection of runs as it stands in a query for `{run_condition}`; begins with `and`. A window above the
 * cursor is added up by the server.
 *
 * @param cursor the production's cursor, 0 where there is none
 * @throws RangeError for what is not a whole number from 0, which `model/run-selection.ts` never makes
 */
export function renderRunCondition(selection: RunSelection, cursor: number): string {
  switch (selection.kind) {
    case 'cursor': {
      const from = formatInteger(cursor);
      if (selection.window === undefined) return `and runnumber>=${from} `;
      return `and runnumber>=${from} and runnumber<=${from}+${formatInteger(selection.window)} `;
    }
    case 'one':
      return `and runnumber=${formatInteger(selection.run)} `;
    case 'range':
      return `and runnumber>=${formatInteger(selection.first)} and runnumber<=${formatInteger(selection.last)} `;
    case 'list':
      return `and runnumber in ( ${formatList(selection.runs)} )`;
  }
}

/** Renders the selection of segments for `{seg_condition}`; empty for all of them. @throws RangeError as above */
export function renderSegmentCondition(selection: SegmentSelection | undefined): string {
  switch (selection?.kind) {
    case undefined:
      return '';
    case 'one':
      return `and segment=${formatInteger(selection.segment)}`;
    case 'range':
      return `and segment>=${formatInteger(selection.first)} and segment<=${formatInteger(selection.last)}`;
    case 'list':
      return `and segment in ( ${formatList(selection.segments)} )`;
  }
}

/** Renders `--limit` for `{limit_condition}`; empty for 0. @throws RangeError as above */
export function renderLimitCondition(limit: number): string {
  return limit > 0 ? `limit ${formatInteger(limit)}` : '';
}
