import { below, randomOf } from "../rounds/random.ts"

/** What a seed decides, besides the rows and the victims of the kills. Times are in milliseconds. */
export const planOf = (seed: number, pace: number) => {
  const random = randomOf(seed, "plan")
  const workers = 3 + below(random, 2)
  const parts = 2 + below(random, 4)
  // A process that is down leaves no part without an owner.
  const least = Math.ceil(parts / (workers - 1))
  const pieces = Array.from({ length: 3 + below(random, 3) }, () => random() < 0.7)
  return {
    workers,
    /** How the projections run, in all processes. */
    options: {
      lease: (1_000 + below(random, 1_001)) * pace,
      pause: 50 + below(random, 250),
      batch: [10, 50, 200, 1_000][below(random, 4)]!
    },
    parts,
    maxParts: Math.max(least, 1 + below(random, parts)),
    /**
     * The log is executed in pieces: whether the writer of each knows the inline views. One that does not takes them from the
     * appends; the last one knows them, and at least one does not.
     */
    knowing: pieces.map((knows, i) => i === pieces.length - 1 || (i === 1 ? false : knows)),
    /** How long to wait for what must happen. The machine may be busy with other things. */
    patience: 90_000 * pace
  }
}
