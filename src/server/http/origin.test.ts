import { describe, expect, it } from 'vitest';
import { hostName, isLoopbackName, OriginPolicy } from './origin.ts';

describe('hostName', () => {
  it.each([
    ['localhost', 'localhost'],
    ['LocalHost:8001', 'localhost'],
    ['127.0.0.1:8001', '127.0.0.1'],
    ['[::1]:8001', '[::1]'],
    ['node.example.:80', 'node.example'],
  ])('reads %s', (header, name) => {
    expect(hostName(header)).toBe(name);
  });

  it.each(['', ':80', 'a b', 'a/b', 'user@localhost', 'localhost:80:80', '[::1', 'localhost:', 'a\tb', 'localhost#'])(
    'finds none in %j',
    (header) => {
      expect(hostName(header)).toBeUndefined();
    },
  );
});

describe('isLoopbackName', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('%s is', (name) => {
    expect(isLoopbackName(name)).toBe(true);
  });

  it.each(['localhost.evil.example', '127.0.0.1.evil.example', '128.0.0.1', '0.0.0.0', '::', 'evil-127.0.0.1'])(
    '%s is not',
    (name) => {
      expect(isLoopbackName(name)).toBe(false);
    },
  );
});

describe('OriginPolicy', () => {
  const policy = new OriginPolicy({
    allowedHosts: ['node.example', 'fd00::1'],
    clusterUrls: ['http://127.0.0.1:8001', 'http://127.0.0.1:8002', 'https://far.example'],
  });

  it.each(['localhost:1', '127.0.0.1', 'node.example:8001', 'NODE.EXAMPLE', '[fd00::1]:8001'])(
    'takes Host %s',
    (host) => {
      expect(policy.isHostAllowed(host)).toBe(true);
    },
  );

  it.each(['evil.example', 'sub.node.example', 'node.example.evil', ''])('refuses Host %j', (host) => {
    expect(policy.isHostAllowed(host)).toBe(false);
  });

  it('refuses a missing Host', () => {
    expect(policy.isHostAllowed(undefined)).toBe(false);
  });

  it.each([
    'http://127.0.0.1:8002',
    'http://localhost:8002',
    'http://[::1]:8001',
    'https://far.example',
    'http://localhost:9000',
  ])('takes Origin %s at localhost:9000', (origin) => {
    expect(policy.isOriginAllowed(origin, 'localhost:9000')).toBe(true);
  });

  it.each([
    'null',
    'http://localhost:3000',
    'http://far.example',
    'https://far.example.evil',
    'http://127.0.0.1:80020',
    '',
  ])('refuses Origin %j at localhost:9000', (origin) => {
    expect(policy.isOriginAllowed(origin, 'localhost:9000')).toBe(false);
  });
});
