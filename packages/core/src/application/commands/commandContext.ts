import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as StateCache from "./StateCache.ts"
import { EventStore } from "../../ports/EventStore.ts"
import * as Metadata from "../events/Metadata.ts"
import { isTraced } from "../../internal/tracing.ts"

/** What every command takes from the context it runs in. */
export interface Ambient {
  readonly context: Context.Context<EventStore>
  readonly store: EventStore["Service"]
  readonly clock: Clock.Clock
  /** The states remembered of this store's streams; none without a cache. */
  readonly states: StateCache.States | undefined
  /** What the program says of its events. */
  readonly metadata: Partial<Metadata.Metadata>
  readonly traced: boolean
}

// The commands of a program mostly share a context, and a context never
// changes: remembering the latest saves a command in memory 4 % of its time.
let latest: Ambient | undefined

export const of = (context: Context.Context<EventStore>): Ambient => {
  if (latest?.context !== context) latest = make(context)
  return latest
}

const make = (context: Context.Context<EventStore>): Ambient => {
  const store = Context.get(context, EventStore)
  return {
    context,
    store,
    clock: Context.get(context, Clock.Clock),
    states: Context.get(context, StateCache.Current)?.(store),
    metadata: Context.get(context, Metadata.Current),
    traced: isTraced(context)
  }
}
