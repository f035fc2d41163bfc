/**
 * The HTTP API's shapes: one schema per body, shared by server, client, command line and web. Owns no behaviour, only the reading and checking
 * of bodies that prove something.
 */
export * from './byzantine.ts';
export * from './cluster.ts';
export * from './common.ts';
export * from './error-catalogue.ts';
export * from './event-text.ts';
export * from './events.ts';
export * from './evidence.ts';
export * from './explain.ts';
export * from './lab.ts';
export * from './protocol-log.ts';
export * from './request.ts';
export * from './state-proof.ts';
export * from './state-proof-file.ts';
export * from './state-proof-verdict.ts';
export * from './state-value.ts';
export * from './status.ts';
export * from './stream-event.ts';
