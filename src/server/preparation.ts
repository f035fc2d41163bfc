/** Everything that can be checked before a node touches its log or opens a port: configuration, keys, application, credentials. It only reads. */
import { join } from 'node:path';
import { replicaName } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { Identity } from '../node/index.ts';
import type { PublicIdentity } from '../node/index.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { loadApplication } from './application.ts';
import { describeConfigFault, isLoopback, loadNodeConfig, NODE_FILES } from './config/index.ts';
import type { NodeConfig } from './config/index.ts';
import { Credentials } from './http/credentials.ts';

/** Why a node could not be started. Nothing is left running. */
export interface StartFault {
  readonly code: StartFaultCode;
  /** For people: what is wrong and what to do, one line or more. */
  readonly message: string;
}

export type StartFaultCode =
  | 'config-unusable'
  | 'directory-in-use'
  | 'directory-unwritable'
  | 'key-unusable'
  | 'key-mismatch'
  | 'application-unusable'
  | 'tokens-unusable'
  | 'credentials-required'
  | 'log-unusable'
  | 'state-unusable'
  | 'log-missing'
  | 'log-foreign'
  | 'log-damaged'
  /** Asked to recover: there is a log, or too few others to recover from. */
  | 'log-exists'
  | 'recovery-impossible'
  | 'address-unusable';

/** What a node is made from. */
export interface Prepared {
  readonly config: NodeConfig;
  readonly identity: Identity;
  readonly gatewayIdentity: Identity;
  readonly application: StateMachine;
  readonly credentials: Credentials;
}

/** Reads and checks what lies in a node's directory. */
export async function prepareNode(directory: string): Promise<Result<Prepared, StartFault>> {
  const loaded = loadNodeConfig(directory);
  if (!loaded.ok) return refuse('config-unusable', describeConfigFault(loaded.error).join('\n'));
  const config = loaded.value;
  const credentials = loadCredentials(config);
  if (!credentials.ok) return credentials;
  const own = config.replicas[config.self]?.identity;
  const gatewayEntry = config.clients.find(({ name }) => name === `${replicaName(config.self)}-gateway`);
  const identity = loadKey(join(directory, NODE_FILES.nodeKey), own);
  if (!identity.ok) return identity;
  const gatewayIdentity = loadKey(join(directory, NODE_FILES.gatewayKey), gatewayEntry?.identity);
  if (!gatewayIdentity.ok) return gatewayIdentity;
  const application = await loadApplication(config.application);
  if (!application.ok) return refuse('application-unusable', application.error);
  return ok({
    config,
    identity: identity.value,
    gatewayIdentity: gatewayIdentity.value,
    application: application.value,
    credentials: credentials.value,
  });
}

/** A {@link StartFault} as a result. */
export function refuse(code: StartFaultCode, message: string): { readonly ok: false; readonly error: StartFault } {
  return fail({ code, message });
}

/** `expected`: what the configuration says its public keys are; undefined when it does not say. */
function loadKey(file: string, expected: PublicIdentity | undefined): Result<Identity, StartFault> {
  const loaded = Identity.load(file);
  if (!loaded.ok) return refuse('key-unusable', loaded.error.reason);
  const { signing, agreement } = loaded.value.public;
  if (expected !== undefined && (expected.signing !== signing || expected.agreement !== agreement)) {
    return refuse(
      'key-mismatch',
      `${file} is not the key that config.json names: put the right key file there, or the right keys into config.json of every node`,
    );
  }
  return ok(loaded.value);
}

/** Whoever listens beyond loopback must demand a token, or say that it does not want to. */
function loadCredentials({ http }: NodeConfig): Result<Credentials, StartFault> {
  if (http.tokensFile === undefined) {
    if (isLoopback(http.host) || http.insecureNoCredentials) return ok(Credentials.none());
    return refuse(
      'credentials-required',
      `http.host is ${http.host}, which others can reach: set http.tokens_file, or http.insecure_no_credentials if everybody may do everything`,
    );
  }
  const loaded = Credentials.load(http.tokensFile);
  return loaded.ok ? loaded : refuse('tokens-unusable', loaded.error);
}
