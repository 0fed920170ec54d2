/** How a production's conditions are written in names. */
export interface Conditions {
  /** Without dots, e.g. `ana437`, `new`. */
  readonly build: string;
  /** `YYYYpNNN` or `nocdbtag`. */
  readonly tag: string;
  /** From 0; absent: names without version. */
  readonly version?: number;
}

/** A parsed dstname: dsttype, build, tag and version, without run and segment. */
export interface DstnameParts extends Conditions {
  readonly kind: 'dstname';
  /** The kind of an output, e.g. `DST_CALO_run2pp`, streams resolved. */
  readonly dsttype: string;
}

/** The parts of a dstfile, and of a file with one run: `dstname-RUN-SEG`. */
export interface DstfileParts extends Conditions {
  readonly kind: 'dstfile';
  readonly dsttype: string;
  readonly run: number;
  readonly segment: number;
}

/** The parts of a file made from several runs: `dstname-RUN-LASTRUN-SEG[-ITER]`. */
export interface RangeFileParts extends Conditions {
  readonly kind: 'range-file';
  readonly dsttype: string;
  readonly run: number;
  readonly lastRun: number;
  readonly segment: number;
  readonly iteration?: number;
}

/** The parts of a raw file of the DAQ, e.g. `GL1_physics_gl1daq-00053534-0000.evt`; it has neither build nor tag. */
export interface RawFileParts {
  readonly kind: 'raw-file';
  /** All before the first `-`, e.g. `GL1_physics_gl1daq`. */
  readonly stem: string;
  readonly run: number;
  readonly sequence: number;
  readonly extension: 'evt' | 'prdf';
}

/** What a text is not, and why: an answer like any other, since names come from everywhere. */
export interface NotAName {
  readonly kind: 'not-a-name';
  readonly text: string;
  /** A sentence without full stop, e.g. `No build and tag before the run: 'CDB_X_run1auau'`. */
  readonly reason: string;
}

/** What a file name may turn out to be; `extension` is the text behind the last dot. */
export type FileName =
  ((DstfileParts | RangeFileParts) & { readonly extension: 'root' | 'prdf' }) | RawFileParts | NotAName;

/** The text that stands for the stream in a rule's name. */
export const streamMacro = '$(streamname)';

