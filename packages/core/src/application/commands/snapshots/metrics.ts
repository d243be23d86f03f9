import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Reason } from "./snapshotting.ts"

/**
 * Why a state was not saved: the queue was full, the state cannot be kept, the store has failed, the log has lost its
 * events, or the layer has ended.
 */
export type Dropped = "full" | "state" | "store" | "lost" | "ended"

/** The series of the snapshots of one aggregate. */
export interface Meters {
  readonly loaded: () => void
  readonly ignored: (reason: Reason) => void
  readonly saved: () => void
  readonly dropped: (reason: Dropped) => void
}

/** The meters of an aggregate. */
export const of = (aggregate: string, context: Context.Context<never>): Meters => {
  const counter = (name: string, description: string, labels: Readonly<Record<string, string>> = {}) =>
    Metric.counter(`hexfold_snapshots_${name}_total`, {
      description,
      attributes: { aggregate, ...labels },
      incremental: true
    })
  const loaded = counter("loaded", "Snapshots that a stream was read on from")
  const saved = counter("saved", "Snapshots saved")
  const ignored = byReason((reason: Reason) =>
    counter("ignored", "Snapshots that could not be used, by the reason", { reason })
  )
  const dropped = byReason((reason: Dropped) =>
    counter("dropped", "States that were not saved, by the reason", { reason })
  )
  return {
    loaded: () => loaded.updateUnsafe(1, context),
    ignored: (reason) => ignored(reason).updateUnsafe(1, context),
    saved: () => saved.updateUnsafe(1, context),
    dropped: (reason) => dropped(reason).updateUnsafe(1, context)
  }
}

const byReason = <Of extends string, A>(make: (reason: Of) => A): ((reason: Of) => A) => {
  const known = new Map<Of, A>()
  return (reason) => {
    const found = known.get(reason)
    if (found !== undefined) return found
    const made = make(reason)
    known.set(reason, made)
    return made
  }
}
