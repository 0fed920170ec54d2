// Bundled and run as a program of its own by spool.test.ts: appends reports until it is done or killed.
//   node append-reports.mjs DIRECTORY WHO COUNT TEXTLENGTH
import { appendToSpool } from '#job/spool/spool.ts';

const [directory = '.', who = '', count = '0', length = '0'] = process.argv.slice(2);
const identity = { cupsid: 7, start: 0, node: 'n', directory };
for (let index = 0; index < Number(count); index += 1) {
  const text = `${who} ${index} ${'x'.repeat(Number(length))}`;
  const line = appendToSpool(identity, '2025-04-10T12:00:00.000Z', { kind: 'message', text });
  process.stdout.write(`${line.sequence} ${who} ${index}\n`);
}
