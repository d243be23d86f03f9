import {
  EventStore,
  type EventStoreError,
  Executor,
  type Projection,
  ProjectionStore,
  Subscription,
  View,
  ViewStore
} from "@hexfold/core"
import { Effect, Option, Schema, Stream } from "effect"
import type { Node } from "../nodes.ts"
import { Account, Deposit } from "../executing/accounts.ts"
import { appendTo, events, newStream } from "../eventStore/streams.ts"

/** The present horizon. */
export const horizonOf = ({ eventStore }: Node): Effect.Effect<EventStore.Horizon, EventStoreError> =>
  Effect.map(Stream.runHead(eventStore.horizons), Option.getOrThrow)

/** Runs an effect on the stores of a node. */
export const on = <A, E>(
  { eventStore, projectionStore, viewStore }: Node,
  effect: Effect.Effect<A, E, Projection.Stores>
): Effect.Effect<A, E> =>
  effect.pipe(
    Effect.provideService(EventStore.EventStore, eventStore),
    Effect.provideService(ViewStore.ViewStore, viewStore),
    Effect.provideService(ProjectionStore.ProjectionStore, projectionStore)
  )

/** A subscription of a node. */
export const stepsOf = ({ eventStore }: Node, options: Subscription.SubscriptionOptions) =>
  Stream.provideService(Subscription.recordedSteps(options), EventStore.EventStore, eventStore)

/** Why a read that begins after a position is refused. */
export const refusalOf = ({ eventStore }: Node, after: number | EventStore.Position) =>
  Effect.map(Effect.flip(Stream.runDrain(eventStore.readAll({ after }))), ({ reason }) => reason)

/** Appends events to a new stream, and gives their positions. */
export const appended = ({ eventStore }: Node, count: number) =>
  Effect.map(appendTo(eventStore, newStream(), events(count)), ({ events }) => events.map(({ position }) => position))

/** Deposits an amount. */
export const deposit = (node: Node, id: string, amount: number) =>
  on(node, Executor.execute(Account, id, new Deposit({ amount })))

/** A view that no other case has. */
export const newBalances = () =>
  View.make(`Balances_${crypto.randomUUID().replaceAll("-", "")}`, {
    from: [Account],
    state: Schema.Int,
    evolve: {
      Deposited: (balance = 0, { amount }) => balance + amount,
      Withdrawn: (balance = 0, { amount }) => balance - amount
    }
  })

/** The reason of an error, or the error. */
export const tagOf = (error: { readonly _tag: string; readonly reason?: unknown }) =>
  typeof error.reason === "object" && error.reason !== null && "_tag" in error.reason ? error.reason._tag : error._tag

/** The numbers that are no position of a log with this horizon. */
export const wrong = (drawn: number) => [drawn + 1, drawn + 1_000_000, Number.NaN, Infinity, 0.5, -1, 2 ** 53]
