import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** What a commit of a reactor did. */
interface Counts {
  readonly handled: number
  readonly skipped: number
  readonly parked: number
}

interface Meters {
  readonly commit: (counts: Counts, context: Context.Context<never>) => void
  readonly failure: (context: Context.Context<never>) => void
}

const make = (reactor: string): Meters => {
  const counter = (name: string, description: string) =>
    Metric.counter(`hexfold_reactor_${name}_total`, {
      description: `${description}, by reactor`,
      attributes: { reactor },
      incremental: true
    })
  const events = counter("events", "Events that reactors have handled")
  const commits = counter("commits", "Commits of reactors")
  const skipped = counter("skipped", "Dead letters of events that were skipped")
  const parked = counter("parked", "Dead letters of events that were parked, or that wait for a parked event")
  const failures = counter("failures", "Attempts of handlers that have failed")
  return {
    commit: (counts, context) => {
      commits.updateUnsafe(1, context)
      events.updateUnsafe(counts.handled, context)
      skipped.updateUnsafe(counts.skipped, context)
      parked.updateUnsafe(counts.parked, context)
    },
    failure: (context) => failures.updateUnsafe(1, context)
  }
}

const cache = new Map<string, Meters>()

/** The meters of the reactor with this name. */
export const of = (reactor: string): Meters => {
  let meters = cache.get(reactor)
  if (meters === undefined) cache.set(reactor, (meters = make(reactor)))
  return meters
}
