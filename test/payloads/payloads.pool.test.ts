import { describe } from 'vitest';

import { keepPayloadContract } from './payloads-contract.ts';

const commands = '{ requirements: "true", request_memory: "20", request_disk: "1000" }';

describe('scripts of every family, unmodified, on the pool', () => {
  keepPayloadContract(`{ backend: htcondor, htcondor: { commands: ${commands} } }`, false);
});
