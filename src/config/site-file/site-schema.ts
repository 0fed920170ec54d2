import * as z from 'zod';

import { deadlinesShape } from '#model/shape/deadlines-shape.ts';
import { retryShape } from '#model/shape/retry-shape.ts';
import { timeSpan } from '#model/shape/time-span.ts';

const path = z.string({ error: 'a path' }).min(1, { error: 'a path' });

const hidden = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: path }), z.string().min(1)],
  { error: 'a string, or {env: NAME}, or {file: PATH}' },
);

const url = z
  .string({ error: "an address 'postgresql://USER@HOST/DATABASE', or {env: NAME}, or {file: PATH}" })
  .regex(/^postgres(?:ql)?:\/\//, { error: "an address 'postgresql://USER@HOST/DATABASE'" });

const database = z.union(
  [
    z.literal('embedded'),
    url,
    z.strictObject({
      url: z.union([url, z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: path })], {
        error: "an address 'postgresql://USER@HOST/DATABASE', or {env: NAME}, or {file: PATH}",
      }),
      password: hidden.optional(),
      schema: z.string().min(1).optional(),
    }),
    z.strictObject({
      dsn: z.string({ error: 'the name of a data source' }).min(1, { error: 'the name of a data source' }),
      user: z.string().min(1).optional(),
      password: hidden.optional(),
      schema: z.string().min(1).optional(),
    }),
  ],
  {
    error:
      "'embedded', an address 'postgresql://USER@HOST/DATABASE', {url: …, password: …, schema: …}, or {dsn: NAME} of an odbc.ini",
  },
);

const positive = z.int({ error: 'a whole number above 0' }).positive({ error: 'a whole number above 0' });

const databases = z.strictObject({ daq: database, raw: database, catalog: database, status: database });

const batch = z.strictObject({
  backend: z.enum(['local', 'htcondor'], { error: "'local' or 'htcondor'" }).optional(),
  local: z.strictObject({ slots: positive.optional(), history_days: positive.optional() }).optional(),
  htcondor: z
    .strictObject({
      commands: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()], { error: 'a string or a number' }))
        .optional(),
      max_materialize: positive.optional(),
      max_idle: positive.optional(),
      max_jobs_per_submission: positive.optional(),
      schedds: z.array(z.string().min(1)).optional(),
      command_timeout: timeSpan.optional(),
    })
    .optional(),
});

const gateway = z.strictObject({
  host: z.string().min(1).optional(),
  port: z.int().min(0).max(65_535, { error: 'a port, 0 to 65535' }).optional(),
  url: z
    .string()
    .regex(/^https?:\/\//, { error: "an address 'http://HOST:PORT'" })
    .optional(),
  insecure: z.boolean({ error: 'true or false' }).optional(),
  tls: z.strictObject({ certificate: path, key: path }).optional(),
});

const worker = z.strictObject({
  report_timeout: timeSpan.optional(),
  inputs_timeout: timeSpan.optional(),
  setup_script: path.optional(),
  supervise: z.boolean({ error: 'true or false' }).optional(),
  container: z
    .strictObject({
      runtime: z.enum(['apptainer', 'singularity'], { error: "'apptainer' or 'singularity'" }),
      image: z.string().min(1),
      binds: z.array(z.string().min(1)).optional(),
    })
    .optional(),
});

const payloads = z.strictObject({
  directory: path.optional(),
  limit_mb: positive.optional(),
  keep_days: positive.optional(),
});

const limits = z.strictObject({
  busy_schedd_percent: z
    .int({ error: 'a percentage, 1 to 100' })
    .min(1, { error: 'a percentage, 1 to 100' })
    .max(100, { error: 'a percentage, 1 to 100' })
    .optional(),
  idle_per_running: z.number({ error: 'a number above 0' }).positive({ error: 'a number above 0' }).optional(),
  idle_at_least: positive.optional(),
  free_space_gb: z.number({ error: 'a number from 0' }).min(0, { error: 'a number from 0' }).optional(),
});

/** One line of printable ASCII with one `@`: nothing in it can end a header. */
const mailAddress = z
  .string({ error: 'a mail address' })
  .regex(/^[\x21-\x2b\x2d-\x3f\x41-\x7e]+@[\w.-]+$/u, { error: 'a mail address' });

const webhookForms = "an address 'https://HOST/PATH', or {env: NAME}, or {file: PATH}";

const notify = z.strictObject({
  command: z
    .union([path.transform((program) => [program]), z.array(z.string().min(1)).min(1)], {
      error: 'a program, or a list of the program and its arguments',
    })
    .optional(),
  webhook: z
    .union(
      [
        z.strictObject({ env: z.string().min(1) }),
        z.strictObject({ file: path }),
        z.string().regex(/^https?:\/\//u, { error: webhookForms }),
      ],
      { error: webhookForms },
    )
    .optional(),
  mail: z
    .strictObject({
      to: z.union([mailAddress.transform((address) => [address]), z.array(mailAddress).min(1)], {
        error: 'a mail address, or a list of them',
      }),
      from: mailAddress.optional(),
      sendmail: path.optional(),
    })
    .optional(),
});

const partOfNodes = { error: 'a number from 0 to 1' };

const nodes = z.strictObject({
  failures: positive.optional(),
  within: timeSpan.optional(),
  avoid_for: timeSpan.optional(),
  at_most: z.number(partOfNodes).min(0, partOfNodes).max(1, partOfNodes).optional(),
});

const sections = {
  state: path.optional(),
  odbc: path.optional(),
  databases: databases.optional(),
  batch: batch.optional(),
  gateway: gateway.optional(),
  worker: worker.optional(),
  payloads: payloads.optional(),
  limits: limits.optional(),
  retry: retryShape.optional(),
  nodes: nodes.optional(),
  notify: notify.optional(),
  deadlines: deadlinesShape.optional(),
  disk_check: timeSpan.optional(),
  spool: path.optional(),
  logs: path.optional(),
  rules: path.optional(),
  statement_timeout: timeSpan.optional(),
};

/**
 * A site file, as it is written: every section may be left out, and stand again in the block of a mode, which counts
 * there instead.
 *
 * @see docs/site.md
 */
export const siteFileSchema = z.strictObject({
  ...sections,
  production: z.strictObject(sections).optional(),
  testbed: z.strictObject(sections).optional(),
});

/** A site file that was read and checked; time spans are in ms. */
export type SiteFile = z.output<typeof siteFileSchema>;

/** The sections that hold for one mode: those of its block, else those of the file. */
export type SiteSections = Omit<SiteFile, 'production' | 'testbed'>;

/** One role as a site file gives it. */
export type SiteDatabase = z.output<typeof database>;

/** A secret of the site file: the text itself, or the environment variable or file (0600) that has it. */
export type HiddenText = z.output<typeof hidden>;
