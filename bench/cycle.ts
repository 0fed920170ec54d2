// Measures cycles of a loop of 84 rules with 100,000 candidates each, all blocked: the first decides all of them, in the later
// ones nothing has changed. The rules make the same products, so that one set of attempts is enough; each is decided alone.
// `npx tsx bench/cycle.ts [rules] [candidates] [cycles]`
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDatabase, sql } from '#db/connect.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { bareDecision, timeOf } from './bare-decision.ts';
import { medianOf, putFigures, startBenchServer } from './bench-server.ts';
import { caloRule, putAttempts } from './calo-chain.ts';
import { makeDispatchWorld } from './dispatch-world.ts';

const job = [
  'arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"',
  'log: "{condor}/{logbase}.condor"',
];

/** Runs a loop for so many cycles. @returns of each its time in ms, and what the loop printed of it */
async function runCycles(
  directory: string,
  args: readonly string[],
  cycles: number,
): Promise<readonly { readonly ms: number; readonly line: string }[]> {
  const loop = spawn(join(findPackageRoot(), 'bin', 'ramenya'), args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const measured: { ms: number; line: string }[] = [];
  let beganMs = performance.now();
  let text = '';
  loop.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (!line.startsWith('Cycle ')) continue;
      measured.push({ ms: Math.round(performance.now() - beganMs), line });
      process.stderr.write(`${measured.at(-1)?.ms ?? 0} ms  ${line}\n`);
      beganMs = performance.now();
      if (measured.length === cycles) loop.kill('SIGTERM');
    }
  });
  await new Promise((resolve) => {
    loop.on('close', resolve);
  });
  return measured;
}

async function main(rules: number, candidates: number, cycles: number): Promise<void> {
  const server = await startBenchServer();
  try {
    const world = await makeDispatchWorld(server, candidates);
    const status = openDatabase(world.status, { applicationName: 'bench', max: 1 });
    await putAttempts(status, candidates);
    await status.execute(sql`vacuum analyze`);
    const bareMs: number[] = [];
    for (let round = 0; round < 3; round += 1)
      bareMs.push(await timeOf(() => status.query(sql.verbatim(bareDecision))));
    const site = join(world.directory, 'local.yaml');
    const roles = roleNames.map((role) => `  ${role}: { url: '${world.status.url}', schema: ${role} }`);
    await writeFile(site, ['databases:', ...roles, 'gateway: { url: "http://localhost:1" }', ''].join('\n'));
    const file = join(world.directory, 'cycle.yaml');
    const names = Array.from({ length: rules }, (_, index) => `RULE_${String(index + 1).padStart(2, '0')}`);
    await writeFile(file, names.map((name) => caloRule({ job }).replace('DST_CALO:', `${name}:`)).join(''));
    const args = ['--site', site, 'submit', file, '--loop', '--delay', '0', '--runs', '0', '999999'];
    const measured = await runCycles(world.directory, args, cycles);
    const [passes] = await status.query<{ unchanged: number }>(sql`
      select count(*)::int as unchanged from ${sql.table(status.role, 'production_pass')} where outcome = 'unchanged'`);
    await status.close();
    const later = measured.slice(1, cycles).map(({ ms }) => ms);
    if ((passes?.unchanged ?? 0) < rules * later.length)
      throw new Error('Rules were decided though nothing had changed');
    const [firstMs, unchangedMs] = [measured[0]?.ms ?? 0, medianOf(later)];
    // The bare statement once for each rule.
    const allBareMs = medianOf(bareMs) * rules;
    const toBare = (ms: number): number => Number((ms / allBareMs).toFixed(2));
    const figures = {
      ...{ rules, candidates, allBareMs, firstMs, firstToBare: toBare(firstMs) },
      ...{ unchangedMs, unchangedToBare: toBare(unchangedMs) },
    };
    await putFigures('cycle', { ...figures, measured });
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await server.close();
  }
}

const [rules = '84', candidates = '100000', cycles = '8'] = process.argv.slice(2);
await main(Number(rules), Number(candidates), Number(cycles));
