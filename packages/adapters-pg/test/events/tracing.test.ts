import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Deferred, Effect, Fiber, Option, Schedule, Stream, Tracer } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const account = StreamId.make("Account", "1")

const collecting = (spans: Array<Tracer.NativeSpan>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })

const rootOf = (span: Tracer.AnySpan): Tracer.AnySpan =>
  span._tag === "Span" && Option.isSome(span.parent) ? rootOf(span.parent.value) : span

describe("tracing", () => {
  it.live("background work makes no span: wake-ups, polls, notifications and sweeps", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store: other } = yield* openStore({ schema, pollInterval: "1 hour" })
      const spans: Array<Tracer.NativeSpan> = []
      const { store } = yield* Effect.withTracer(
        openStore({ schema, pollInterval: "5 millis", commandRetention: "1 hour", sweepInterval: "5 millis" }),
        collecting(spans)
      )
      spans.length = 0
      const follow = ({ horizons }: typeof store, started: Deferred.Deferred<void>) =>
        horizons.pipe(
          Stream.tap(() => Deferred.succeed(started, undefined)),
          Stream.filter(({ position }) => position >= 2),
          Stream.runHead,
          Effect.forkChild({ startImmediately: true })
        )
      const started = [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
      const own = yield* Effect.withTracer(follow(store, started[0]), collecting(spans))
      const woken = yield* follow(other, started[1])
      yield* Effect.forEach(started, Deferred.await)
      const writes = [{ streamId: account, events: [event(), event()] }]
      yield* appendOne(store, { writes, conditions: [], command: { id: "old", fingerprint: "f" } }).pipe(
        Effect.withSpan("caller"),
        Effect.withTracer(collecting(spans))
      )
      yield* Fiber.join(own)
      yield* Fiber.join(woken)
      yield* sql.unsafe(`update ${schema}.commands set recorded_at = now() - interval '2 hours'`)
      yield* Effect.repeat(sql.unsafe(`select from ${schema}.commands`), {
        until: (rows) => rows.length === 0,
        schedule: Schedule.spaced("5 millis")
      })
      assert.deepStrictEqual(
        [...new Set(spans.map((span) => rootOf(span)).map((root) => "name" in root && root.name))],
        ["caller"]
      )
      assert.isAbove(spans.length, 1)
    })
  )

  it.live("the statement of a caller that has turned tracing off makes no span, also inside of a span", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const spans: Array<Tracer.NativeSpan> = []
      const { store } = yield* Effect.withTracer(openStore({ schema }), collecting(spans))
      spans.length = 0
      yield* append(store, account, 1).pipe(
        Effect.withTracerEnabled(false),
        Effect.withSpan("caller"),
        Effect.withTracer(collecting(spans))
      )
      assert.deepStrictEqual(
        spans.map(({ name }) => name),
        ["caller"]
      )
    })
  )

  it.live("the statement of a shared call belongs to a caller that is traced", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const spans: Array<Tracer.NativeSpan> = []
      const { store } = yield* Effect.withTracer(openStore({ schema, maxInFlight: 1 }), collecting(spans))
      spans.length = 0
      const traced = (name: string) => append(store, StreamId.make("Account", name), 1).pipe(Effect.withSpan(name))
      yield* Effect.all([append(store, account, 1), traced("a"), traced("b")], { concurrency: "unbounded" }).pipe(
        Effect.withTracer(collecting(spans))
      )
      const statements = spans.filter(({ name }) => name !== "a" && name !== "b")
      assert.isAbove(statements.length, 0)
      for (const statement of statements) {
        assert.deepInclude(["a", "b"], (rootOf(statement) as Tracer.NativeSpan).name)
      }
    })
  )
})
