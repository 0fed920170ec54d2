import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { sql } from '#db/connect.ts';
import { findAlarms, markAlarmCleared, putAlarms, raiseAlarm, removeOldAlarms } from '#db/status/alarm/alarms.ts';
import { claimNotification, countUndelivered } from '#db/status/alarm/notifications.ts';
import { deliverNotifications } from '#notify/deliver-notifications.ts';
import { startNotifyWatch } from '#notify/start-notify-watch.ts';
import { waitUntil } from '#util/wait-until.ts';

import { openTestStatus } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Server } from 'node:http';

import type { Database } from '#db/connect.ts';
import type { NotifySettings } from '#model/site.ts';

import type { TestStatus } from '../db/test-database.ts';

let world: TestStatus;
let status: Database;
let directory = '';
let server: Server;
let address = '';
let answer = 200;
let received: { readonly word: string; readonly cause: string; readonly id: number; readonly text: string }[] = [];

beforeAll(async () => {
  world = await openTestStatus(6);
  ({ status } = world);
  directory = await mkdtemp(join(tmpdir(), 'slurp-notify-'));
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      if (answer === 200) received.push(JSON.parse(body));
      response.writeHead(answer, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/hook/s3cret`;
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true });
  await world.close();
});
beforeEach(async () => {
  await status.execute(sql`delete from ${sql.table(status.role, 'alarm')}`);
  received = [];
  answer = 200;
});

const alarm = { cause: 'disk:/sphenix/out', what: "'/sphenix/out' has 2 GB free", advice: 'Make room there' };

const deliver = (notify: NotifySettings, timeoutMs = 5000): Promise<number> =>
  deliverNotifications({
    ...{ site: { notify, file: '/site/slurp.yaml', stateDirectory: '/site' }, status, log: silentLog },
    ...{ timeoutMs, firstPauseMs: 0 },
  });

/** Makes all that waits due now. */
const hasten = (): Promise<number> =>
  status.execute(sql`update ${sql.table(status.role, 'notification')} set due_at = '2020-01-01'`);

/** The address of a server that has ended. */
async function closedAddress(): Promise<string> {
  const ended = createServer();
  await once(ended.listen(0, '127.0.0.1'), 'listening');
  const bound = ended.address();
  ended.close();
  return `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/hook/s3cret`;
}

async function writeProgram(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, `#!/bin/bash\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

test('notifies once for a cause, however often it is raised, and again when it is over (C-Q31)', async () => {
  expect(await raiseAlarm(status, alarm)).toBe(true);
  expect(await raiseAlarm(status, { ...alarm, what: 'It has 1 GB free' })).toBe(false);
  expect(await deliver({ webhook: { url: address } })).toBe(1);
  expect(await findAlarms(status)).toMatchObject([{ cause: alarm.cause, what: 'It has 1 GB free' }]);
  expect(await markAlarmCleared(status, alarm.cause)).toBe(true);
  expect(await markAlarmCleared(status, alarm.cause)).toBe(false);
  expect(await deliver({ webhook: { url: address } })).toBe(1);
  expect(received.map(({ word }) => word)).toEqual(['raised', 'cleared']);
  expect(received[1]?.text).toBe('Over: It has 1 GB free');
  expect(await raiseAlarm(status, alarm)).toBe(true);
});

test('raises a cause once when many raise it at the same time', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => raiseAlarm(status, alarm)));
  expect(answers.filter((isNew) => isNew)).toHaveLength(1);
  expect(await deliver({ webhook: { url: address } })).toBe(1);
});

test('makes the alarms of a kind those that were found, and leaves other kinds alone', async () => {
  await raiseAlarm(status, alarm);
  await putAlarms(status, 'deadline', [
    { ...alarm, cause: 'deadline:A/running' },
    { ...alarm, cause: 'deadline:B/held' },
  ]);
  await putAlarms(status, 'deadline', [{ ...alarm, cause: 'deadline:B/held' }]);
  expect((await findAlarms(status)).map(({ cause }) => cause)).toEqual([alarm.cause, 'deadline:B/held']);
});

