import { below, randomOf } from "../rounds/random.ts"

/** How a process of the examples runs. Times are in milliseconds. */
export interface Settings {
  /** The version of its process managers and reactors. */
  readonly version: 1 | 2
  readonly lease: number
  readonly pause: number
  readonly parts: number
  readonly maxParts: number
  /** How long the fulfilment waits for a payment. */
  readonly unpaid: number
  /** How long a group has for its check-out. */
  readonly leaving: number
}

/** What a seed decides of a round, besides its script and its victims. */
export const planOf = (seed: number, pace: number) => {
  const random = randomOf(seed, "plan")
  const workers = 2 + below(random, 2)
  const parts = 1 + below(random, 4)
  const deployment = (["none", "up", "up", "up and down", "some"] as const)[below(random, 5)]!
  // A process that is down leaves no part without an owner. In the end one process alone may have the higher version.
  const least = deployment === "some" ? parts : Math.ceil(parts / (workers - 1))
  return {
    workers,
    kills: 4 + below(random, 4),
    /** Whether a higher version is rolled out, rolled back, or rolled out to some of the processes only. */
    deployment,
    /** How the server is killed, and started again; undefined if it is not. */
    death: random() < 0.3 ? (["main", "all", "immediate"] as const)[below(random, 3)] : undefined,
    settings: {
      version: 1,
      lease: (1_000 + below(random, 1_000)) * pace,
      pause: 50 + below(random, 150),
      parts,
      maxParts: Math.max(least, 1 + below(random, parts)),
      unpaid: 7_000 * pace,
      leaving: 7_000 * pace
    } satisfies Settings,
    /** How long to wait for what must happen. */
    patience: 60_000 * pace
  }
}

export type Plan = ReturnType<typeof planOf>
