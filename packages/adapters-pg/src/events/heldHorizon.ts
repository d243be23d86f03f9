import type { EventStore } from "@hexfold/core"
import { Duration, Effect, Metric } from "effect"
import { describeHolder } from "../database/holders.ts"

/** The time between two warnings about the same hold. */
const repeatAfter = Duration.toMillis("1 minute")

/**
 * Says when an open append holds the horizon back for a long time: readers and views
 * stand still meanwhile. It logs a warning with the holders, then one each minute, and a
 * line when it is over. The gauge has the seconds at any time.
 */
export const watchHeld = (schema: string, warnAfter: Duration.Duration) => {
  const gauge = Metric.gauge("hexfold_horizon_held_seconds", {
    description: "for how long open appends have held readers and views back",
    attributes: { schema }
  })
  const limit = Duration.toMillis(warnAfter)
  let warnedAt: number | undefined
  let lastHeld = 0
  const wantsNames = () => lastHeld >= limit / 2

  return {
    /** Whether the holders should be named, because a warning may be due. */
    wantsNames,

    /** `held` is how long the horizon has been held back, in milliseconds by the server's clock. */
    observe: (horizon: EventStore.Horizon, held: number): Effect.Effect<void> =>
      Effect.gen(function* () {
        const now = Date.now()
        const areNamed = horizon.holders.length > 0 || wantsNames()
        lastHeld = held
        yield* Metric.update(gauge, held / 1_000)
        if (held < limit) {
          if (warnedAt === undefined) return
          warnedAt = undefined
          return yield* Effect.logInfo(`hexfold: the readers of ${schema} go on`)
        }
        if (!areNamed || (warnedAt !== undefined && now - warnedAt < repeatAfter)) return
        warnedAt = now
        const who = horizon.holders.length === 0 ? "an open append" : horizon.holders.map(describeHolder).join("; ")
        yield* Effect.logWarning(
          `hexfold: the readers and views of ${schema} have stood at position ${horizon.position} for ` +
            `${Math.round(held / 1_000)} s, and events up to position ${horizon.drawn} wait: they are held back by ${who}`
        )
      })
  }
}

/** What {@link watchHeld} returns. */
export type HeldWatch = ReturnType<typeof watchHeld>
