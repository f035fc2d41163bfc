import { describe, expect, test } from 'vitest';
import { readOperation } from './operation.ts';

describe('words become an operation', () => {
  test.each([
    [['transfer', 'amount=100'], '{"operation":"transfer","amount":100}'],
    [['transfer', 'from=a', 'to=b', 'amount=1'], '{"operation":"transfer","from":"a","to":"b","amount":1}'],
    [['put', 'key=x', 'value={"a":[1,null]}'], '{"operation":"put","key":"x","value":{"a":[1,null]}}'],
    [['put', 'key="12"', 'value=true'], '{"operation":"put","key":"12","value":true}'],
    [['put', 'key=a', 'value=b=c'], '{"operation":"put","key":"a","value":"b=c"}'],
    [['put', 'key=', 'value=hello world'], '{"operation":"put","key":"","value":"hello world"}'],
    [['transfer', 'amount=9007199254740993'], '{"operation":"transfer","amount":"9007199254740993"}'],
    [['put', '__proto__=1'], '{"operation":"put","__proto__":1}'],
    [['read'], '{"operation":"read"}'],
  ])('%j', (words, json) => {
    expect(readOperation(words)).toEqual({ ok: true, value: json });
  });

  test('JSON is passed on byte for byte', () => {
    const json = ' {"amount": 1e2,  "operation":"transfer"}';
    expect(readOperation([json])).toEqual({ ok: true, value: json });
  });

  test.each([
    [['{"operation":"transfer",', '"amount":1}'], 'single quotes'],
    [['{operation:transfer}'], 'not JSON'],
    [['{"amount":1}'], 'lacks its "operation"'],
    [['{"operation":7}'], 'lacks its "operation"'],
    [['amount=100'], 'the first word'],
    [[''], 'the first word'],
    [['transfer', '100'], 'field=value'],
    [['transfer', '=100'], 'field=value'],
    [['transfer', 'amount=1', 'amount=2'], 'given twice'],
    [['transfer', 'operation=put'], 'given twice'],
  ])('%j is refused: %s', (words, reason) => {
    expect(readOperation(words)).toEqual({ ok: false, error: expect.stringContaining(reason) as string });
  });
});