// A word fits one alternative only: with two, a long strange name would take for ever.
const typePattern = /^[A-Z][A-Z][A-Z][A-Z0-9]*(?:_(?:[A-Z0-9]+|[0-9]*[a-z][a-z0-9]*))+$/;
const buildPattern = /^[a-z0-9]+$/;
const tagPattern = /^(?:\d{4}p\d{3}|nocdbtag)$/;
const versionPattern = /^v(\d{3}|[1-9]\d{3,8})$/;
const rawStemPattern = /^[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+$/;

/** Writes a number as `%08i` does, at least that wide, the sign included; widths are not maxima. */
function formatPadded(value: number, digits: number): string {
  return value < 0 ? `-${String(-value).padStart(digits - 1, '0')}` : String(value).padStart(digits, '0');
}

function makeNotAName(text: string, reason: string): NotAName {
  return { kind: 'not-a-name', text, reason };
}

/** Removes every dot: `ana.437` → `ana437`. The dotted form is kept for the release set-up only. */
export function makeBuildName(build: string): string {
  return build.replaceAll('.', '');
}

/** Prints a version: 1 → `v001`. */
export function formatVersion(version: number): string {
  return `v${formatPadded(version, 3)}`;
}

/** Reads a version: `v001` → 1; three digits, or more without leading zero. */
export function parseVersion(text: string): number | NotAName {
  const digits = versionPattern.exec(text)?.[1];
  return digits === undefined
    ? makeNotAName(text, `'${text}' is not a version: expected v and three digits`)
    : Number(digits);
}

/** Returns whether a text can stand as build in a name: lower case letters and digits. */
export function isBuildName(text: string): boolean {
  return buildPattern.test(text);
}

/** Returns whether a text can stand as tag in a name: `YYYYpNNN` or `nocdbtag`. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Returns whether a dsttype follows the convention TYPE_RUNNAME: capitals first, runname in lower case last. */
export function isConventionalDsttype(text: string): boolean {
  return typePattern.test(text) && /^[a-z0-9]+$/.test(runnameOf(text)) && /[a-z]/.test(runnameOf(text));
}

/** The last underscore field of a name: `DST_CALO_run2pp` → `run2pp`; the whole text where there is no underscore. */
export function runnameOf(dsttype: string): string {
  return dsttype.slice(dsttype.lastIndexOf('_') + 1);
}

/** The name with every `_`runname removed, as it stands in directories: `DST_CALO_run2pp` → `DST_CALO`. */
export function leafdirOf(dsttype: string): string {
  return dsttype.replaceAll(`_${runnameOf(dsttype)}`, '');
}

/** The `datasets.dataset` of a production: `build_tag`, and `_version` where there is one. */
export function formatDataset(conditions: Conditions): string {
  const { build, tag, version } = conditions;
  return version === undefined ? `${build}_${tag}` : `${build}_${tag}_${formatVersion(version)}`;
}

/** Finds the dataset in a dstname; in one that is not a name of ours, the text behind the dsttype, else all of it. */
export function datasetOf({ dsttype, dstname }: { readonly dsttype: string; readonly dstname: string }): string {
  const parts = parseDstname(dstname);
  if (parts.kind === 'dstname') return formatDataset(parts);
  const rest = dstname.startsWith(`${dsttype}_`) ? dstname.slice(dsttype.length + 1) : '';
  return rest === '' ? dstname : rest;
}

/** Prints dsttype and dataset, joined by `_`: `DST_CALO_run2pp_ana437_2024p007_v001`. */
export function formatDstname(parts: Conditions & { readonly dsttype: string }): string {
  return `${parts.dsttype}_${formatDataset(parts)}`;
}

/** The bucket of 100 runs that a directory holds: 53534 → `00053500_00053600`. */
export function formatRungroup(run: number): string {
  const first = Math.floor(run / 100) * 100;
  return `${formatPadded(first, 8)}_${formatPadded(first + 100, 8)}`;
}

/**
 * Reports which other dstname means the same product: names without version and with `_v000` are one, because the
 * original wrote `v000` for rules that have no version.
 */
export function twinOf(parts: Conditions & { readonly dsttype: string }): string | undefined {
  return parts.version === undefined ? formatDstname({ ...parts, version: 0 }) : undefined;
}

/** Returns whether two dstfiles mean one product: they are equal, but for a version 0 that one of them does not write. */
export function isSameProduct(one: string, other: string): boolean {
  return withoutVersion0(one) === withoutVersion0(other);
}

/**
 * Returns whether a file bears the name of a product: it contains the product's dstfile as a whole, alone or with a prefix
 * (`hist_`, `HIST-`), a suffix (`_qa`) and any extension. What continues with `-` is another product's.
 */
export function bearsNameOf(lfn: string, dstfile: string): boolean {
  const name = withoutVersion0(dstfile);
  const text = lfn.replaceAll('_v000-', '-');
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const isWhole = !/[\p{L}\p{N}]$/u.test(text.slice(0, at)) && !/^[\p{L}\p{N}-]/u.test(text.slice(at + name.length));
    if (isWhole) return true;
  }
  return false;
}

/** A dstname has no `-`, so the first one is behind its version. */
function withoutVersion0(dstfile: string): string {
  return dstfile.replace(/^([^-]*)_v000-/u, '$1-');
}

/**
 * Reads a dstname from its end: version, tag, build. What is left must be a dsttype: three or more capitals, then words in
 * capitals or lower case.
 */
export function parseDstname(text: string): DstnameParts | NotAName {
  const fields = text.split('_');
  const parsedVersion = parseVersion(fields.at(-1) ?? '');
  const version = typeof parsedVersion === 'number' ? parsedVersion : undefined;
  if (version !== undefined) fields.pop();
  const tag = fields.pop() ?? '';
  const build = fields.pop() ?? '';
  if (!tagPattern.test(tag)) return makeNotAName(text, `No build and tag at the end of '${text}'`);
  if (!buildPattern.test(build))
    return makeNotAName(text, `'${build}' in '${text}' is not a build: expected lower case`);
  const dsttype = fields.join('_');
  if (!typePattern.test(dsttype)) {
    return makeNotAName(
      text,
      `'${dsttype}' is not a dsttype: expected three or more capitals, then words joined by '_'`,
    );
  }
  return { kind: 'dstname', dsttype, build, tag, ...(version === undefined ? {} : { version }) };
}

