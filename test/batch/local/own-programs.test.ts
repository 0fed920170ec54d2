import { openLocalBackend } from './open-local-backend.ts';
import { describeOwnPrograms } from '../own-programs.ts';

describeOwnPrograms('local', openLocalBackend);
