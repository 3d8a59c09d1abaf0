// UUIDs as text (RFC 9562 §4), from what they are made of.

/** The text of 16 bytes in hex: in groups of 8, 4, 4, 4 and 12 digits. */
export function uuidOfHex(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A random UUID (RFC 9562 §5.4) of 16 random bytes, which it changes: of configured randomness, so that a test can repeat a run. */
export function uuidFrom(bytes: Buffer): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuidOfHex(bytes.toString("hex"));
}
