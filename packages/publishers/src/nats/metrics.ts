import { type Context, Metric } from "effect"

/** What an inbox tells of itself. */
export interface Meters {
  readonly handled: (context: Context.Context<never>) => void
  readonly failed: (context: Context.Context<never>) => void
  readonly poisoned: (context: Context.Context<never>) => void
  readonly lost: (count: number, context: Context.Context<never>) => void
  readonly pending: (count: number, context: Context.Context<never>) => void
}

const make = (inbox: string): Meters => {
  const attributes = { inbox }
  const counter = (name: string, description: string) =>
    Metric.counter(`hexfold_inbox_${name}_total`, {
      description: `${description}, by inbox`,
      attributes,
      incremental: true
    })
  const messages = counter("messages", "Messages that inboxes have acknowledged")
  const failures = counter("failures", "Attempts of handlers of inboxes that have failed")
  const poison = counter("poison", "Messages that inboxes have recorded as poison")
  const gone = counter("lost", "Messages that were gone before inboxes could handle them")
  const left = Metric.gauge("hexfold_inbox_pending", {
    description: "Messages behind the last one that an inbox was given, by inbox",
    attributes
  })
  return {
    handled: (context) => messages.updateUnsafe(1, context),
    failed: (context) => failures.updateUnsafe(1, context),
    poisoned: (context) => poison.updateUnsafe(1, context),
    lost: (count, context) => gone.updateUnsafe(count, context),
    pending: (count, context) => left.updateUnsafe(count, context)
  }
}

const cache = new Map<string, Meters>()

/** The meters of the inbox with this consumer. */
export const of = (inbox: string): Meters => {
  let meters = cache.get(inbox)
  if (meters === undefined) cache.set(inbox, (meters = make(inbox)))
  return meters
}