/** Reads digits that are padded to one of the widths, or longer without a leading zero; else says what is wrong. */
function parsePadded(digits: string, widths: readonly number[], what: string): number | string {
  const expected = `expected ${widths.join(' or ')} digits`;
  if (!/^\d+$/.test(digits)) return `'${digits}' is not a ${what}: ${expected}`;
  const isPadded = widths.includes(digits.length) || (digits.length > Math.max(...widths) && !digits.startsWith('0'));
  if (!isPadded || digits.length > 15)
    return `'${digits}' is not a ${what}: it has ${digits.length} digits, ${expected}`;
  return Number(digits);
}

/** Reads a name that has one run or a range of runs, without extension. */
export function parseStem(text: string): DstfileParts | RangeFileParts | NotAName {
  const [stem = '', ...numbers] = text.split('-');
  if (numbers.length < 2 || numbers.length > 4) {
    const behind = numbers.length === 1 ? '1 number' : `${numbers.length} numbers`;
    return makeNotAName(text, `'${text}' is not a dstfile: it has ${behind} after '-': expected run and segment`);
  }
  const name = parseDstname(stem);
  if (name.kind === 'not-a-name') return makeNotAName(text, name.reason);
  const isRange = numbers.length > 2;
  const run = parsePadded(numbers[0] ?? '', [8], 'run');
  const lastRun = isRange ? parsePadded(numbers[1] ?? '', [8], 'run') : 0;
  const segment = parsePadded(numbers[isRange ? 2 : 1] ?? '', [4, 5], 'segment');
  const iteration = numbers.length === 4 ? parsePadded(numbers[3] ?? '', [2], 'iteration') : undefined;
  for (const part of [run, lastRun, segment, iteration]) if (typeof part === 'string') return makeNotAName(text, part);
  if (typeof run === 'string' || typeof segment === 'string') return makeNotAName(text, 'Not numbers');
  const { kind: _kind, ...conditions } = name;
  const common = { ...conditions, run, segment };
  if (typeof lastRun === 'string' || !isRange) return { kind: 'dstfile', ...common };
  return { kind: 'range-file', ...common, lastRun, ...(typeof iteration === 'number' ? { iteration } : {}) };
}

/**
 * Reads any file name (a path loses its directories first). Never throws: what is not a name of ours is said to be not.
 *
 * @see docs/names.md
 */
export function parseFileName(path: string): FileName {
  const text = path.slice(path.lastIndexOf('/') + 1);
  const dot = text.lastIndexOf('.');
  const extension = dot < 0 ? '' : text.slice(dot + 1);
  const stem = dot < 0 ? text : text.slice(0, dot);
  const raw = parseRawFile(stem, extension);
  if (raw !== undefined) return raw;
  if (extension !== 'root' && extension !== 'prdf') {
    return makeNotAName(text, `'${text}' is not a file of ours: it ends in '${extension}': expected root or prdf`);
  }
  const parts = parseStem(stem);
  return parts.kind === 'not-a-name' ? makeNotAName(text, parts.reason) : { ...parts, extension };
}

/** A raw file has a run and a sequence of four digits after its stem, and neither build nor tag in it. */
function parseRawFile(stem: string, extension: string): RawFileParts | undefined {
  if (extension !== 'evt' && extension !== 'prdf') return undefined;
  const [name = '', ...numbers] = stem.split('-');
  if (numbers.length !== 2 || !rawStemPattern.test(name)) return undefined;
  if (extension === 'prdf' && parseDstname(name).kind === 'dstname') return undefined;
  const run = parsePadded(numbers[0] ?? '', [8], 'run');
  const sequence = parsePadded(numbers[1] ?? '', [4], 'sequence');
  if (typeof run === 'string' || typeof sequence === 'string') return undefined;
  return { kind: 'raw-file', stem: name, run, sequence, extension };
}
