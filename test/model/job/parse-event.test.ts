import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEvent, renderComplaints } from '#model/job/parse-event.ts';
import { eventOf, stageoutOf } from '#test/ingest/attempts.ts';

function complaintsOf(value: unknown): string {
  const parsed = parseEvent(value);
  return parsed.kind === 'event' ? '' : renderComplaints(parsed.complaints);
}

const withFile = (more: object): object => {
  const event = eventOf(1, 0, stageoutOf('DST_A.root'));
  return { ...event, detail: { ...event.detail, file: { ...stageoutFile, ...more } } };
};
const staged = stageoutOf('DST_A.root');
const stageoutFile = staged.kind === 'stageout' ? staged.file : {};

describe('parseEvent', () => {
  it('accepts an event as it is, and drops unknown keys', () => {
    const event = eventOf(7, 10, stageoutOf('DST_A.root'));
    expect(parseEvent({ ...event, v: 1, colour: 'red' })).toEqual({ kind: 'event', event });
  });

  it('reports all that is wrong at once, with what was found and what was expected', () => {
    const parsed = parseEvent({ cupsid: 0, source: '', sequence: 1.5, at: 'noon', detail: { kind: 'nevents' } });
    expect(parsed.kind === 'invalid' && parsed.complaints).toMatchInlineSnapshot(`
      [
        {
          "message": "is '0': expected a whole number from 1 to 2147483647",
          "path": "cupsid",
        },
        {
          "message": "is empty: expected a name of 1 to 200 bytes without control characters",
          "path": "source",
        },
        {
          "message": "is '1.5': expected a whole number of 0 or more",
          "path": "sequence",
        },
        {
          "message": "is missing: expected a whole number from -1 to 1000000",
          "path": "start",
        },
        {
          "message": "is 'noon': expected a time such as 2025-04-10T12:00:00.000Z",
          "path": "at",
        },
        {
          "message": "is missing: expected a whole number from -1000000000000 to 1000000000000",
          "path": "detail.nevents",
        },
      ]
    `);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'the event is missing: expected a JSON object'],
    ['a string', 'started', "the event is 'started': expected a JSON object"],
    ['a list', [], 'the event is a list: expected a JSON object'],
    ['no detail', { ...eventOf(1, 0, { kind: 'released' }), detail: 5 }, "detail is '5': expected a JSON object"],
    [
      'a name that leads elsewhere',
      eventOf(1, 0, stageoutOf('../../etc/passwd')),
      "detail.file.lfn is '../../etc/passwd': expected a file name without directory of 1 to 255 bytes without control characters",
    ],
    [
      'a name of two lines',
      withFile({ lfn: 'DST\nA.root' }),
      String.raw`detail.file.lfn is 'DST\nA.root': expected a file name without directory of 1 to 255 bytes without control characters`,
    ],
    [
      'a name that is longer in bytes than a file name can be',
      withFile({ lfn: 'é'.repeat(128) }),
      `detail.file.lfn is '${'é'.repeat(60)}…': expected a file name without directory of 1 to 255 bytes without control characters`,
    ],
    [
      'an empty dataset type',
      withFile({ dsttype: '' }),
      'detail.file.dsttype is empty: expected a name of 1 to 255 bytes without control characters',
    ],
    [
      'half a surrogate pair in a name',
      withFile({ dataset: 'a\uD800' }),
      String.raw`detail.file.dataset is 'a\ud800': expected a name of 1 to 255 bytes without control characters`,
    ],
    [
      'a path that is not absolute',
      withFile({ path: 'out/DST' }),
      "detail.file.path is 'out/DST': expected an absolute path of 1 to 2000 bytes without control characters",
    ],
    [
      'a number that the column cannot hold',
      eventOf(2 ** 31, 0, { kind: 'released' }),
      "cupsid is '2147483648': expected a whole number from 1 to 2147483647",
    ],
    [
      'an exit code that the column cannot hold',
      eventOf(1, 0, { kind: 'finished', exitCode: 99_999_999_999 }),
      "detail.exitCode is '99999999999': expected a whole number from -2147483647 to 2147483647",
    ],
    [
      'a flag below zero',
      eventOf(1, 0, { kind: 'message', text: '', flag: -1 }),
      "detail.flag is '-1': expected a whole number of 0 or more",
    ],
    [
      'an infinite amount',
      eventOf(1, 0, { kind: 'exited', memoryMb: Infinity }),
      "detail.memoryMb is 'Infinity': expected a number of 0 or more",
    ],
    [
      'a list with something else in it',
      { ...eventOf(1, 0, { kind: 'released' }), detail: { kind: 'inputs', files: ['/a', 5] } },
      'detail.files is a list: expected a list of strings',
    ],
  ])('refuses %s, and says so', (_, value, message) => {
    expect(complaintsOf(value)).toBe(message);
  });

  it('names the kinds that there are', () => {
    expect(complaintsOf({ ...eventOf(1, 0, { kind: 'released' }), detail: { kind: 'toString' } })).toMatch(
      /^detail\.kind is 'toString': expected one of started, running, finished, /u,
    );
  });

  it.each(['2025-02-31T00:00:00Z', '0000-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '2025-01-01', 'today', 5, null])(
    'refuses %s as a time',
    (at) => {
      expect(complaintsOf({ ...eventOf(1, 0, { kind: 'released' }), at })).toMatch(/^at is /u);
    },
  );

  it.each([
    ['2025-04-10T12:00:00+02:00', '2025-04-10T10:00:00.000Z'],
    ['2024-02-29T12:00Z', '2024-02-29T12:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
  ])('writes the time %s as UTC (C-E9)', (at, written) => {
    expect(parseEvent(eventOf(1, 0, { kind: 'released' }, { at }))).toMatchObject({ event: { at: written } });
  });

  it('keeps a message with characters that the database cannot hold', () => {
    const parsed = parseEvent(eventOf(1, 0, { kind: 'message', text: 'a\0b\uD800c 😀' }));
    expect(parsed).toMatchObject({ event: { detail: { text: 'a\uFFFDb\uFFFDc 😀' } } });
  });

  it('cuts a message of 5 MB, between two characters', () => {
    const parsed = parseEvent(eventOf(1, 0, { kind: 'message', text: `x${'😀'.repeat(2_500_000)}` }));
    const text = parsed.kind === 'event' && parsed.event.detail.kind === 'message' ? parsed.event.detail.text : '';
    expect(text).toBe(`x${'😀'.repeat(99_999)}…`);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseEvent(value).kind).toBe('invalid');
      }),
    );
  });
});
