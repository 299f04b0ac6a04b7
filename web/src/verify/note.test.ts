// Owns the proof that signed notes, checkpoints and cosignatures are read and checked as C2SP says.
import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "./bytes";
import { parseCheckpoint, parseSignedCheckpoint } from "./checkpoint";
import { isSignedBy } from "./ed25519";
import { isSignedByNoble } from "./ed25519Noble";
import { parseNote, parseVerifierKey, signedBy, verifierKeyText } from "./note";
import { TestLog, TestSigner } from "./testLog";

/** The example of Go's golang.org/x/mod/sumdb/note, which C2SP signed-note describes. */
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\n" +
  "then you don't know what your problem is.\n" +
  "\n" +
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

describe("verifier keys", () => {
  it("read and write as one text", () => {
    const key = parseVerifierKey(GO_KEY);
    expect(key).toMatchObject({ name: "PeterNeumann", kind: "ed25519" });
    expect(verifierKeyText(key)).toBe(GO_KEY);
  });

  it("are refused when the id is not their own, or the kind is unknown", () => {
    expect(() => parseVerifierKey(GO_KEY.replace("c74f20a3", "c74f20a4"))).toThrow("wrong id");
    expect(() => parseVerifierKey(GO_KEY.replace("ARpc", "AhpC"))).toThrow("kind");
    for (const wrong of ["", "a+b", "a+c74f20a3+!!", "a b+c74f20a3+ARpc"]) {
      expect(() => parseVerifierKey(wrong)).toThrow();
    }
  });
});

describe("notes", () => {
  it("of Go's own example are signed by its key, and by no other", async () => {
    const note = parseNote(GO_NOTE);
    expect(await signedBy(note, parseVerifierKey(GO_KEY))).toEqual({ cosignedAt: null });
    const other = new TestSigner("PeterNeumann", 3);
    expect(await signedBy(note, parseVerifierKey(other.verifier))).toBeNull();
    const edited = parseNote(GO_NOTE.replace("answer", "anwser"));
    expect(await signedBy(edited, parseVerifierKey(GO_KEY))).toBeNull();
  });

  it("without a signature line, a blank line or an end are refused", () => {
    for (const wrong of [
      "",
      "a\n",
      "a\n\n",
      "a\n\n— x\n",
      GO_NOTE.slice(0, -1),
      "a\n\n— x AAAA\n",
    ]) {
      expect(() => parseNote(wrong)).toThrow();
    }
  });

  it("with a witness's cosignature tell when it signed, and hold for that time only", async () => {
    const log = new TestLog().fill(3);
    const witness = new TestSigner("witness.example", 9, 4);
    log.witnesses = [witness];
    const { note } = parseSignedCheckpoint(log.note());
    expect(await signedBy(note, parseVerifierKey(witness.verifier))).toEqual({
      cosignedAt: 1_790_000_000,
    });
    const line = note.signatures[1];
    if (line) line.signature[7] = 1;
    expect(await signedBy(note, parseVerifierKey(witness.verifier))).toBeNull();
  });
});

describe("checkpoints", () => {
  it("say log, size and root; further lines are theirs who wrote them", () => {
    const root = Buffer.alloc(32, 5).toString("base64");
    expect(parseCheckpoint(`o\n7\n${root}\nmore\n`)).toMatchObject({ origin: "o", size: 7 });
    for (const wrong of [`o\n07\n${root}\n`, `o\n-1\n${root}\n`, "o\n7\nAAAA\n", "o\n7\n", ""]) {
      expect(() => parseCheckpoint(wrong)).toThrow();
    }
  });
});

describe("Ed25519", () => {
  /** RFC 8032 §7.1, test 2. */
  const publicKey = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const message = fromHex("72");
  const signature = fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
  const ways = { "by the browser": isSignedBy, "without WebCrypto": isSignedByNoble };

  it.each(Object.entries(ways))(
    "holds for the published vector %s, and for nothing else",
    async (_, holds) => {
      expect(await holds(publicKey, message, signature)).toBe(true);
      expect(await holds(publicKey, utf8("r!"), signature)).toBe(false);
      expect(
        await holds(
          publicKey,
          message,
          signature.map((byte) => byte ^ 1),
        ),
      ).toBe(false);
      expect(await holds(signature.slice(0, 32), message, signature)).toBe(false);
      expect(await holds(publicKey, message, signature.slice(1))).toBe(false);
    },
  );

  it("test signers have the key that they say", () => {
    expect(toHex(parseVerifierKey(new TestSigner("a", 1).verifier).publicKey)).toHaveLength(64);
  });
});
