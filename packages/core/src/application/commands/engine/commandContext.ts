import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"
import { isTraced } from "../../../internal/tracing.ts"
import { EventStore, type Position } from "../../../ports/EventStore.ts"
import { StreamLocks } from "../../../ports/StreamLocks.ts"
import * as Appended from "../../events/appended.ts"
import * as Ids from "../../events/Ids.ts"
import * as Metadata from "../../events/Metadata.ts"
import * as DerivedIds from "../derivedIds.ts"
import * as Snapshots from "../Snapshots.ts"
import * as StateCache from "../StateCache.ts"

/** What every command takes from the context that it runs in. */
export interface CommandContext {
  readonly context: Context.Context<EventStore>
  readonly store: EventStore["Service"]
  readonly clock: Clock.Clock
  /** Draws the id of an event at a time. */
  readonly nextId: (now: number) => string
  /** Whether the command is part of a caller's transaction, which may still roll back. */
  readonly joined: boolean
  /**
   * The cached states of this store's streams; undefined without a cache, and in a
   * caller's transaction. What is read or written there may never be committed.
   */
  readonly states: StateCache.States | undefined
  /**
   * The states of the few streams for which commands have waited last: each group goes on
   * from where the one before it has ended. Undefined in a caller's transaction.
   */
  readonly recent: StateCache.States | undefined
  /** The snapshots from which streams are read on; undefined without any, and in a caller's transaction. */
  readonly snapshots: Snapshots.Snapshotting | undefined
  /** The locks of the store; undefined if it has none. */
  readonly locks: StreamLocks["Service"] | undefined
  /** What the program, or its trace, says about the events. */
  readonly metadata: Partial<Metadata.Metadata>
  /** Names the commands that have no id of their own; undefined unless they are executed for an event. */
  readonly derivedIds: DerivedIds.DerivedIds | undefined
  /** Is told of what the command has appended. */
  readonly appended: ((last: Position) => void) | undefined
  readonly traced: boolean
}

/** The same for each command that runs in the same context, because a context never changes. */
export const commandContext = (context: Context.Context<EventStore>): CommandContext =>
  last?.context === context ? last : (last = make(context))

// The commands of a program mostly share a context, and making this for each anew takes a tenth more time for a command in
// memory. The requests of a server have a context each: a map of all of them would take 6 µs a request. The last
// context stays in memory until the next command.
let last: CommandContext | undefined

/** The context of one command, for a context that no other command runs in. */
export const make = (context: Context.Context<EventStore>): CommandContext => {
  const store = Context.get(context, EventStore)
  const traced = isTraced(context)
  const joined = store.inTransaction?.(context) === true
  return {
    context,
    store,
    clock: Context.get(context, Clock.Clock),
    nextId: Context.get(context, Ids.Next),
    joined,
    states: joined ? undefined : Context.get(context, StateCache.Current)?.(store),
    recent: joined ? undefined : recentStates(store),
    snapshots: joined ? undefined : Context.get(context, Snapshots.Current),
    locks: Context.getOrUndefined(context, StreamLocks),
    metadata: { ...(traced ? traceOf(context) : undefined), ...Context.get(context, Metadata.Current) },
    derivedIds: Context.get(context, DerivedIds.Current),
    appended: Context.get(context, Appended.Current),
    traced
  }
}

// Enough for the streams that many commands want at the same time, and few enough to take no memory worth naming.
const recentStates = StateCache.make({ capacity: 64 })

const traceOf = (context: Context.Context<never>): Partial<Metadata.Metadata> | undefined => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return span === undefined ? undefined : { correlationId: span.traceId }
}
