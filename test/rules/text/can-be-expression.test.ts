import { describe, expect, it } from 'vitest';

import { canBeExpression } from '#rules/text/can-be-expression.ts';

// What condor_submit of HTCondor 23.9 says of each.
describe('ClassAd expressions', () => {
  it.each([
    ...['1', '2.5', '.5', '1e3', '-5', '- -3', '!x', '"x"', '"a \\" b"', "'a b'", 'lots', 'undefined', 'TARGET.x'],
    ...['(NumJobStarts>=1 && JobStatus == 1)', '(CPU_Type == "mdc2")', 'a =?= "b"', 'a is b', 'x ?: 3', 'a.b'],
    ...['ifThenElse(1>0,10,20)', 'MemoryUsage * 2', '60*60', '{1,2}', '{}', 'f()', 'a[0]', '[a=1;b=2].a', '1 // 2'],
    ...['a ? b : c', 'a ? b ? 1 : 2 : c', 'f(a ? b : c, d)', '$$(x) y', 'x isnt undefined && y'],
  ])('may be: %s', (text) => expect(canBeExpression(text)).toBe(true));

  it.each([
    ...['', ' ', '10B', '4096MiB', '12QB', '3L', '4 GB GB', '5,000', '1 2', '2 *', 'a b', 'true and false', 'x = 1'],
    ...['(NumJobStarts', '(CPU_Type == mdc2', 'x)', '"x', 'f(1,,2)', 'f(1,)', '"a" "b"', '?', 'a ? b', 'a : b', 'a;b'],
    ...["x'y", '1.', '1h', 'a,b', '(a]', '()'],
  ])('are not: %s', (text) => expect(canBeExpression(text)).toBe(false));
});
