import { describeOwnPrograms } from '../own-programs.ts';
import { openLocalBackend } from './open-local-backend.ts';

describeOwnPrograms('local', openLocalBackend);
