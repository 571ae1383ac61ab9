/** Comparing secrets, once: the time taken tells nothing about how much of a guess was right. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares by digest, so that neither the length nor the content of what is expected shows. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
