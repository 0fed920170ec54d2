import { formatDstname, streamMacro } from '#model/dst-name.ts';

import { fillStream, printDstfile } from './naive-names.ts';

import type { DecisionRequest, ListedFile } from '#db/decide/decision-request.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { RowSelection } from '#model/row-selection.ts';
import type { RowFault, Verdict } from '#model/verdict.ts';

import type { Proposal, World } from './world.ts';

/** What became of one proposal, decided one by one, in memory, as slowly as it is plain. */
export interface Fate {
  fate: Verdict | RowFault | 'open';
  state?: JobState;
  ready?: CandidateRow;
}

const words = (list: string | null | undefined): string[] =>
  (list ?? '').split(/[ \t\n\r\f\v]+/).filter((word) => word !== '');

const isUsable = (path: string, lfn: string): boolean => path.endsWith(`/${lfn}`) && !/[\s,]/.test(path);

const byText = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

function pathOf(world: World, kind: DecisionRequest['inputs']['kind'], lfn: string): string | undefined {
  if (kind === 'names') return lfn;
  if (kind === 'listing') {
    const places: ListedFile[] = (world.listed ?? []).filter((file) => file.basename === lfn);
    return places.filter((file) => isUsable(file.path, lfn)).sort((one, other) => byText(other.path, one.path))[0]
      ?.path;
  }
  return world.files
    .filter((file) => file.lfn === lfn && isUsable(file.path, lfn))
    .sort(
      (one, other) =>
        (other.time ?? -1) - (one.time ?? -1) ||
        byText(one.host ?? 'lustre', other.host ?? 'lustre') ||
        byText(one.path, other.path),
    )[0]?.path;
}

function isInvalid(world: World, names: readonly string[], run: number, segment: number): boolean {
  return world.invalid.some(
    (entry) =>
      entry.isExpired !== true &&
      [...names, 'all', 'ALL'].includes(entry.dstname) &&
      entry.runs[0] <= run &&
      (entry.runs[1] === -1 || run <= entry.runs[1]) &&
      (entry.segments?.[0] ?? 0) <= segment &&
      segment <= (entry.segments?.[1] ?? 99999),
  );
}

function numbersOf(selection: RowSelection['runs' | 'segments']): readonly number[] | undefined {
  switch (selection?.kind) {
    case undefined:
      return undefined;
    case 'one':
      return 'run' in selection ? [selection.run] : [selection.segment];
    case 'range':
      return Array.from({ length: selection.last - selection.first + 1 }, (_, index) => selection.first + index);
    case 'list':
      return 'runs' in selection ? selection.runs : selection.segments;
  }
}

/** Decides every proposal of a world; the n-th answer is for the n-th proposal. */
export function decideNaively(world: World, request: DecisionRequest): readonly Fate[] {
  const { production, inputs } = request;
  const isStreamed = production.dsttype.includes(streamMacro);
  const known = world.proposals.map((proposal, index) => {
    const { run, segment, stream } = proposal;
    const { runs, segments } = request.selection;
    const isOutside = (number: number | null, wanted: readonly number[] | undefined): boolean =>
      number !== null && number >= 0 && number <= 2_147_483_647 && wanted?.includes(number) === false;
    if (isOutside(run, numbersOf(runs)) || isOutside(segment, numbersOf(segments))) {
      return { fate: { fate: 'not-selected' } satisfies Fate, proposal, index, dstfile: '', content: '' };
    }
    const isWhole = run !== null && segment !== null && run >= 0 && run <= 2_147_483_647 && segment >= 0;
    const isNamed = !isStreamed || (stream != null && /^[A-Za-z0-9_]+$/.test(stream));
    if (!isWhole || words(proposal.files).length === 0 || !isNamed) {
      return { fate: { fate: 'rejected' } satisfies Fate, proposal, index, dstfile: '', content: '' };
    }
    const dsttype = fillStream(production.dsttype, stream ?? '');
    const dstname = formatDstname({ ...production, dsttype });
    const dstnames =
      production.version === undefined ? [dstname, formatDstname({ ...production, dsttype, version: 0 })] : [dstname];
    const dstfiles = dstnames.map((name) => printDstfile(name, run, segment));
    const live = dstfiles.map((name) => world.attempts.find((one) => one.dstfile === name && one.isRetired !== true));
    const blocking = live.find((one) => one !== undefined && !request.unblockStates.includes(one.state));
    const replaced = live.find((one) => one !== undefined);
    const fate: Fate = { fate: 'open' };
    if (isInvalid(world, [dsttype, ...dstnames], run, segment)) fate.fate = 'invalid-run';
    else if (blocking !== undefined) Object.assign(fate, { fate: 'blocked', state: blocking.state });
    else if (
      !request.isResubmit &&
      dstfiles.some((name) => world.datasets.includes(`${name}.root`) || world.datasets.includes(`${name}.prdf`))
    ) {
      fate.fate = 'exists';
    }
    const { files, ranges, firstevent } = proposal;
    const content = JSON.stringify([stream ?? null, files, ranges ?? null, firstevent ?? null]);
    const replaces = replaced === undefined ? undefined : world.attempts.indexOf(replaced) + 1;
    const row = { ordinal: index + 1, run, segment, dsttype, dstname, dstfile: dstfiles[0] ?? '' };
    return { fate, proposal, index, dstfile: dstfiles[0] ?? '', content, row, replaces };
  });
  const open = known.filter(({ fate }) => fate.fate === 'open');
  const seen = new Set<string>();
  for (const one of open) {
    const key = `${one.dstfile} ${one.content}`;
    if (seen.has(key)) one.fate.fate = 'repeated';
    seen.add(key);
  }
  const distinct = open.filter(({ fate }) => fate.fate === 'open');
  const twice = distinct.filter((one) => distinct.filter((other) => other.dstfile === one.dstfile).length > 1);
  for (const one of twice) one.fate.fate = 'duplicate';
  let ready = 0;
  for (const { fate, proposal, row, replaces } of distinct) {
    if (fate.fate !== 'open' || row === undefined) continue;
    const paths = words(proposal.files).map((lfn) => pathOf(world, inputs.kind, lfn));
    if (paths.includes(undefined)) fate.fate = 'missing-inputs';
    else if (request.cap !== undefined && ready >= request.cap) fate.fate = 'over-limit';
    else {
      ready += 1;
      fate.fate = 'ready';
      fate.ready = makeReady(proposal, row, paths, replaces);
    }
  }
  return known.map(({ fate }) => fate);
}

function makeReady(
  proposal: Proposal,
  row: Pick<CandidateRow, 'ordinal' | 'run' | 'segment' | 'dsttype' | 'dstname' | 'dstfile'>,
  paths: readonly (string | undefined)[],
  replaces: number | undefined,
): CandidateRow {
  return {
    ...row,
    source: 'daq/proposal',
    inputs: paths.join(','),
    ranges: words(proposal.ranges).join(','),
    extra: proposal.firstevent == null ? {} : { firstevent: String(proposal.firstevent) },
    ...(proposal.stream == null ? {} : { streamname: proposal.stream }),
    ...(replaces === undefined ? {} : { replaces }),
  };
}
