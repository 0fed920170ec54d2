// Sends events to a gateway, one a request, and says how fast they were acknowledged; started by bench/events.ts as a
// process of its own: `event-client.ts URL SUBMISSION TOKEN FIRST_ID COUNT SECONDS CONNECTIONS`.
import { Agent, request } from 'node:http';

import { makeEvent } from './make-event.ts';

import type { ClientFigures } from './make-event.ts';

async function sendFor([url = '', submission = '', token = '', ...numbers]: readonly string[]): Promise<ClientFigures> {
  const [first = 0, count = 1, seconds = 1, connections = 1] = numbers.map(Number);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = {
    authorization: `Bearer ${token}`,
    'x-slurp-submission': submission,
    'content-type': 'application/json',
  };
  const post = (body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/v1/events`, { method: 'POST', headers, agent }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  let failures = 0;
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const number = next++;
        const event = makeEvent(first + (number % count), Math.floor(number / count), 'http');
        const began = performance.now();
        if ((await post(JSON.stringify({ events: [event] }))) === 200) times.push(performance.now() - began);
        else failures += 1;
      }
    }),
  );
  agent.destroy();
  times.sort((one, other) => one - other);
  const at = (share: number): number => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(1));
  return { perSecond: Math.round(times.length / seconds), medianMs: at(0.5), p99Ms: at(0.99), failures };
}

process.stdout.write(JSON.stringify(await sendFor(process.argv.slice(2))));
