import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

const commands = Metric.counter("hexfold_commands", {
  description: "Executed commands by aggregate and outcome: accepted, repeated, rejected or failed",
  incremental: true
})
const conflicts = Metric.counter("hexfold_conflicts", {
  description: "Attempts that ended in a concurrency conflict, by aggregate",
  incremental: true
})
const events = Metric.counter("hexfold_events", {
  description: "Events recorded through the executor, by aggregate",
  incremental: true
})
const duration = Metric.histogram("hexfold_command_duration_ms", {
  description: "Time to execute a command with all attempts, in milliseconds, by aggregate",
  boundaries: Metric.exponentialBoundaries({ start: 0.25, factor: 2, count: 14 })
})

/** What came of a command. */
export type Outcome = "accepted" | "repeated" | "rejected" | "failed"

interface Meters {
  readonly command: (outcome: Outcome, millis: number, recorded: number, context: Context.Context<never>) => void
  readonly conflict: (context: Context.Context<never>) => void
}

const make = (aggregate: string): Meters => {
  const outcomes: Record<Outcome, Metric.Metric<number, unknown>> = {
    accepted: Metric.withAttributes(commands, { aggregate, outcome: "accepted" }),
    repeated: Metric.withAttributes(commands, { aggregate, outcome: "repeated" }),
    rejected: Metric.withAttributes(commands, { aggregate, outcome: "rejected" }),
    failed: Metric.withAttributes(commands, { aggregate, outcome: "failed" })
  }
  const conflicting = Metric.withAttributes(conflicts, { aggregate })
  const recording = Metric.withAttributes(events, { aggregate })
  const lasting = Metric.withAttributes(duration, { aggregate })
  return {
    command: (outcome, millis, recorded, context) => {
      outcomes[outcome].updateUnsafe(1, context)
      if (recorded > 0) recording.updateUnsafe(recorded, context)
      lasting.updateUnsafe(millis, context)
    },
    conflict: (context) => conflicting.updateUnsafe(1, context)
  }
}

const cache = new Map<string, Meters>()

/** The meters of the aggregate with this name. */
export const of = (aggregate: string): Meters => {
  let meters = cache.get(aggregate)
  if (meters === undefined) cache.set(aggregate, (meters = make(aggregate)))
  return meters
}
