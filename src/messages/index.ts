/**
 * Floor 1: the messages of the protocol as readonly objects, their canonical bytes and their JSON, from one schema per message.
 * Nothing here verifies a MAC or a signature: the doors return the bytes that a proof must cover, and whoever holds keys decides.
 */
export type { Batch } from './batch.ts';
export { BatchReplies } from './batch-replies.ts';
export { BATCH_CHECKPOINT, batch, batchDigest, compactBatch } from './batch.ts';
export type { BatchBody } from './batch-body.ts';
export { authenticatedRequestSize, authenticatedRequestsSize } from './authenticated-requests.ts';
export type { AuthenticatedRequest, Bundle, RequestProof } from './bundle.ts';
export { askedBy, bundleSize } from './bundle.ts';
export type { Checkpoint, SignedCheckpoint } from './checkpoint.ts';
export { signedCheckpoint } from './checkpoint.ts';
export type { Sha256, Sha256Into } from './codec-context.ts';
export { CodecContext, PROTOCOL } from './codec-context.ts';
export type { Commit } from './commit.ts';
export type { Complaint } from './complaint.ts';
export {
  COMPOUND_HEAD_BYTES,
  COMPOUND_OPERATION_BYTES,
  COMPOUND_RESULT_BYTES,
  OperationList,
  decodeOperations,
  decodeResults,
  encodeOperations,
  encodeResults,
  operationCount,
} from './compound.ts';
export type { Decided } from './decided.ts';
export type { Fetch } from './fetch.ts';
export type { FetchState } from './fetch-state.ts';
export type { DecodedFrame, EncodedMessage } from './frame.ts';
export {
  authenticatedBytes,
  bundleBytes,
  checkpointBytes,
  decodeFrame,
  decodeValue,
  encodeFrame,
  encodeFrameWithMac,
  encodeMessage,
  encodeValue,
  newViewBytes,
  requestSigningBytes,
  viewChangeBytes,
} from './frame.ts';
export { GatheredReplies, countParts, partsSize, spelledOutParts } from './gathered-replies.ts';
export type { RepliesPart } from './gathered-replies.ts';
export { fromJson, toJson } from './json.ts';
export { LIMITS } from './limits.ts';
export type { NewView, SignedNewView } from './new-view.ts';
export { newViewSize, signedNewView } from './new-view.ts';
export type { PrePrepare } from './pre-prepare.ts';
export type { Prepare } from './prepare.ts';
export type { Proof } from './proof.ts';
export { NO_PROOF } from './proof.ts';
export type { QueryStable } from './query-stable.ts';
export type { Recover } from './recover.ts';
export { readRecover, recoverBytes } from './recover.ts';
export type { DecodeRefusal, RefusalCode } from './refusal.ts';
export { REFUSAL_CODES } from './refusal.ts';
export type { Message, MessageType } from './registry.ts';
export { MESSAGE_TYPES } from './registry.ts';
export type { ReplicaSet } from './replica-set.ts';
export { EVERYBODY, isInSet, replicaSetOf, sizeOfSet, unionOf } from './replica-set.ts';
export type { Replies } from './replies.ts';
export type { Reply, ReplyContent } from './reply.ts';
export { replySize, resultDigest } from './reply.ts';
export { DigestList, NO_DIGESTS } from './digest-list.ts';
export { bundleLength, isSameRequest, standsInBundle } from './packed.ts';
export { HEX_BYTES as HASH_BYTES } from './schema/hex.ts';
export { ReplyTree, replyTreeBytes } from './reply-tree.ts';
export type { ReplyStable } from './reply-stable.ts';
export type { Request } from './request.ts';
export { REQUEST_COMPOUND, REQUEST_READ_ONLY, REQUEST_RECEIPT, requestDigest, requestSize } from './request.ts';
export type { Requests } from './requests.ts';
export { SessionDigests } from './session-digests.ts';
export type { Json, JsonObject } from './schema/json-value.ts';
export { fromReadable, toReadable } from './schema/readable-bytes.ts';
export type { Schema, ValueOf } from './schema/schema.ts';
export type { SimulateByzantine } from './simulate-byzantine.ts';
export type { SlotDigest } from './slot-digest.ts';
export type { State } from './state.ts';
export type { Statement, StatementContent, StatementFault } from './statement.ts';
export { readStatement, receiptStatement, SIGNATURE_BYTES, statementOf } from './statement.ts';
export type { StateEntry } from './state-entry.ts';
export { stateEntrySize } from './state-entry.ts';
export { stateSubtreeSize } from './state.ts';
export type { StateSubtree } from './state.ts';
export type { SlotStatus, Status } from './status.ts';
export type { TreeSignature } from './tree-signature.ts';
export { treeSignatureSize } from './tree-signature.ts';
export type { ClaimedCheckpoint, ClaimedSlot, SignedViewChange, ViewChange, ViewChangeContent } from './view-change.ts';
export { claimedCheckpoint, signedViewChange, viewChangeDigest, viewChangeSize } from './view-change.ts';
