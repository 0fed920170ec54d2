import * as z from 'zod';

import { deadlinesShape } from '#model/shape/deadlines-shape.ts';
import { retryShape } from '#model/shape/retry-shape.ts';
import { scoutsShape } from '#model/shape/scouts-shape.ts';

const leaf = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'one string or number' });
const texts = z.record(z.string(), leaf, { error: 'a mapping of names to strings' });
const values = z.record(z.string(), z.union([leaf, z.array(leaf)], { error: 'a string, a number or a list of them' }), {
  error: 'a mapping of names to values',
});

const wholeNumber = { error: 'a whole number; higher goes first' };
const positiveNumber = { error: 'a number above 0' };
const aboveZero = { error: 'a whole number above 0' };
const count = z
  .string(aboveZero)
  .regex(/^[1-9]\d{0,8}$/u, aboveZero)
  .transform(Number);

const names = { error: 'dsttypes, e.g. [DST_CALO_run2pp, DST_HIT_*]' };
const dsttype = z.string(names).regex(/^[A-Za-z0-9_.+]+\*?$/u, names);

/** What a rule looks like: sections that are missing, and keys of one's own, are no mistakes of form. */
export const ruleShape = z.looseObject(
  {
    params: values
      .describe('Values for {fields} of the query and the job; name, build, dbtag and payload are needed')
      .optional(),
    input: z
      .looseObject(
        {
          db: leaf.describe('Database of the query: daqdb, fc, filecatalog, raw, status').optional(),
          query: leaf.describe('One SELECT, whose rows become jobs').optional(),
          direct_path: leaf.describe('Glob of directories with the inputs; without it, the catalog is used').optional(),
          verify: leaf.describe('true dispatches a job only if its inputs exist on disk; false by default').optional(),
          lfn2pfn: leaf.describe('lfn2lfn hands the names of the query to the job').optional(),
        },
        { error: 'a mapping with db and query' },
      )
      .optional(),
    filesystem: texts.describe('Directories: outdir, logdir, histdir, calibdir, condor and others').optional(),
    job: texts.describe('Submit commands: executable, arguments, log, …').optional(),
    supervise: z
      .boolean({ error: 'true or false' })
      .describe("false: the rule's own executable runs without SLURP's launcher")
      .optional(),
    product: z
      .literal('required', { error: "'required', or no such key" })
      .describe('required: a job that ends without its product in the catalog is failed')
      .optional(),
    priority: z
      .string(wholeNumber)
      .regex(/^-?\d{1,6}$/u, wholeNumber)
      .transform(Number)
      .describe('Rules with a higher priority go first in a loop; 0 by default')
      .optional(),
    share: z
      .string(positiveNumber)
      .regex(/^(?:0\.\d{0,4}[1-9]\d{0,4}|[1-9]\d{0,5}(?:\.\d{1,5})?)$/u, positiveNumber)
      .transform(Number)
      .describe('Part of the room in the queue, beside the other rules of the same priority')
      .optional(),
    retry: retryShape.optional(),
    max_queued: count.describe('Jobs of the rule in the queue at most, for loops').optional(),
    max_idle: count.describe('Jobs of the rule that wait in the queue at most, for loops').optional(),
    scouts: scoutsShape
      .describe('So many jobs go first in a loop; the others wait until these have finished')
      .optional(),
    deadlines: deadlinesShape
      .describe('How long attempts may stay in a state before an alarm is raised, instead of what the site says')
      .optional(),
    after: z
      .union([dsttype.transform((name) => [name]), z.array(dsttype)], names)
      .describe('Dsttypes whose files trigger the rule in a loop; by default those that the query names')
      .optional(),
  },
  { error: 'a mapping with params, input, filesystem and job' },
);

/** The keys of a rule that have keys of their own; every other key of a rule is in {@link ruleKeys}. */
export const ruleSections = ['params', 'input', 'filesystem', 'job'] as const;

/** Further keys of a rule, beside its sections. */
export const ruleKeys = [
  'supervise',
  'product',
  'priority',
  'share',
  'max_queued',
  'max_idle',
  'scouts',
  'deadlines',
  'after',
  'retry',
] as const;

/** The keys that a rule's section `input` may have; any other is a mistake. */
export const inputKeys = ['db', 'query', 'direct_path', 'lfn2pfn', 'verify'] as const;

/** The keys of `params` that SLURP itself reads; any other is a field for the rule's own texts. */
export const paramKeys = [
  ...['name', 'build', 'build_name', 'dbtag', 'version', 'script', 'payload', 'rsync', 'mem', 'disk'],
  ...['logbase', 'outbase', 'neventsper', 'dataset', 'required', 'dump', 'dbinput'],
] as const;

/** Sections that the original read at some time, and has no use for any more. */
export const deadSections: readonly string[] = ['runlist_query', 'presubmit', 'input_query'];
