import { defineConfig } from 'vitest/config';

// Tests that look at real processes with strace, which not every machine has: not part of `npm test`.
export default defineConfig({
  test: { name: 'traced', include: ['test/traced/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
});
