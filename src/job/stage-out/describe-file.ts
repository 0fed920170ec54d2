import { formatDataset, formatDstname, parseDstname, parseFileName, parseStem } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import type { DstnameParts } from '#model/dst-name.ts';
import type { StagedFile } from '#model/job/job-event.ts';

/** What a script says of a file that it stages out; what is absent was not given. */
export interface GivenFacts {
  readonly run?: number;
  readonly segment?: number;
  /** Of the job, which may make files of other names too; with or without run and segment. */
  readonly dstname?: string;
  readonly dsttype?: string;
  readonly dataset?: string;
}

/** What the catalog is to say of a file. */
export interface FileDescription {
  /** A fact is absent where neither the script nor a name says it: the attempt's own is registered. */
  readonly facts: Pick<StagedFile, 'run' | 'segment' | 'dsttype' | 'dataset'>;
  /** Where the script contradicts the file's name, e.g. `--run is 7, the name says 7101`. */
  readonly contradictions: readonly string[];
}

/**
 * Finds out what the catalog is to say of a file: what the script gives, else what the file's name says, if it is one
 * of ours, else what the dstname says that the script gives.
 *
 * @param lfn the file's name, with extension
 * @see docs/commands/cups.md
 */
export function describeFile(lfn: string, given: GivenFacts): FileDescription {
  const name = parseFileName(lfn);
  const named = name.kind === 'dstfile' || name.kind === 'range-file' ? name : undefined;
  const stated = parseGivenName(given.dstname);
  const run = given.run ?? named?.run;
  const segment = given.segment ?? named?.segment;
  const source = named ?? stated;
  const dsttype = given.dsttype ?? source?.dsttype;
  const dataset = given.dataset ?? (source === undefined ? undefined : formatDataset(source));
  return {
    facts: present({ run, segment, dsttype, dataset }),
    contradictions:
      named === undefined
        ? []
        : [
            ...checkAgainstName('--run', given.run, named.run),
            ...checkAgainstName('--segment', given.segment, named.segment),
            ...checkAgainstName(
              '--dstname',
              stated === undefined ? undefined : formatDstname(stated),
              formatDstname(named),
            ),
            ...checkAgainstName('--dsttype', given.dsttype, named.dsttype),
            ...checkAgainstName('--dataset', given.dataset, formatDataset(named)),
          ],
  };
}

/** Scripts give a dstname, a whole dstfile, or a placeholder such as `none`. */
function parseGivenName(text = ''): Omit<DstnameParts, 'kind'> | undefined {
  const name = parseDstname(text);
  if (name.kind === 'dstname') return name;
  const stem = parseStem(text);
  return stem.kind === 'not-a-name' ? undefined : stem;
}

function checkAgainstName<T extends string | number>(
  option: string,
  given: T | undefined,
  named: T,
): readonly string[] {
  return given === undefined || given === named ? [] : [`${option} is '${given}', the file name says '${named}'`];
}
