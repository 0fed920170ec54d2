import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEvent } from '#ingest/parse-event.ts';

import { eventOf, stageoutOf } from './attempts.ts';

describe('parseEvent', () => {
  it('takes an event as it is, and drops keys it does not know', () => {
    const event = eventOf(7, 10, stageoutOf('DST_A.root'));
    expect(parseEvent({ ...event, v: 1, colour: 'red' })).toEqual({ kind: 'event', event });
  });

  it('tells all that is wrong at once', () => {
    expect(parseEvent({ attempt: 0, source: '', sequence: 1.5, at: 'noon', detail: { kind: 'nevents' } }))
      .toMatchInlineSnapshot(`
      {
        "complaints": [
          {
            "message": "Too small: expected number to be >=1",
            "path": "attempt",
          },
          {
            "message": "Too small: expected string to have >=1 characters",
            "path": "source",
          },
          {
            "message": "Invalid input: expected int, received number",
            "path": "sequence",
          },
          {
            "message": "Invalid input: expected number, received undefined",
            "path": "start",
          },
          {
            "message": "expected a time such as 2025-04-10T12:00:00.000Z",
            "path": "at",
          },
          {
            "message": "Invalid input: expected number, received undefined",
            "path": "detail.nevents",
          },
        ],
        "kind": "invalid",
      }
    `);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'started'],
    ['an unknown kind', { ...eventOf(1, 0, { kind: 'released' }), detail: { kind: 'exploded' } }],
    ['a name that leads elsewhere', eventOf(1, 0, stageoutOf('../../etc/passwd'))],
    ['a source of two lines', { ...eventOf(1, 0, { kind: 'released' }), source: 'a\nb' }],
    ['a number that the column cannot hold', eventOf(2 ** 31, 0, { kind: 'released' })],
    ['a time that is none', { ...eventOf(1, 0, { kind: 'released' }), at: '2025-02-31T00:00:00Z' }],
    ['a flag below zero', eventOf(1, 0, { kind: 'message', text: '', flag: -1 })],
  ])('refuses %s', (_, value) => {
    expect(parseEvent(value).kind).toBe('invalid');
  });

  it('keeps a message with characters that the database cannot hold', () => {
    const parsed = parseEvent(eventOf(1, 0, { kind: 'message', text: 'a\0b\uD800c 😀' }));
    expect(parsed).toMatchObject({ event: { detail: { text: 'a\uFFFDb\uFFFDc 😀' } } });
  });

  it('writes every time as UTC (C-E9)', () => {
    const parsed = parseEvent(eventOf(1, 0, { kind: 'released' }, { at: '2025-04-10T12:00:00+02:00' }));
    expect(parsed).toMatchObject({ event: { at: '2025-04-10T10:00:00.000Z' } });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseEvent(value).kind).toBe('invalid');
      }),
    );
  });
});
