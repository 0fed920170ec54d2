import { describeBackend } from '../contract.ts';
import { openPoolBackend } from './pool-backend.ts';

describeBackend('htcondor', () => openPoolBackend());
