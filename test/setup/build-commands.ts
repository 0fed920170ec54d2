import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

/** Builds the commands again, so that tests that start them test what the sources say. */
export default async function setUp(): Promise<void> {
  const { exitCode, stderr } = await runCommand('sh', ['scripts/set-up.sh'], { cwd: findPackageRoot() });
  if (exitCode !== 0) throw new Error(`The commands cannot be built:\n${stderr}`);
}
