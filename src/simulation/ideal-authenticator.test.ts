import { describe } from 'vitest';
import { testAuthority } from '../../test/support/authority-contract.ts';
import { IdealAuthority } from './ideal-authenticator.ts';

describe('IdealAuthority', () => {
  // A table is of one world alone, so another seed needs no other keys.
  testAuthority(() => new IdealAuthority());
});
