import { describe, expect, test } from 'vitest';
import { testAuthority } from '../../../test/support/authority-contract.ts';
import type { MakeAuthority } from '../../simulation/authority.ts';
import { makeOptions } from '../../simulation/options.ts';
import type { SwarmOptions } from '../../simulation/options.ts';
import { simulateOptions } from '../../simulation/simulate.ts';
import type { SeedReport } from '../../simulation/simulate.ts';
import { cryptoModules } from './node-crypto.ts';
import { RealAuthority, simulatedIdentity, simulatedMac } from './real-authority.ts';

describe('RealAuthority', () => {
  testAuthority((cluster, seed) => new RealAuthority(cluster, seed));
});

describe('simulatedIdentity', () => {
  test('is a function of seed and name', () => {
    const { public: keys } = simulatedIdentity(7, 'replica 1');
    expect(simulatedIdentity(7, 'replica 1').public).toEqual(keys);
    const all = [keys, simulatedIdentity(8, 'replica 1').public, simulatedIdentity(7, 'replica 11').public];
    expect(new Set(all.flatMap(({ signing, agreement }) => [signing, agreement])).size).toBe(6);
  });
});

/** A run of a few requests: what the seed draws, cut short. */
function run(options: SwarmOptions, crypto: 'ideal' | 'real'): SeedReport {
  return simulateOptions({ ...options, clientCount: 2, requestsPerClient: 8 }, cryptoModules(crypto));
}

describe('seeds under real keys', () => {
  test.each(['mac', 'signature'] as const)(
    'mode %s: all is well, and the same run every time',
    (authentication) => {
      const options = { ...makeOptions(86), authentication };
      const first = run(options, 'real');
      expect(first.violation).toBeUndefined();
      expect(first.answered).toBe(16);
      expect(run(options, 'real').traceHash).toBe(first.traceHash);
      // Other frames: what is in them besides proofs is the same.
      expect(run(options, 'ideal').traceHash).not.toBe(first.traceHash);
    },
    60_000,
  );

  test('both primitives for MACs are at work, each where the seed says so', () => {
    expect([86, 87].map(simulatedMac)).toEqual(['blake2b-256', 'hmac-sha256']);
    for (const seed of [86, 87]) {
      const report = run({ ...makeOptions(seed), authentication: 'mac' }, 'real');
      expect(report.violation).toBeUndefined();
      expect(report.answered).toBe(16);
    }
  }, 60_000);

  test.each(['twins', 'mutate', 'replay-mutated', 'forge'] as const)(
    'a liar: %s',
    (behaviour) => {
      const options = makeOptions(4, { liar: { behaviour, isPrimary: true }, replicaCount: 4 });
      const report = run(options, 'real');
      expect(report.violation).toBeUndefined();
      expect(report.answered).toBe(16);
    },
    60_000,
  );

  describe('what bears a seal that was made for other bytes', () => {
    const options = makeOptions(4, { liar: { behaviour: 'replay-mutated', isPrimary: false }, replicaCount: 4 });

    test('is refused', () => {
      const report = simulateOptions(options, cryptoModules('real'));
      expect(report.violation).toBeUndefined();
      expect(report.coverage['replayed']?.["changed, with another's seal"]).toBeGreaterThan(0);
      expect(report.coverage['intake refusal']?.['not-authentic']).toBeGreaterThan(0);
    }, 60_000);

    test('is seen where somebody takes it', () => {
      const makeAuthority: MakeAuthority = (cluster, seed) => {
        const real = new RealAuthority(cluster, seed);
        const credulous = { verifySignature: () => true, verifyMac: () => true };
        return {
          admitClient: (client) => real.admitClient(client),
          authenticator: (self) => ({ ...real.authenticator(self), ...credulous }),
        };
      };
      expect(simulateOptions(options, { makeAuthority }).violation?.invariant).toBe('authenticity');
    }, 60_000);
  });

  test.each(['partial-authenticator', 'unlisted', 'flood', 'garbage'] as const)(
    'a faulty client: %s',
    (fault) => {
      const options = { ...makeOptions(86), openClients: true, faults: [{ kind: 'faulty-client', fault }] } as const;
      const report = run(options, 'real');
      expect(report.violation).toBeUndefined();
      expect(report.answered).toBe(16);
    },
    60_000,
  );
});
