import { expect, test } from 'vitest';

import { toTransferError } from '#job/stage-out/to-transfer-error.ts';
import { TransferError } from '#model/errors.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: in words, write`), { code, errno: -1 });

test.each([
  ['ENOSPC', 'transfer-space', "'A.root' cannot be written to '/out': no space is left"],
  ['EDQUOT', 'transfer-space', "'A.root' cannot be written to '/out': the disk quota is exceeded"],
  ['EFBIG', 'transfer-failed', "'A.root' could not be copied to '/out': in words"],
  ['ENAMETOOLONG', 'transfer-failed', "'A.root' could not be copied to '/out': the name is too long"],
])('%s becomes %s', (errno, code, message) => {
  expect(toTransferError(systemError(errno), '/job/A.root', '/out')).toMatchObject({ code, message });
});

test('a stop becomes transfer-stopped, an error of ours stays, and so does a defect', () => {
  const controller = new AbortController();
  controller.abort();
  expect(toTransferError(controller.signal.reason, '/job/A.root', '/out')).toMatchObject({ code: 'transfer-stopped' });
  const own = new TransferError('own', { code: 'transfer-exists' });
  expect(toTransferError(own, '/job/A.root', '/out')).toBe(own);
  const defect = new TypeError('not a function');
  expect(toTransferError(defect, '/job/A.root', '/out')).toBe(defect);
});
