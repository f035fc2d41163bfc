/** Floor 4: the client library. */
export type { ClusterDescription } from './cluster-description.ts';
export type { NotSubmitted, Outcome, ReadOutcome, SubmitOptions } from './outcome.ts';
export { CLIENT_LIMITS, PbftClient } from './pbft-client.ts';
export type { ClientStats, PbftClientOptions, WrongReply } from './pbft-client.ts';
export type { ReplyRefusal } from './reply-intake.ts';
export { verifyStateProofFile } from './state-proof.ts';
export type { ProvenValue, PublicCluster } from './state-proof.ts';
