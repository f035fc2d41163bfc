/** Signed statements as evidence: small, whatever the message carried besides its content, and checked by anyone with the public keys (evidence.ts). */
import type { Bytes } from '../base/bytes.ts';
import { statementOf } from '../messages/index.ts';
import type { CodecContext, Message } from '../messages/index.ts';

/** The signature followed by what it signs; nothing for a message without one. */
export function statements(codec: CodecContext, message: Message, signature: Bytes | undefined): readonly Bytes[] {
  return signature === undefined ? [] : [statementOf(codec, message, signature)];
}
