/** Shared by the tests of projections: a view, its expected records, a store whose connection can fail, and waiting. */
import { MemoryEventStore, MemoryViewStore } from "@hexfold/adapters-memory"
import {
  type Aggregate,
  EventStore,
  ProjectionStore,
  Query,
  Reason,
  Records,
  View,
  ViewStore,
  ViewStoreError
} from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { type Duration, Effect, Layer, Option, Result, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn } from "./account.ts"
import { Budget, BudgetSet } from "./budget.ts"
import { appendOne } from "./appendOne.ts"

export const stores = Layer.merge(MemoryEventStore.layer(), MemoryViewStore.layer())

/** Records for each stream, and for all streams, which events were applied, in order. Some events delete a record. */
export const Activity = View.make("Activity", {
  from: [Account, Budget],
  state: Schema.Struct({ positions: Schema.Array(Schema.Int), sum: Schema.Int, at: Schema.DateTimeUtc }),
  key: (_event, { streamId }) => [streamId, "all"],
  evolve: {
    AccountOpened: (state, _event, envelope) => applied(state, 0, envelope),
    MoneyDeposited: (state, { amount }, envelope) => applied(state, amount, envelope),
    MoneyWithdrawn: (state, { amount }, envelope) => applied(state, -amount, envelope),
    BudgetSet: (state, { limit }, envelope) => (limit % 3 === 0 ? undefined : applied(state, limit, envelope))
  }
})

const applied = (
  state: { readonly positions: ReadonlyArray<number>; readonly sum: number } = { positions: [], sum: 0 },
  amount: number,
  { position, recordedAt }: Pick<View.Envelope<string, unknown>, "position" | "recordedAt">
) => ({ positions: [...state.positions, position], sum: state.sum + amount, at: recordedAt })

/** Appends one event without checking it, so that it may be one that does not decode. */
export const appendRaw = (streamId: EventStore.Write["streamId"], type: string, data: Schema.Json) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const id = crypto.randomUUID()
    const events = [{ id, type, data, metadata: { correlationId: id, causationId: id } }]
    const { events: recorded } = yield* appendOne(store, { writes: [{ streamId, events }], conditions: [] })
    return recorded[0]!
  })

const account = (id: string) => Account.streamId(AccountId.make(id))
export const opened = (id: string, owner = "Anna") =>
  appendRaw(account(id), "AccountOpened", { ...new AccountOpened({ owner }) })
export const deposited = (id: string, amount: number) =>
  appendRaw(account(id), "MoneyDeposited", { ...new MoneyDeposited({ amount }) })
export const withdrawn = (id: string, amount: number) =>
  appendRaw(account(id), "MoneyWithdrawn", { ...new MoneyWithdrawn({ amount }) })
export const budget = (id: number, limit: number) =>
  appendRaw(Budget.streamId(id), "BudgetSet", { ...new BudgetSet({ limit }) })

/** The expected records of `Activity`: the fold over the log, up to a position. */
export const law = (upTo = Infinity) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const log = yield* Stream.runCollect(store.readAll())
    const given = log.filter(({ position }) => position <= upTo).flatMap(decoded)
    return Object.fromEntries(View.fold(Activity, given))
  })

const decoded = (recorded: EventStore.RecordedEvent) => {
  const { id: eventId, ...envelope } = recorded
  const of = <Name extends string, Id, State, Command extends Aggregate.Tagged, Event extends Aggregate.Tagged, Error>(
    aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  ) =>
    Result.getOrThrow(EventCodec.of(aggregate).decode(recorded)).map((event, part) => ({
      ...envelope,
      eventId,
      aggregate: aggregate.name,
      id: Option.getOrThrow(aggregate.idOf(recorded.streamId)),
      event,
      part
    }))
  return [
    ...(recorded.streamId.startsWith("Account-") ? of(Account) : []),
    ...(recorded.streamId.startsWith("Budget-") ? of(Budget) : [])
  ]
}

/** The present records of `Activity`. */
export const records = Effect.map(Records.query(Activity, Query.from(Activity)), ({ rows }) =>
  Object.fromEntries(rows.map(({ key, state }) => [key, state]))
)

/** Those of the records of `Activity` with these keys that are written, even if their version does not answer queries yet. */
export const written = (...keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { load } = yield* ProjectionStore.ProjectionStore
    const { states } = yield* load({ view: Activity.name, version: Activity.version }, keys)
    const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(Activity.schemas.state))
    const decoded = yield* Effect.forEach(states, ([key, state]) =>
      Effect.map(decode(state), (is) => [key, is] as const)
    )
    return Object.fromEntries(decoded)
  })

/** The status of a view with one part. */
export const statusOf = (view: { readonly name: string }) =>
  Effect.gen(function* () {
    const { status } = yield* ViewStore.ViewStore
    const { deadLetters } = yield* ProjectionStore.ProjectionStore
    const known = (yield* status).find((each) => each.view === view.name)
    return known && { ...known, ...known.parts[0]!, ...(yield* deadLetters(known, "count")) }
  })

/** Lets time pass until a condition holds. */
export const eventually = <E, R>(holds: Effect.Effect<boolean, E, R>, step: Duration.Input = "100 millis") =>
  Effect.gen(function* () {
    for (let tries = 0; !(yield* holds); tries++) {
      if (tries === 5_000) throw new Error("the condition never held")
      yield* TestClock.adjust(step)
      yield* Effect.yieldNow
    }
  })

/** Lets time pass until a view has reached a position. */
export const reaches = (view: { readonly name: string }, position: number, step?: Duration.Input) =>
  eventually(
    Effect.map(statusOf(view), (status) => status?.position === position),
    step
  )

/** The store of projections over the connection of one process. Its operations can be made to wait or to fail. */
export const connection = Effect.gen(function* () {
  const plain = yield* ProjectionStore.ProjectionStore
  const hooks = { before: Effect.void as Effect.Effect<void, ReturnType<typeof away>>, commits: 0 }
  const hooked = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.andThen(
      Effect.suspend(() => hooks.before),
      effect
    )
  const store: ProjectionStore.ProjectionStore["Service"] = {
    ...plain,
    claim: (claim) => hooked(plain.claim(claim)),
    load: (generation, keys) => hooked(plain.load(generation, keys)),
    commit: (commit) => hooked(Effect.suspend(() => (hooks.commits++, plain.commit(commit))))
  }
  return { plain, store, hooks }
})

export const away = () =>
  new ViewStoreError({ operation: "commit", reason: new Reason.Unavailable({ detail: "down" }) })
