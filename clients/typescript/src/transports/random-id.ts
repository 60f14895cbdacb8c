/** Names that nobody else makes. */

/** 128 random bits in hexadecimal digits; available on pages of any origin, where `crypto.randomUUID` is not. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
