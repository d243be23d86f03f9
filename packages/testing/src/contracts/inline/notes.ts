import { assert } from "@effect/vitest"
import {
  Aggregate,
  Decision,
  EventStore,
  Projection,
  ProjectionStore,
  Query,
  Records,
  StreamId,
  View,
  ViewStore
} from "@hexfold/core"
import { EventCodec, type Expectation } from "@hexfold/core/adapter"
import { Effect, Option, Result, Schema, Stream } from "effect"
import { type Node, openWith as openNodeWith } from "../nodes.ts"
import type { OneAppend } from "../eventStore/appendOne.ts"

/** Opens a node that knows the definitions of views. */
export const openWith = (views: ReadonlyArray<View.Any>) => openNodeWith({ views })

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

// Some events delete the record.
const seenOrGone = (state: typeof Seen.Type | undefined, n: number, position: number) =>
  n % 11 === 10 ? undefined : seen(state, n, position)

/** Three views: one record for each stream, one record for all streams, one record for each event. */
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

/** `All` as another process defines it: it handles one more type of event under the same version, by mistake. */
export const AllStruck = struck("stop")

/** `All` as a process defines it that is stricter about the state, under the same version and of the same events. */
export const AllOther = View.make("All", {
  from: [Note],
  consistency: "inline",
  state: Schema.Struct({ ...Seen.fields, sum: Schema.Int.check(Schema.isGreaterThan(-1_000)) }),
  key: () => "all",
  evolve: { Noted: (state, { n }, { position }) => seen(state, n, position) }
})

/** The next version of `AllStruck`. */
export const NextStruck = struck("stop", 2)

/** Like `AllStruck`, but it parks the events that it cannot apply; `AllStruck` can apply them all. */
export const AllParking = struck("park")

export const async = viewsOf("async")

/** Any of these views. */
export type Known = View.View<
  string,
  typeof Seen.Type,
  typeof Noted.Type | typeof Struck.Type,
  View.Envelope<"Note", string>
>

export const all = (views: typeof inline): ReadonlyArray<Known> => [views.Each, views.All, views.History]

/** Runs an effect with the stores of a node. */
export const on = <A, E>(
  { eventStore, projectionStore, viewStore }: Node,
  effect: Effect.Effect<A, E, Projection.Stores>
): Effect.Effect<A, E> =>
  effect.pipe(
    Effect.provideService(EventStore.EventStore, eventStore),
    Effect.provideService(ViewStore.ViewStore, viewStore),
    Effect.provideService(ProjectionStore.ProjectionStore, projectionStore)
  )

/** Catches up with views. Those that are inline are maintained by appends from then on. */
export const catchUp = (node: Node, views: ReadonlyArray<View.Any>) =>
  Effect.forEach(views, (view) => on(node, Projection.catchUp(view, { pause: "10 millis" })), {
    concurrency: "unbounded"
  })

/** An append of events with numbers to notes by name. */
export const notes = (
  ns: Readonly<Record<string, ReadonlyArray<number>>>,
  expected?: Expectation.Expectation,
  command?: EventStore.CommandKey,
  type: "Noted" | "Struck" = "Noted"
): OneAppend => ({
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
export const recordsOf = (node: Node, view: Known) =>
  Effect.map(on(node, Records.query(view, Query.from(view))), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

/** The records are the fold over the log, or over its part up to a position: no event is missing, doubled or out of order. */
export const assertLaw = (node: Node, view: Known, upTo = Infinity) =>
  Effect.gen(function* () {
    const log = yield* Stream.runCollect(node.eventStore.readAll())
    const given = log
      .filter(({ position }) => position <= upTo)
      .flatMap((recorded) => {
        const { id: eventId, ...envelope } = recorded
        const id = Option.getOrThrow(Note.idOf(recorded.streamId))
        const events = Result.getOrThrow(EventCodec.of(Note).decode(recorded))
        return events.map((event, part) => ({ ...envelope, eventId, aggregate: Note.name, id, event, part }))
      })
    assert.deepStrictEqual(yield* recordsOf(node, view), Object.fromEntries(View.fold(view, given)))
  })

/** Whether appends maintain a view's version. */
export const isInline = ({ viewStore }: Node, { name, version }: View.Any) =>
  Effect.map(viewStore.status, (statuses) =>
    statuses.some((each) => each.view === name && each.version === version && each.inline)
  )
