import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** What a commit of a projection did. */
interface Counts {
  readonly events: number
  readonly skipped: number
  readonly parked: number
}

interface Meters {
  readonly commit: (counts: Counts, context: Context.Context<never>) => void
  readonly failure: (context: Context.Context<never>) => void
}

const make = (view: string): Meters => {
  const counter = (name: string, description: string) =>
    Metric.counter(`hexfold_projection_${name}_total`, {
      description: `${description}, by view`,
      attributes: { view },
      incremental: true
    })
  const events = counter("events", "Events applied to records by projections")
  const commits = counter("commits", "Commits of projections")
  const skipped = counter("skipped", "Dead letters of events that were skipped")
  const parked = counter("parked", "Dead letters of events that were parked, or that wait for a parked event")
  const failures = counter("failures", "Times that an event stopped a projection")
  return {
    commit: (counts, context) => {
      commits.updateUnsafe(1, context)
      events.updateUnsafe(counts.events, context)
      skipped.updateUnsafe(counts.skipped, context)
      parked.updateUnsafe(counts.parked, context)
    },
    failure: (context) => failures.updateUnsafe(1, context)
  }
}

const cache = new Map<string, Meters>()

/** The meters of the view with this name. */
export const of = (view: string): Meters => {
  let meters = cache.get(view)
  if (meters === undefined) cache.set(view, (meters = make(view)))
  return meters
}
