import { basename } from 'node:path';

import { openLog } from '#cli/log.ts';
import { writeJson, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { ingestSpoolFile } from '#ingest/ingest-spool.ts';
import { InputError } from '#model/errors.ts';
import { renderIngested } from '#reports/render-ingested.ts';
import { codeOf } from '#util/code-of.ts';
import { countOf } from '#util/count-of.ts';
import { describeError } from '#util/describe-error.ts';

import { openMadeSite } from '../open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { IngestResources } from '#ingest/ingest-events.ts';
import type { Say } from '#model/log.ts';
import type { IngestedFile } from '#model/report/ingested.ts';
import type { Site } from '#model/site.ts';

/** What can be wrong with one file alone. */
const aboutFile: readonly string[] = ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'spool-too-large'];

const none = { new: 0, duplicate: 0, 'unknown-attempt': 0, forbidden: 0, invalid: 0 };

/**
 * Does what `slurp ingest FILE…` promises: takes spools by hand, as the gateway takes those that come home, and prints
 * what came of each. The files stay. Named like a spool, a file may speak for the attempt in its name only.
 *
 * @throws InputError with every complaint about every file, after all good lines are in the database; DatabaseError
 * @see docs/reconcile.md
 */
export async function runSlurpIngest(
  site: Site,
  files: readonly string[],
  tools: { readonly context: MainContext; readonly say: Say; readonly isJson: boolean },
): Promise<void> {
  const { context, say, isJson } = tools;
  const { status, catalog } = await openMadeSite(site, { context, say, applicationName: 'slurp ingest' });
  const log = openLog({ command: 'ingest', mode: site.mode, directory: site.logDirectory });
  const ingested: IngestedFile[] = [];
  for (const file of files) ingested.push(await ingestFile({ status, catalog, log }, file));
  if (isJson) await writeJson(ingested);
  else await writeOutput(renderIngested(ingested, findOutputWidth()));
  const complaints = ingested.flatMap(({ file, complaints: those }) => those.map((one) => `${file}${one}`));
  if (complaints.length === 0) return;
  throw new InputError(
    `${countOf(complaints.length, 'problem')} in ${countOf(files.length, 'file')}: some lines were rejected`,
    {
      code: 'input-spool',
      complaints,
      advice: 'All other lines are in the database; a corrected file can be ingested again, known lines change nothing',
    },
  );
}

async function ingestFile(resources: IngestResources, file: string): Promise<IngestedFile> {
  const cupsid = /^spool-(\d{1,10})-\d{1,9}\.jsonl/u.exec(basename(file))?.[1];
  try {
    const { counts, refused, tornBytes } = await ingestSpoolFile(
      resources,
      file,
      cupsid === undefined ? {} : { cupsid: Number(cupsid) },
    );
    const torn = tornBytes > 0 ? [`: the last line is torn (${tornBytes} bytes)`] : [];
    return { file, counts, complaints: [...refused.map(({ line, reason }) => `:${line}: ${reason}`), ...torn] };
  } catch (error) {
    // What is wrong with one file must not keep the others out.
    if (!aboutFile.includes(codeOf(error) ?? '')) throw error;
    return { file, counts: none, complaints: [`: ${describeError(error, file)}`] };
  }
}
