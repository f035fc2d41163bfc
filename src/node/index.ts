/** Floor 3, the real world: keys and cryptography with node:crypto, TCP links, the durable log, the logger. */
export { MAC_BYTES, NodeAuthenticator } from './authenticator.ts';
export type { AuthenticatorOptions } from './authenticator.ts';
export { Identity } from './identity.ts';
export type { KeyFault, PublicIdentity } from './identity.ts';
export { admissibleAgreementKey, admissibleSigningKey } from './keys.ts';
export type { KeyRefusal } from './keys.ts';
export { ClientLinks } from './links/client-links.ts';
export type { ClientLinksHandlers, ClientLinksOptions } from './links/client-links.ts';
export type { DialledLinkStats, ReplicaAddress } from './links/dialler.ts';
export { ReplicaLinks } from './links/replica-links.ts';
export type { LinkStats, ReplicaLinksHandlers, ReplicaLinksOptions, ReplicaLinkStats } from './links/replica-links.ts';
export type { RefusalCounts } from './links/refusal-count.ts';
export { DEFAULT_LINK_SETTINGS } from './links/settings.ts';
export type { LinkRefusal, LinkRefusalCode, LinkSettings } from './links/settings.ts';
export type { Address } from './links/transport.ts';
