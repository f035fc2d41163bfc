import { defineConfig } from 'vitest/config';

// Two cores are the smallest machine we promise to be comfortable on: more workers than that make timing tests lie.
const SECOND_MS = 1000;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'web/**/*.test.ts'],
          testTimeout: 60 * SECOND_MS,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/traced/**', 'test/web/**'],
          testTimeout: 120 * SECOND_MS,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // Real processes, ports and disks: one cluster at a time, after everything else, so that none starves another.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 60 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
        },
      },
      {
        test: {
          name: 'web',
          include: ['test/web/**/*.test.ts'],
          globalSetup: ['test/web/support/build.ts'],
          // A browser takes all there is: one at a time, after everything else.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          testTimeout: 120 * SECOND_MS,
          hookTimeout: 120 * SECOND_MS,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
    },
  },
});
