import { describe, expect, it } from 'vitest';

import { exitCodeOf, exitCodes } from '#cli/exit-codes.ts';
import {
  BatchError,
  DatabaseError,
  GatewayError,
  RuleError,
  SiteError,
  TransferError,
  UsageError,
} from '#model/errors.ts';

describe('exit codes', () => {
  it.each([
    [new UsageError('m', { code: 'usage-x' }), 2],
    [new SiteError('m', { code: 'site-x' }), 3],
    [new RuleError('m', { code: 'rule-missing' }), 10],
    [new RuleError('m', { code: 'rule-query-syntax' }), 11],
    [new GatewayError('m', { code: 'gateway-no-answer' }), 20],
    [new GatewayError('m', { code: 'gateway-refused' }), 21],
    [new TransferError('m', { code: 'transfer-copy' }), 30],
    [new GatewayError('m', { code: 'gateway-registration-refused' }), 31],
    [new DatabaseError('m', { code: 'database-42P01' }), 40],
    [new DatabaseError('m', { code: 'database-away' }), 41],
    [new BatchError('m', { code: 'batch-refused' }), 50],
    [new BatchError('m', { code: 'batch-unknown' }), 51],
    [new GatewayError('m', { code: 'gateway-report-refused' }), 60],
    [Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', errno: -28 }), 3],
    [new TypeError('m'), 1],
    ['a thrown text', 1],
  ])('maps %s to %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('are each used once, and those of a kind keep to the decade of their stage', () => {
    const codes = exitCodes.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    const decades = { input: 1, 'stage-in': 2, 'stage-out': 3, database: 4, batch: 5, report: 6 } as const;
    for (const [stage, decade] of Object.entries(decades)) {
      const ofStage = exitCodes.filter((row) => row.stage === stage);
      expect(ofStage.map(({ code }) => Math.floor(code / 10))).toEqual(ofStage.map(() => decade));
    }
  });
});
