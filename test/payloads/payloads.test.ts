import { describe } from 'vitest';

import { keepPayloadContract } from './payloads-contract.ts';

describe('scripts of every family, unmodified, on this machine', () => {
  keepPayloadContract('{ backend: local, local: { slots: 11 } }', true);
});
