// An ECDSA signature as JWS wants it. Knows nothing of keys or tokens.

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * r ‖ s, each of `size` bytes (RFC 7518 §3.4), of a signature in DER (RFC 3279 §2.2.3), which is how OpenSSL makes them. Throws a
 * RangeError for what is not a sequence of two integers that fit; only for curves of up to 256 bits, whose DER has lengths of one byte.
 */
export function joseSignature(der: Buffer, size: number): Buffer {
  const signature = Buffer.alloc(2 * size);
  if (der[0] !== SEQUENCE || der[1] !== der.length - 2) throw new RangeError("No signature in DER");
  const second = placeInteger(der, 2, signature.subarray(0, size));
  if (placeInteger(der, second, signature.subarray(size)) !== der.length)
    throw new RangeError("No signature in DER");
  return signature;
}

// Puts the integer that begins at `at` to the end of `place`, and answers where the next one begins. DER has as few bytes as it can, and
// a zero before those whose first bit would make the number negative.
function placeInteger(der: Buffer, at: number, place: Buffer): number {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const first = der[at + 2] === 0 ? at + 3 : at + 2;
  if (der[at] !== INTEGER || length === 0 || end > der.length || end - first > place.length)
    throw new RangeError("No signature in DER");
  der.copy(place, place.length - (end - first), first, end);
  return end;
}
