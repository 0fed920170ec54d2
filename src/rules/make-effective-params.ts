import { makeBuildName } from '#model/dst-name.ts';
import { present } from '#util/present.ts';

import { reservedFields } from './field-scope.ts';
import { checkParamValues } from './job/check-values.ts';

import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Complainer } from './complain.ts';

type Params = Readonly<Record<string, string>>;

/** The things to stage where a rule names none: all of its payload. */
function defaultRsyncOf(payload: string): string {
  return `${payload.replace(/\/+$/, '')}/*`;
}

/** Takes masked words out of a list of subsystems, and superfluous spaces with them. */
function withoutMasked(required: string, mask: readonly string[]): string {
  const words = required.trim().split(/\s+/);
  return words.filter((word) => !mask.includes(word)).join(' ');
}

/**
 * Puts the overrides of the options into a rule's params: `--dbtag`, `--mem`, `--input-dataset`, `--mask`,
 * `--append-to-rsync`; adds `rsync` where it is missing. Says what cannot be overridden.
 */
export function makeEffectiveParams(rule: Rule, options: RunOptions, complainer: Complainer): Params {
  const { dbtag, mem, inputDataset, mask, appendToRsync } = options;
  const { required, payload = '.' } = rule.params;
  const rsync = rule.params['rsync'] ?? defaultRsyncOf(payload);
  if (inputDataset !== undefined && rule.params['dataset'] === undefined) {
    complainer.error({
      path: 'params',
      message: `'--input-dataset ${inputDataset}' has no params.dataset to replace`,
      expected: 'a rule with params.dataset, or no --input-dataset',
    });
  }
  return {
    ...rule.params,
    rsync: appendToRsync === undefined ? rsync : `${rsync},${appendToRsync}`,
    ...present({ dbtag, mem, dataset: inputDataset }),
    ...(required === undefined ? {} : { required: withoutMasked(required, mask) }),
  };
}

/** What a rule cannot do without, and what that is. */
const neededParams: Readonly<Record<string, string>> = {
  name: 'the kind of the output, e.g. DST_CALO_run2pp',
  build: 'the software release, e.g. ana.437 or new',
  dbtag: 'the conditions tag, e.g. 2024p007',
  payload: 'a directory in a git checkout',
};

/** Reports what is missing from the params, or contradicts itself: whatever would give wrong names. */
export function checkParams(rule: Rule, params: Params, filesystem: Params, complainer: Complainer): void {
  for (const [key, expected] of Object.entries(neededParams)) {
    const missingKey = `params.${key}`;
    if (params[key] === undefined)
      complainer.error({ path: 'params', message: `${missingKey} is missing`, expected, missingKey });
    // What is not there at all is this word, as in Python.
    else if (params[key] === '' || params[key] === 'None')
      complainer.error({ path: `params.${key}`, message: `params.${key} is empty`, expected });
  }
  for (const key of ['build', 'build_name', 'dbtag']) {
    if (params[key]?.includes('_') === true) {
      const message = `params.${key} contains an underscore: '${params[key]}'`;
      complainer.error({
        path: `params.${key}`,
        message,
        expected: 'no underscore, because it separates the parts of a name',
      });
    }
  }
  for (const key of ['build', 'dbtag']) {
    const wrong = /[^A-Za-z0-9_.+-]/.exec(params[key] ?? '')?.[0];
    if (wrong === undefined) continue;
    const message = `'${wrong}' in params.${key}: '${params[key]}'`;
    complainer.error({
      path: `params.${key}`,
      message,
      expected: 'letters and digits, because it is part of file names',
    });
  }
  for (const key of Object.keys(params)) {
    const isField = reservedFields.includes(key);
    if (!isField && !(Object.hasOwn(filesystem, key) && key !== 'indir')) continue;
    const other = isField ? 'a field of SLURP' : `filesystem.${key}`;
    const message = `params.${key} and ${other} are both {${key}}`;
    complainer.error({ path: `params.${key}`, message, expected: 'another name for the param' });
  }
  checkVersion(rule, params, complainer);
  const { build_name: buildName, build } = params;
  if (buildName !== undefined && build !== undefined && makeBuildName(build) !== buildName) {
    const message = `params.build_name '${buildName}' is not params.build without dots: '${makeBuildName(build)}'`;
    complainer.warning({ path: 'params.build_name', message });
  }
  checkParamValues(rule, params, complainer);
  if (/\s/.test(params['rsync'] ?? '')) {
    const message = `params.rsync contains spaces: '${params['rsync']}'`;
    complainer.error({ path: 'params.rsync', message, expected: 'only commas between the paths to stage' });
  }
}

function checkVersion(rule: Rule, params: Params, complainer: Complainer): void {
  const { version } = rule;
  const { build } = params;
  if (version === undefined || build === undefined) return;
  const path = 'params.version';
  if (version === 0 && build !== 'new') {
    const message = `params.version is 0 with the fixed build '${build}'`;
    complainer.error({ path, message, expected: '1 or more, or no version' });
  }
  if (version > 0 && build === 'new') {
    const message = `params.version is ${version} with the build 'new'`;
    complainer.error({ path, message, expected: '0, or no version' });
  }
}
