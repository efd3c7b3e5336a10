// The checksum of a collection: the sum modulo 2^64 of the first eight bytes of SHA-256 (FIPS 180-4) over `key 0x00 seq`
// of each document. A browser's own digest answers later, and one by one: too late for a page of a thousand.

const K = new Uint32Array(64);
const START = new Uint32Array(8);

/** The first 32 bits of the fraction of a root. */
const fraction = (root: number): number => (root - Math.floor(root)) * 2 ** 32;

for (let n = 2, found = 0; found < 64; n++) {
  let prime = true;
  for (let by = 2; by * by <= n; by++) if (n % by === 0) prime = false;
  if (!prime) continue;
  if (found < 8) START[found] = fraction(Math.sqrt(n));
  K[found++] = fraction(Math.cbrt(n));
}

const utf8 = new TextEncoder();
const W = new Uint32Array(64);
const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** The first eight bytes of the digest, as a number. */
const digest = (text: string): bigint => {
  const bytes = utf8.encode(text);
  const whole = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  whole.set(bytes);
  whole[bytes.length] = 128;
  const view = new DataView(whole.buffer);
  view.setUint32(whole.length - 4, bytes.length * 8);
  const state = START.slice();
  for (let at = 0; at < whole.length; at += 64) {
    let [a, b, c, d, e, f, g, h] = state as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let n = 0; n < 64; n++) {
      if (n < 16) W[n] = view.getUint32(at + n * 4);
      else {
        const x = W[n - 15]!;
        const y = W[n - 2]!;
        W[n] =
          W[n - 16]! +
          W[n - 7]! +
          (turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)) +
          (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10));
      }
      const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[n]! + W[n]!;
      const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    for (const [n, word] of [a, b, c, d, e, f, g, h].entries()) state[n]! += word;
  }
  return (BigInt(state[0]!) << 32n) | BigInt(state[1]!);
};

/** One document's part. */
export const partOf = (key: string, seq: number): bigint => digest(`${key}\0${seq}`);

/** As the wire has it. */
export const sumText = (sum: bigint): string => BigInt.asUintN(64, sum).toString(16).padStart(16, "0");
