/** What authenticates a frame. */
import type { Bytes } from '../base/bytes.ts';
import { refuse } from './refusal.ts';
import type { MembersForm, Schema } from './schema/schema.ts';
import { valueForm } from './schema/schema.ts';
import { isMacText, mac, signature } from './schema/signed-text.ts';
import { at, member } from './schema/json-value.ts';
import type { TreeSignature } from './tree-signature.ts';
import { treeSignature } from './tree-signature.ts';

/**
 * None (the link or the content speaks for itself), a MAC for the receiver (16 to 32 bytes), the sender's Ed25519 signature (64 bytes), or, of
 * REPLIES, its signature over a tree in which all replies of the message stand in a row.
 */
export type Proof =
  | { readonly kind: 'none' }
  | { readonly kind: 'mac'; readonly mac: Bytes }
  | { readonly kind: 'signature'; readonly signature: Bytes }
  | { readonly kind: 'tree'; readonly tree: TreeSignature };

const NONE = 0;
/** First byte of a proof that is a MAC; its length and the MAC follow. */
export const MAC = 1;
const SIGNATURE = 2;
const TREE = 3;

/** No proof; shared. */
export const NO_PROOF: Proof = { kind: 'none' };

const SIGNATURE_MEMBER = 'signature';
const TREE_MEMBER = 'tree_signature';
const macForm = valueForm(mac);
const signatureForm = valueForm(signature);
const treeForm = valueForm(treeSignature);

const json: MembersForm<Proof> = {
  kind: 'members',
  names: [SIGNATURE_MEMBER, TREE_MEMBER],
  put(value, object) {
    if (value.kind === 'mac') object[SIGNATURE_MEMBER] = macForm.to(value.mac) ?? null;
    if (value.kind === 'signature') object[SIGNATURE_MEMBER] = signatureForm.to(value.signature) ?? null;
    if (value.kind === 'tree') object[TREE_MEMBER] = treeForm.to(value.tree) ?? null;
  },
  take(object, context) {
    const text = member(object, SIGNATURE_MEMBER);
    const tree = member(object, TREE_MEMBER);
    if (tree !== undefined) {
      if (text !== undefined) refuse('inconsistent', TREE_MEMBER);
      return at(TREE_MEMBER, () => ({ kind: 'tree', tree: treeForm.from(tree, context) }));
    }
    if (text === undefined) return NO_PROOF;
    return at(SIGNATURE_MEMBER, () =>
      isMacText(text)
        ? { kind: 'mac', mac: macForm.from(text, context) }
        : { kind: 'signature', signature: signatureForm.from(text, context) },
    );
  },
};

/** One byte for the kind, then the MAC or signature. In JSON the member `signature` of the message, or `tree_signature`; absent if there is none. */
export const proof: Schema<Proof> & { readonly json: MembersForm<Proof> } = {
  minBytes: 1,
  maxBytes: 1 + Math.max(mac.maxBytes, signature.maxBytes, treeSignature.maxBytes),
  write(writer, value) {
    switch (value.kind) {
      case 'none':
        writer.u8(NONE);
        return;
      case 'mac':
        writer.u8(MAC);
        mac.write(writer, value.mac);
        return;
      case 'signature':
        writer.u8(SIGNATURE);
        signature.write(writer, value.signature);
        return;
      case 'tree':
        writer.u8(TREE);
        treeSignature.write(writer, value.tree);
    }
  },
  read(reader) {
    const kind = reader.u8();
    if (kind === NONE) return NO_PROOF;
    if (kind === MAC) return { kind: 'mac', mac: mac.read(reader) };
    if (kind === SIGNATURE) return { kind: 'signature', signature: signature.read(reader) };
    if (kind === TREE) return { kind: 'tree', tree: treeSignature.read(reader) };
    return refuse('out-of-range');
  },
  json,
};