test('sends nothing twice while several deliver', async () => {
  for (let number = 0; number < 30; number += 1) await raiseAlarm(status, { ...alarm, cause: `disk:/${number}` });
  const counts = await Promise.all([1, 2, 3].map(() => deliver({ webhook: { url: address } })));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
  expect(new Set(received.map(({ cause }) => cause)).size).toBe(30);
  expect(received).toHaveLength(30);
});

test('tries again until a webhook takes it, and says why without its address', async () => {
  await raiseAlarm(status, alarm);
  await markAlarmCleared(status, alarm.cause);
  for (const code of [500, 302]) {
    answer = code;
    await hasten();
    await deliverNotifications({
      ...{ site: { notify: { webhook: { url: address } }, stateDirectory: '/site' }, status, log: silentLog },
    });
    expect(await countUndelivered(status)).toMatchObject({ count: 2, problem: `the webhook answered ${code}` });
  }
  const closed = await closedAddress();
  await hasten();
  await deliverNotifications({
    ...{ site: { notify: { webhook: { url: closed } }, stateDirectory: '/site' }, status, log: silentLog },
  });
  const { problem } = await countUndelivered(status);
  expect(problem).toBe('the webhook cannot be reached (ECONNREFUSED)');
  answer = 200;
  await hasten();
  expect(await deliver({ webhook: { url: address } })).toBe(2);
  expect(received.map(({ word }) => word)).toEqual(['raised', 'cleared']);
  expect(await countUndelivered(status)).toEqual({ count: 0, oldestSeconds: 0 });
});

test('a channel that fails does not make the others send again, and does not hold up other notifications', async () => {
  const file = join(directory, 'taken');
  const program = await writeProgram(
    'picky',
    `read -r line; [[ $SLURP_ALARM_CAUSE == disk:* && ! -e ${directory}/fixed ]] && { echo 'no pager' >&2; exit 3; }; echo "$line" >> ${file}`,
  );
  await raiseAlarm(status, alarm);
  await raiseAlarm(status, { ...alarm, cause: 'breaker:A', rule: 'A' });
  const notify = { command: [program], webhook: { url: address } };
  await deliverNotifications({ site: { notify, stateDirectory: '/site' }, status, log: silentLog });
  expect(received.map(({ cause }) => cause)).toEqual([alarm.cause, 'breaker:A']);
  expect((await countUndelivered(status)).problem).toBe(`'${program}' ended with exit code 3: no pager`);
  await writeFile(join(directory, 'fixed'), '');
  await hasten();
  expect(await deliver(notify)).toBe(1);
  expect(received).toHaveLength(2);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { cause: 'breaker:A', rule: 'A', word: 'raised', site: '/site' },
    { cause: alarm.cause, rule: null },
  ]);
});

test('gives a command its facts as they are, without a shell', async () => {
  const file = join(directory, 'facts');
  const program = await writeProgram('facts', `printf '%s|' "$1" "$SLURP_ALARM_WHAT" "$SLURP_ALARM_WORD" > ${file}`);
  const what = `It's "$(touch ${directory}/owned)"; \`id\`\nNext`;
  await raiseAlarm(status, { ...alarm, what });
  expect(await deliver({ command: [program, '$HOME; x'] })).toBe(1);
  expect(await readFile(file, 'utf8')).toBe(`$HOME; x|${what.replace('\n', ' ')}|raised|`);
  await expect(readFile(join(directory, 'owned'))).rejects.toThrow('ENOENT');
});

test('a command that is missing or hangs is a failure with its reason', async () => {
  await raiseAlarm(status, alarm);
  const notify = { command: [join(directory, 'missing')] };
  await deliverNotifications({ site: { notify, stateDirectory: '/site' }, status, log: silentLog });
  expect((await countUndelivered(status)).problem).toContain('cannot be started: no such file or directory');
  const program = await writeProgram('hangs', 'exec sleep 60');
  await hasten();
  const hanging = { command: [program] };
  await deliverNotifications({
    ...{ site: { notify: hanging, stateDirectory: '/site' }, status, log: silentLog, timeoutMs: 200 },
  });
  expect((await countUndelivered(status)).problem).toContain('took longer than 0.2 s');
});

