import { assert } from "@effect/vitest"
import { Aggregate, Decision, EventStore, Projection, ProjectionStore, StreamId, View, ViewStore } from "@hexfold/core"
import { Effect, Schedule, Schema, Stream } from "effect"
import { newSchema, type OpenedStores, openStores } from "./database.ts"
import { event } from "./events.ts"
import { appendOne } from "./appendOne.ts"

const Happened = Schema.TaggedStruct("Happened", { n: Schema.Int })

const Thing = Aggregate.make("Thing", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Schema.TaggedStruct("Do", {})],
  events: [Happened],
  errors: [],
  decide: { Do: () => Decision.accept(Happened.make({ n: 1 })) },
  evolve: { Happened: (count) => count + 1 }
})

const definition = <Name extends string>(name: Name) =>
  View.make(name, {
    from: [Thing],
    consistency: "inline",
    state: Schema.Array(Schema.Int),
    key: () => "all",
    evolve: {
      Happened: (positions: ReadonlyArray<number> = [], { n }, { position }) => {
        if (n === 13) throw new Error("13")
        return [...positions, position]
      }
    }
  })

/** The positions that were applied. An event with the number 13 cannot be applied. */
export const Positions = definition("Positions")

/** Another view with the same definition. */
export const Again = definition("Again")

export const opened = (count: number, views: ReadonlyArray<View.Any> = [Positions]) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const instances = yield* Effect.forEach(Array.from({ length: count }), () => openStores({ schema, views }))
    yield* catchUp(instances[0]!)
    return { schema, instances }
  })

export const on = <A, E>(
  { events, projections, records }: OpenedStores,
  effect: Effect.Effect<A, E, Projection.Stores>
) =>
  effect.pipe(
    Effect.provideService(EventStore.EventStore, events),
    Effect.provideService(ViewStore.ViewStore, records),
    Effect.provideService(ProjectionStore.ProjectionStore, projections)
  )

export const catchUp = (instance: OpenedStores, view: View.Any = Positions) =>
  on(instance, Projection.catchUp(view, { pause: "10 millis" }))

export const isInline = ({ records }: OpenedStores) =>
  Effect.map(records.status, (all) => all.some((each) => each.inline))

export const eventually = <E>(holds: Effect.Effect<boolean, E>) =>
  Effect.repeat(holds, { until: (done) => done, schedule: Schedule.spaced("10 millis") })

export const appendTo = (instance: OpenedStores, name: string, n = 1) =>
  appendOne(instance.events, {
    writes: [{ streamId: StreamId.make("Thing", name), events: [{ ...event(), data: { n } }] }],
    conditions: []
  })

export const assertLaw = (instance: OpenedStores, view: typeof Positions | typeof Again = Positions) =>
  Effect.gen(function* () {
    const log = yield* Stream.runCollect(instance.events.readAll())
    const { rows } = yield* instance.records.query({ _tag: "Records", view: view.name, orderBy: [] }, view.version)
    assert.deepStrictEqual(
      rows[0]?.state ?? [],
      log.map(({ position }) => position)
    )
  })
