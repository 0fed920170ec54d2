import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// Below the ports that the kernel gives to outgoing connections, so that none of these sits on it after a restart.
const firstPort = 20_000;
const lastPort = 32_000;

function portFileOf(stateDirectory: string): string {
  return join(stateDirectory, 'gateway-port');
}

/** The port that the gateway of this site had before: jobs that still run look for it there. */
export async function readKeptPort(stateDirectory: string): Promise<number | undefined> {
  const text = await readFile(portFileOf(stateDirectory), 'utf8').catch(() => '');
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** Keeps the port for the next start. */
export async function writePort(stateDirectory: string, port: number): Promise<void> {
  await writeFile(portFileOf(stateDirectory), `${port}\n`, { mode: 0o600 });
}

/** A port to try for a site that has none yet. */
export function findPort(): number {
  return randomInt(firstPort, lastPort);
}
