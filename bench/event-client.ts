// Sends events to a gateway, one a request, and says how fast they were acknowledged; started by bench/event-http.ts as a
// process of its own: `event-client URL SUBMISSION TOKEN FIRST_ID COUNT SECONDS CONNECTIONS`. It shares the machine with what it
// measures, so it writes requests to bare sockets: with the client of Node it would use as much CPU as the gateway.
import { connect } from 'node:net';

import { makeEvent } from './make-event.ts';

import type { ClientFigures } from './make-event.ts';

/** A connection that sends the next request when the last one is answered, until `next` has none. */
function runConnection(port: number, next: () => string | undefined, onAnswer: (head: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    let answer = '';
    const send = (): void => {
      const request = next();
      if (request === undefined) socket.end();
      else socket.write(request, 'latin1');
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      const headLength = answer.indexOf('\r\n\r\n') + 4;
      const bodyLength = Number(/\r\ncontent-length: (\d+)/iu.exec(answer)?.[1]);
      if (headLength < 4 || answer.length < headLength + bodyLength) return;
      onAnswer(answer);
      answer = '';
      send();
    });
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

async function sendFor([url = '', submission = '', token = '', ...numbers]: readonly string[]): Promise<ClientFigures> {
  const [first = 0, count = 1, seconds = 1, connections = 1] = numbers.map(Number);
  const head = [
    'POST /v1/events HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${token}`,
    `x-slurp-submission: ${submission}`,
    'content-type: application/json',
    'content-length: ',
  ].join('\r\n');
  const source = `http${connections}`;
  const times: number[] = [];
  let failures = 0;
  let sent = 0;
  const cpuBefore = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, () => {
      let began = 0;
      const next = (): string | undefined => {
        began = performance.now();
        if (began >= end) return undefined;
        const number = sent++;
        const event = makeEvent(first + (number % count), Math.floor(number / count), source);
        const body = JSON.stringify({ events: [event] });
        return `${head}${body.length}\r\n\r\n${body}`;
      };
      return runConnection(Number(new URL(url).port), next, (answer) => {
        if (answer.startsWith('HTTP/1.1 200')) times.push(performance.now() - began);
        else failures += 1;
      });
    }),
  );
  const { user, system } = process.cpuUsage(cpuBefore);
  times.sort((one, other) => one - other);
  const at = (share: number): number => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(1));
  return { answered: times.length, medianMs: at(0.5), p99Ms: at(0.99), failures, cpuMs: (user + system) / 1000 };
}

void sendFor(process.argv.slice(2)).then((figures) => process.stdout.write(JSON.stringify(figures)));
