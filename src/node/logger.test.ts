import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, makeLogger } from './logger.ts';
import type { LogLevel } from './logger.ts';

function logged(
  level: LogLevel,
  write: (logger: ReturnType<typeof makeLogger>) => void,
): { readonly [field: string]: unknown }[] {
  const lines: string[] = [];
  write(makeLogger({ level, fields: { node_id: 'node1' }, destination: { write: (line) => lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as { readonly [field: string]: unknown });
}

describe('the logger', () => {
  it('writes one JSON object a line, with level, time and the given fields', () => {
    const [line] = logged('info', (logger) => logger.info({ view: 3 }, 'view entered'));
    expect(line).toMatchObject({ level: 'info', node_id: 'node1', view: 3, msg: 'view entered' });
    expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).not.toHaveProperty('hostname');
  });

  it.each(LOG_LEVELS)('at level %s writes that and what is more important', (level) => {
    const written = logged(level, (logger) => {
      for (const each of ['error', 'warn', 'info', 'debug'] as const) logger[each](each);
    });
    const order: readonly string[] = ['error', 'warn', 'info', 'debug'];
    expect(written.map(({ msg }) => msg)).toEqual(level === 'silent' ? [] : order.slice(0, order.indexOf(level) + 1));
  });

  it('hides secrets, also nested ones', () => {
    const lines = logged('info', (logger) => {
      logger.info(
        { secret: 's3cret', headers: { authorization: 'Bearer s3cret' }, deep: { key: { token: 's3cret' } } },
        'x',
      );
    });
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  it('shows an error with its type and stack', () => {
    const [line] = logged('error', (logger) => logger.error({ err: new RangeError('too far') }, 'failed'));
    expect(line?.['err']).toMatchObject({ type: 'RangeError', message: 'too far' });
  });

  it('outlives a standard output that takes nothing, as on a full disk, and holds little of it', async () => {
    const script = `import { makeLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
      const logger = makeLogger({ level: 'info', fields: {} });
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 40_000; i += 1) logger.info({ i }, 'x'.repeat(3000));
      await new Promise((resolve) => setTimeout(resolve, 50));
      logger.error('still here');
      process.stderr.write(process.memoryUsage().rss - before < 60 * 1024 * 1024 ? 'lives' : 'grew');`;
    const command = '"$0" --input-type=module -e "$1" > /dev/full';
    const { stderr } = await promisify(execFile)('sh', ['-c', command, process.execPath, script]);
    expect(stderr).toBe('lives');
  });
});
