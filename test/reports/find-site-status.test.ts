import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { findSite } from '#config/find-site.ts';
import { findSiteStatus } from '#reports/find-site-status.ts';

async function serveOnce(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

it.each([
  ['{"status":"ok","complaints":[]}', { health: 'ok', complaints: [] }],
  ['invalid', { health: 'away', complaints: ['its answer cannot be understood'] }],
  [undefined, { health: 'away', complaints: ['its answer was cut short'] }],
])('reports what a gateway answers: %s', async (body, facts) => {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-status-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body?.length ?? 100}\r\n\r\n`;
  const port = await serveOnce(head + (body ?? '{"status":'));
  await writeFile(join(directory, 'slurp.yaml'), `gateway: {url: 'http://127.0.0.1:${port}'}\n`);
  const { gateway } = await findSiteStatus(await findSite({ cwd: directory, env: {}, isNewAllowed: true }));
  expect(gateway).toEqual({ url: `http://127.0.0.1:${port}`, ...facts });
});
