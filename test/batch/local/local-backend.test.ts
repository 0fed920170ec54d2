import { describeBackend } from '../contract.ts';
import { openLocalBackend } from './open-local-backend.ts';

describeBackend('local', openLocalBackend);
