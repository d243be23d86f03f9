import { assert } from "@effect/vitest"
import { Aggregate, Decision, EventStore, Projection, Query, Records, StreamId, View, ViewStore } from "@hexfold/core"
import { EventCodec, type Expectation } from "@hexfold/core/adapter"
import { Context, Effect, Option, Result, Schema, type Scope, Stream } from "effect"

/** Both stores as one process has them, over data that it may share. */
export interface Instance {
  readonly events: EventStore.EventStore["Service"]
  readonly records: ViewStore.ViewStore["Service"]
  /**
   * Runs an effect in a transaction of the stores' database, which appends of
   * this instance join; rolls back if the effect fails. Undefined for stores
   * that have no such transactions.
   */
  readonly transaction: (<A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>) | undefined
}

/** Opens an instance that knows the definitions of views. */
export type Open = (views: ReadonlyArray<View.Any>) => Effect.Effect<Instance, unknown, Scope.Scope>

/** What an adapter supplies to be held to the contract. */
export class Backend extends Context.Service<
  Backend,
  {
    /** Makes data of its own for a case. */
    readonly data: Effect.Effect<Open, unknown, Scope.Scope>
  }
>()("@hexfold/testing/InlineContract/Backend") {}

/** A promise of the port and the program that tests it. */
export type Cases = Readonly<Record<string, Effect.Effect<void, unknown, Backend | Scope.Scope>>>

/** Opens the data of a case. */
export const data: Effect.Effect<Open, unknown, Backend | Scope.Scope> = Effect.flatMap(Backend, ({ data }) => data)

const Noted = Schema.TaggedStruct("Noted", { n: Schema.Int })
const Struck = Schema.TaggedStruct("Struck", { n: Schema.Int })

const Note = Aggregate.make("Note", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Schema.TaggedStruct("Take", {})],
  events: [Noted, Struck],
  errors: [],
  decide: { Take: () => Decision.accept(Noted.make({ n: 1 })) },
  evolve: { Noted: (count) => count + 1, Struck: (count) => count }
})

const Seen = Schema.Struct({ positions: Schema.Array(Schema.Int), sum: Schema.Int })

/** An event that the view `All` cannot apply. */
export const poison = -1

// Shows which events were applied, in order.
const seen = (state: typeof Seen.Type | undefined, n: number, position: number) => ({
  positions: [...(state?.positions ?? []), position],
  sum: (state?.sum ?? 0) + n
})

// Some delete the record.
const seenOrGone = (state: typeof Seen.Type | undefined, n: number, position: number) =>
  n % 11 === 10 ? undefined : seen(state, n, position)

/** Views of one stream for each record, of one record for all, and of one record for each event. */
export const viewsOf = (consistency: View.Consistency, version = 1) => {
  const common = { from: [Note], consistency, version }
  return {
    Each: View.make("Each", {
      ...common,
      state: Seen,
      evolve: { Noted: (state, { n }, { position }) => seenOrGone(state, n, position) }
    }),
    All: View.make("All", {
      ...common,
      state: Seen,
      key: () => "all",
      evolve: {
        Noted: (state, { n }, { position }) => {
          if (n === poison) throw new Error("poison")
          return seen(state, n, position)
        }
      }
    }),
    History: View.make("History", {
      ...common,
      state: Seen,
      key: View.perEvent,
      evolve: { Noted: (state, { n }, { position }) => seenOrGone(state, n, position) }
    })
  }
}

export const inline = viewsOf("inline")

const struck = (onPoison: View.OnPoison, version = 1) =>
  View.make("All", {
    from: [Note],
    version,
    consistency: "inline",
    onPoison,
    state: Seen,
    key: () => "all",
    evolve: {
      Noted: (state, { n }, { position }) => {
        if (n === poison && onPoison === "park") throw new Error("poison")
        return seen(state, n, position)
      },
      Struck: (state, { n }, { position }) => seen(state, n, position)
    }
  })

/** `All` as a process defines it that follows one more type of event, and has forgotten to give it a new version. */
export const AllStruck = struck("stop")

/** Its next version. */
export const NextStruck = struck("stop", 2)

/** As `AllStruck`, but it parks what it cannot apply: the others can apply all. */
export const AllParking = struck("park")

export const async = viewsOf("async")

/** One of them, whichever. */
export type Known = View.View<
  string,
  typeof Seen.Type,
  typeof Noted.Type | typeof Struck.Type,
  View.Envelope<"Note", string>
>

export const all = (views: typeof inline): ReadonlyArray<Known> => [views.Each, views.All, views.History]

/** Runs an effect with the stores of an instance. */
export const on = <A, E>(
  { events, records }: Instance,
  effect: Effect.Effect<A, E, EventStore.EventStore | ViewStore.ViewStore>
): Effect.Effect<A, E> =>
  effect.pipe(Effect.provideService(EventStore.EventStore, events), Effect.provideService(ViewStore.ViewStore, records))

/** Catches up with views, and leaves those that are inline to appends. */
export const catchUp = (instance: Instance, views: ReadonlyArray<View.Any>) =>
  Effect.forEach(views, (view) => on(instance, Projection.catchUp(view, { pause: "10 millis" })), {
    concurrency: "unbounded"
  })

/** An append of events with numbers to notes by name. */
export const notes = (
  ns: Readonly<Record<string, ReadonlyArray<number>>>,
  expected?: Expectation.Expectation,
  command?: EventStore.CommandKey,
  type: "Noted" | "Struck" = "Noted"
): EventStore.Append => ({
  writes: Object.entries(ns).map(([name, numbers]) => ({
    streamId: streamOf(name),
    events: numbers.map((n) => {
      const id = crypto.randomUUID()
      return { id, type, data: { n }, metadata: { correlationId: id, causationId: id } }
    })
  })),
  conditions:
    expected === undefined
      ? []
      : Object.keys(ns).map((name) => ({ _tag: "Stream", streamId: streamOf(name), expected })),
  ...(command === undefined ? {} : { command })
})

const streamOf = (name: string): StreamId.StreamId => StreamId.make("Note", name)

/** The records of a view. */
export const recordsOf = (instance: Instance, view: Known) =>
  Effect.map(on(instance, Records.query(view, Query.from(view))), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** The records are the fold over the log, or the part of it up to a position: none missing, none twice, in order. */
export const assertLaw = (instance: Instance, view: Known, upTo = Infinity) =>
  Effect.gen(function* () {
    const log = yield* Stream.runCollect(instance.events.readAll())
    const given = log
      .filter(({ position }) => position <= upTo)
      .map((recorded) => {
        const { id: eventId, ...envelope } = recorded
        const id = Option.getOrThrow(Note.idOf(recorded.streamId))
        const event = Result.getOrThrow(EventCodec.of(Note).decode(recorded))
        return { ...envelope, eventId, aggregate: Note.name, id, event }
      })
    assert.deepStrictEqual(yield* recordsOf(instance, view), Object.fromEntries(View.fold(view, given)))
  })

/** Whether appends maintain a view's version. */
export const isInline = ({ records }: Instance, { name, version }: View.Any) =>
  Effect.map(records.status, (statuses) =>
    statuses.some((each) => each.view === name && each.version === version && each.inline)
  )
