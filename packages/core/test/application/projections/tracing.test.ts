import { expect, it } from "@effect/vitest"
import { EventStore, Projection, ProjectionMonitor, ProjectionStore, ViewStore } from "@hexfold/core"
import { Effect, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { boxes, breakAll, mend, put } from "../../support/poisoned.ts"
import { Activity, deposited, eventually, reaches, stores } from "../../support/projected.ts"

const collecting = (spans: Array<Tracer.NativeSpan>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })

/** Stores that make a span of each call, like those over a database. */
const traced = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const events = yield* EventStore.EventStore
    const records = yield* ProjectionStore.ProjectionStore
    const views = yield* ViewStore.ViewStore
    return yield* program.pipe(
      Effect.provideService(EventStore.EventStore, {
        ...events,
        readAll: (options) => Stream.withSpan(events.readAll(options), "readAll"),
        horizons: Stream.withSpan(events.horizons, "horizons")
      }),
      Effect.provideService(ProjectionStore.ProjectionStore, {
        ...records,
        claim: (claim) => Effect.withSpan(records.claim(claim), "claim"),
        load: (generation, keys) => Effect.withSpan(records.load(generation, keys), "load"),
        commit: (commit) => Effect.withSpan(records.commit(commit), "commit")
      }),
      Effect.provideService(ViewStore.ViewStore, {
        ...views,
        status: Effect.withSpan(views.status, "status")
      })
    )
  })

const shown = (spans: ReadonlyArray<Tracer.NativeSpan>) =>
  spans.map(({ name, parent }) => {
    const above = parent._tag === "Some" && parent.value._tag === "Span" ? `${parent.value.name} > ` : ""
    return `${above}${name}`
  })

it.effect("a batch that applies events is one root span with its calls inside, and nothing else makes spans", () => {
  const spans: Array<Tracer.NativeSpan> = []
  return Effect.gen(function* () {
    yield* deposited("a", 1)
    yield* deposited("b", 2)
    const running = Effect.all([Projection.run(Activity), ProjectionMonitor.watch([Activity])], {
      concurrency: "unbounded"
    })
    yield* running.pipe(traced, Effect.withSpan("program"), Effect.withTracer(collecting(spans)), Effect.forkChild)
    yield* reaches(Activity, 2)
    yield* TestClock.adjust("1 minute")
    const batch = [
      "Projection.batch",
      "Projection.batch > load",
      "Projection.batch > status",
      "Projection.batch > commit"
    ]
    expect(shown(spans).toSorted()).toEqual(["program", ...batch].toSorted())
    expect(Object.fromEntries(spans.find(({ name }) => name === "Projection.batch")!.attributes)).toEqual({
      "hexfold.view": "Activity",
      "hexfold.version": 1,
      "hexfold.from": 0,
      "hexfold.to": 2,
      "hexfold.events": 2
    })
    yield* deposited("a", 1)
    yield* reaches(Activity, 3)
    expect(spans.filter(({ name }) => name === "Projection.batch")).toHaveLength(2)
  }).pipe(Effect.provide(stores))
})

it.effect("a batch of another view's events makes no span", () => {
  const spans: Array<Tracer.NativeSpan> = []
  return Effect.gen(function* () {
    yield* deposited("a", 1)
    yield* Effect.withTracer(traced(Projection.catchUp(boxes("stop"))), collecting(spans))
    expect(shown(spans)).toEqual([])
  }).pipe(Effect.provide(stores))
})

it.effect("a batch with an event that stops the view is a span that fails", () => {
  const spans: Array<Tracer.NativeSpan> = []
  return Effect.gen(function* () {
    yield* breakAll
    yield* put("a", 7)
    yield* Effect.flip(Effect.withTracer(Projection.catchUp(boxes("stop")), collecting(spans)))
    expect(spans.map(({ name, status }) => [name, status._tag === "Ended" && status.exit._tag])).toEqual([
      ["Projection.batch", "Failure"]
    ])
  }).pipe(Effect.ensuring(mend), Effect.provide(stores))
})

it.effect("a rebuild makes spans only for its batches", () => {
  const spans: Array<Tracer.NativeSpan> = []
  return Effect.gen(function* () {
    yield* deposited("a", 1)
    yield* Projection.catchUp(Activity)
    const rebuilding = Effect.withTracer(traced(Projection.rebuild(Activity)), collecting(spans))
    const build = yield* Effect.forkChild(rebuilding)
    yield* eventually(Effect.sync(() => build.pollUnsafe() !== undefined))
    const roots = shown(spans).filter((name) => !name.includes(">"))
    expect(new Set(roots)).toEqual(new Set(["Projection.batch"]))
  }).pipe(Effect.provide(stores))
})

it.effect("a program that turns tracing off gets no spans of batches", () => {
  const spans: Array<Tracer.NativeSpan> = []
  return Effect.gen(function* () {
    yield* deposited("a", 1)
    const silent = Effect.withTracerEnabled(traced(Projection.catchUp(Activity)), false)
    yield* Effect.withTracer(silent, collecting(spans))
    expect(spans).toEqual([])
  }).pipe(Effect.provide(stores))
})
