import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Predicate from "effect/Predicate"
import type { CommandPlan } from "./commandPlan.ts"

/** How a command ended. */
export type Outcome = "accepted" | "repeated" | "rejected" | "failed"

/** The series of one kind of command on one aggregate or over one boundary. */
export interface Meters {
  /** Counts a command that ended; `error` is the one for which the domain rejects it. */
  readonly ended: (outcome: Outcome, seconds: number, context: Context.Context<never>, error?: unknown) => void
  readonly recorded: (events: number, context: Context.Context<never>) => void
  readonly conflict: (context: Context.Context<never>) => void
}

// Each series is made once with its labels: `withAttributes` would make a context for every update.
const make = (labels: Readonly<Record<string, string>>): Meters => {
  const durations = (labels: Readonly<Record<string, string>>) =>
    Metric.histogram("hexfold_command_duration_seconds", {
      description: "Time to execute a command with all its attempts, in seconds",
      attributes: labels,
      boundaries
    })
  const outcomes = {
    accepted: durations({ ...labels, outcome: "accepted" }),
    repeated: durations({ ...labels, outcome: "repeated" }),
    failed: durations({ ...labels, outcome: "failed" })
  }
  const rejections = new Map<string, typeof outcomes.accepted>()
  const rejectedBy = (error: unknown) => {
    const tag = Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" ? error._tag : "untagged"
    const series = rejections.get(tag)
    if (series !== undefined) return series
    // An aggregate declares its errors, but a boundary's may be anything.
    const label = rejections.size < mostErrors ? tag : "other"
    const made = rejections.get(label) ?? durations({ ...labels, outcome: "rejected", error: label })
    rejections.set(label, made)
    return made
  }
  const conflicts = Metric.counter("hexfold_conflicts_total", {
    description: "Attempts that ended in a concurrency conflict",
    attributes: labels,
    incremental: true
  })
  const events = Metric.counter("hexfold_events_total", {
    description: "Events recorded by commands",
    attributes: labels,
    incremental: true
  })
  return {
    ended: (outcome, seconds, context, error) => {
      const series = outcome === "rejected" ? rejectedBy(error) : outcomes[outcome]
      series.updateUnsafe(seconds, context)
    },
    recorded: (count, context) => events.updateUnsafe(count, context),
    conflict: (context) => conflicts.updateUnsafe(1, context)
  }
}

const boundaries = Metric.boundariesFromIterable([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
])

const mostErrors = 100

const known = new WeakMap<object, Map<string, Meters>>()

/** What the series of a command depend on. */
export interface Measured extends Pick<CommandPlan<unknown, unknown>, "target" | "command"> {
  readonly kind: CommandPlan<unknown, unknown>["kind"] | "topic"
}

/** The meters of a command. There are as many as the program defines kinds of commands. */
export const of = ({ command, kind, target }: Measured): Meters => {
  let byCommand = known.get(target)
  if (byCommand === undefined) known.set(target, (byCommand = new Map()))
  const meters = byCommand.get(command._tag)
  if (meters !== undefined) return meters
  // A command that was not decoded may have any tag.
  const tag = byCommand.size < mostCommands ? command._tag : "other"
  const made = byCommand.get(tag) ?? make({ [kind]: target.name, command: tag })
  byCommand.set(tag, made)
  return made
}

const mostCommands = 100
