/** What is used of libsodium; the package brings no types. All arrays are read or filled, none is kept. */
declare module 'sodium-native' {
  interface Sodium {
    /** Fills `output` (32 bytes here) with the BLAKE2b of `input` of that length, keyed. */
    crypto_generichash(output: Uint8Array, input: Uint8Array, key: Uint8Array): void;
    /** Fills the public key (32 bytes) and the secret key (64: seed and public key) that belong to a seed (32). */
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
    /** Fills the signature (64 bytes). */
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
    /** Throws for arrays of other lengths than 64 and 32. */
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  }
  const sodium: Sodium;
  export default sodium;
}
