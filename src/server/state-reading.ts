/** Reads one key of the application's state for the HTTP API: as it is here, or as a quorum has signed it. Changes nothing. */
import { apiError, exactBytes, stateProofBody } from '../api/index.ts';
import type { ApiError, StateProofBody, StateQuery, StateValueBody } from '../api/index.ts';
import { fromBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { StateDamaged } from '../base/key-value.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { APPLICATION_KEY_BYTES, applicationKey, applicationReader } from '../protocol/state-layout.ts';
import type { Driver } from './driver.ts';

export type StateAnswer = Result<StateValueBody | StateProofBody, ApiError>;

export function readState(driver: Driver, clusterId: Digest, name: string, query: StateQuery): StateAnswer {
  const key = query.encoding === 'base64url' ? fromBase64Url(name) : encodeUtf8(name);
  if (key === undefined || key.length < 1 || key.length > APPLICATION_KEY_BYTES) {
    const allowed = `1 to ${APPLICATION_KEY_BYTES} bytes in ${query.encoding ?? 'utf8'}`;
    return fail(apiError('invalid_request', undefined, { key: allowed }));
  }
  try {
    return query.proof === true ? provenValue(driver, clusterId, key) : presentValue(driver, key);
  } catch (error) {
    if (!(error instanceof StateDamaged)) throw error;
    driver.onDamaged(error.message);
    return fail(apiError('state_not_readable', undefined, {}, 1));
  }
}

function presentValue(driver: Driver, key: Bytes): StateAnswer {
  const { mayExecute, lastExecuted } = driver.status();
  if (!mayExecute) return fail(apiError('state_not_readable', undefined, {}, 1));
  const value = applicationReader(driver.reader).get(key);
  return ok({
    key: exactBytes(key),
    value: value === undefined ? null : exactBytes(value),
    as_of_sequence: lastExecuted,
  });
}

function provenValue(driver: Driver, clusterId: Digest, key: Bytes): StateAnswer {
  const certified = driver.certifiedState();
  if (certified === undefined) return fail(apiError('no_stable_checkpoint', undefined, {}, 2));
  const { version, proof: certificate } = certified;
  const stored = applicationKey(key);
  const value = version.get(stored);
  const { sequence, root } = version;
  return ok(stateProofBody({ clusterId, key, value, proof: version.prove(stored), sequence, root, certificate }));
}
