import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** What came of a command. */
export type Outcome = "accepted" | "repeated" | "rejected" | "failed"

interface Meters {
  readonly command: (outcome: Outcome, millis: number, recorded: number, context: Context.Context<never>) => void
  readonly conflict: (context: Context.Context<never>) => void
}

// Each series is made with its attributes: `withAttributes` would make a context for every update.
const make = (aggregate: string): Meters => {
  const outcome = (outcome: Outcome) =>
    Metric.histogram("hexfold_command_duration_ms", {
      description: "Time to execute a command with all attempts, in milliseconds, by aggregate and outcome",
      attributes: { aggregate, outcome },
      boundaries
    })
  const outcomes = {
    accepted: outcome("accepted"),
    repeated: outcome("repeated"),
    rejected: outcome("rejected"),
    failed: outcome("failed")
  }
  const conflicts = Metric.counter("hexfold_conflicts", {
    description: "Attempts that ended in a concurrency conflict, by aggregate",
    attributes: { aggregate },
    incremental: true
  })
  const events = Metric.counter("hexfold_events", {
    description: "Events recorded through the executor, by aggregate",
    attributes: { aggregate },
    incremental: true
  })
  return {
    command: (outcome, millis, recorded, context) => {
      outcomes[outcome].updateUnsafe(millis, context)
      if (recorded > 0) events.updateUnsafe(recorded, context)
    },
    conflict: (context) => conflicts.updateUnsafe(1, context)
  }
}

const boundaries = Metric.exponentialBoundaries({ start: 0.25, factor: 2, count: 14 })

const cache = new Map<string, Meters>()

/** The meters of the aggregate with this name. */
export const of = (aggregate: string): Meters => {
  let meters = cache.get(aggregate)
  if (meters === undefined) cache.set(aggregate, (meters = make(aggregate)))
  return meters
}