test('no text of an alarm can add a header or a recipient to a mail', async () => {
  const file = join(directory, 'mail');
  const program = await writeProgram('sendmail', `echo "$@" > ${file}; cat >> ${file}`);
  const what = 'Größe\r\nBcc: eve@example.org\n\nX: y\u2028Cc: eve@example.org';
  await raiseAlarm(status, { ...alarm, what });
  const mail = { to: ['ops@example.org', 'ada@example.org'], from: 'slurp@example.org', program };
  expect(await deliver({ mail })).toBe(1);
  const text = await readFile(file, 'utf8');
  const [head = '', body = ''] = text.split('\n\n');
  expect(head.split('\n')[0]).toBe('-i -t');
  expect(head).toContain('\nTo: ops@example.org, ada@example.org\nFrom: slurp@example.org\nSubject: =?UTF-8?B?');
  expect(text).not.toMatch(/^(?:Bcc|Cc|X):/mu);
  expect(head).toMatch(/^[\x20-\x7e\n]*$/u);
  expect(Buffer.from(body, 'base64').toString('utf8')).toContain(what);
});

test('nothing waits in the outbox of a site that notifies no one', async () => {
  await raiseAlarm(status, alarm);
  await deliver({});
  expect(await countUndelivered(status)).toEqual({ count: 0, oldestSeconds: 0 });
  expect(await findAlarms(status)).toHaveLength(1);
});

test('a sender that dies loses nothing: another one sends it when its time is over', async () => {
  const began = join(directory, 'began');
  const program = await writeProgram('slow', `echo $$ > ${began}; exec sleep 60`);
  await raiseAlarm(status, alarm);
  const code = `
    import { openDatabase } from '#db/connect.ts';
    import { deliverNotifications } from '#notify/deliver-notifications.ts';
    const status = openDatabase(${JSON.stringify(status.role)}, { applicationName: 'test' });
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const site = { notify: { command: [${JSON.stringify(program)}] }, stateDirectory: '/site' };
    await deliverNotifications({ site, status, log });`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'inherit' });
  const sleeper = await waitUntil(
    async () => {
      const text = await readFile(began, 'utf8').catch(() => '');
      return text === '' ? undefined : Number(text);
    },
    { timeoutMs: 30_000 },
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  if (sleeper !== undefined) process.kill(sleeper);
  expect(await deliver({ webhook: { url: address } })).toBe(0);
  expect((await countUndelivered(status)).count).toBe(1);
  await hasten();
  expect(await deliver({ webhook: { url: address } })).toBe(1);
  expect(received).toMatchObject([{ cause: alarm.cause, word: 'raised' }]);
});

test('the watch delivers by itself, and goes on after a failure of the database', async () => {
  const outbox = sql.table(status.role, 'notification');
  const away = sql.table(status.role, 'notification_away');
  await status.execute(sql`alter table ${outbox} rename to notification_away`);
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (_: unknown, message: string) => warnings.push(message) };
  const site = { notify: { webhook: { url: address } }, stateDirectory: '/site' };
  const watch = startNotifyWatch({ site, status, log }, 20);
  try {
    await waitUntil(() => (warnings.length > 0 ? true : undefined), { timeoutMs: 20_000 });
    await status.execute(sql`alter table ${away} rename to notification`);
    await raiseAlarm(status, alarm);
    await waitUntil(() => (received.length === 1 ? true : undefined), { timeoutMs: 20_000 });
    expect(received).toHaveLength(1);
    expect(warnings).toEqual(['notifications cannot be delivered now']);
  } finally {
    await watch.stop();
  }
});

test('alarms that were over long ago go, but none whose notification is not delivered', async () => {
  for (const cause of ['disk:/a', 'disk:/b']) {
    await raiseAlarm(status, { ...alarm, cause });
    await markAlarmCleared(status, cause);
    if (cause === 'disk:/a') await deliver({});
  }
  await status.execute(sql`update ${sql.table(status.role, 'alarm')} set cleared_at = '2020-01-01'`);
  expect(await removeOldAlarms(status, 90)).toBe(1);
  expect(await claimNotification(status, 1000)).toMatchObject({ cause: 'disk:/b', word: 'raised' });
});
