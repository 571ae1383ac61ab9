/**
 * Memory that threads share, of a size that the garbage collector knows. V8 leaves it out of its account, since more than
 * one thread may hold it; then nothing presses for a collection, and what nobody holds any longer stays by the gigabyte.
 */

/**
 * Counts for as long as it is held: as half of so many bytes, since the memory that it stands for is held by two threads,
 * and each has one. They are set aside and never touched, so that they take addresses and no memory. Throws a RangeError
 * when there are no addresses left.
 */
export function weightOf(bytes: number): unknown {
  const half = Math.ceil(bytes / 2);
  return Reflect.construct(ArrayBuffer, [half, { maxByteLength: half }]);
}

/** Weighs on the thread that makes it; one that it is posted to gets it bare. */
export class WeighedSharedBuffer extends SharedArrayBuffer {
  readonly weight: unknown;

  constructor(bytes: number) {
    super(bytes);
    this.weight = weightOf(bytes);
  }
}
