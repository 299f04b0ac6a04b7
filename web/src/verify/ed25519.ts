// Owns the check of an Ed25519 signature: by the browser where it can, by @noble/ed25519 where it cannot
// (WebCrypto is missing on pages served without TLS from another host than this one, and in old browsers).

export async function isSignedBy(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const said = await byBrowser(publicKey, message, signature);
  return said ?? (await byNoble(publicKey, message, signature));
}

/** Null when the browser has no Ed25519. */
async function byBrowser(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | null> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  try {
    const key = await subtle.importKey("raw", plain(publicKey), "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, plain(signature), plain(message));
  } catch {
    return null;
  }
}

/** Loaded only where the browser cannot. */
async function byNoble(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { isSignedByNoble } = await import("./ed25519Noble");
  return isSignedByNoble(publicKey, message, signature);
}

/** WebCrypto takes bytes of plain buffers only. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
