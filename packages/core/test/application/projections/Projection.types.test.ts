import { describe, expectTypeOf, it } from "@effect/vitest"
import {
  type EventStore,
  Projection,
  type ProjectionMonitor,
  type ProjectionStore,
  Query,
  Records,
  Subscription,
  type ViewStore
} from "@hexfold/core"
import type { Effect, Layer, Stream } from "effect"
import { Activity } from "../../support/projected.ts"

type Needs<T> =
  T extends Effect.Effect<infer _A, infer _E, infer R>
    ? R
    : T extends Stream.Stream<infer _A, infer _E, infer R>
      ? R
      : T extends Layer.Layer<infer _Out, infer _E, infer R>
        ? R
        : "no effect, stream or layer"

describe("what the read side needs", () => {
  it("reading needs no store that writes", () => {
    const query = Query.from(Activity)
    const readings = [
      Records.get(Activity, "a"),
      Records.query(Activity, query),
      Records.count(Activity, query),
      Projection.waitUntil(Activity, 1)
    ] as const
    expectTypeOf<Needs<(typeof readings)[number]>>().toEqualTypeOf<ViewStore.ViewStore>()
    const live = [Subscription.query(Activity, query), Subscription.count(Activity, query)] as const
    expectTypeOf<Needs<(typeof live)[number]>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
  })

  it("a projection needs both ports to the records, and the events", () => {
    type Stores = EventStore.EventStore | ProjectionStore.ProjectionStore | ViewStore.ViewStore
    expectTypeOf<Projection.Stores>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.layer>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.run>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.catchUp>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.rebuild>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.verify>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.retryParked>>>().toEqualTypeOf<Stores>()
    expectTypeOf<Needs<ReturnType<typeof Projection.drop>>>().toEqualTypeOf<Exclude<Stores, EventStore.EventStore>>()
    expectTypeOf<Needs<ReturnType<typeof Projection.deadLetters>>>().toEqualTypeOf<ProjectionStore.ProjectionStore>()
  })

  it("the status of projections has the counts of dead letters, so it needs the store of projections too", () => {
    expectTypeOf<Needs<ReturnType<typeof ProjectionMonitor.status>>>().toEqualTypeOf<Projection.Stores>()
    expectTypeOf<Needs<ReturnType<typeof ProjectionMonitor.layer>>>().toEqualTypeOf<Projection.Stores>()
  })
})
