/** Subscriptions of one process in company: very many of them, late ones, slow ones, and such that end or fail in the middle. */
import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { EventStore, StreamId, Subscription } from "@hexfold/core"
import { Data, Effect, Exit, Fiber, Stream } from "effect"
import { appendOne } from "../../support/appendOne.ts"

const append = (aggregate: string, count: number) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const events = Array.from({ length: count }, () => {
      const id = crypto.randomUUID()
      return { id, type: "Happened", data: {}, metadata: { correlationId: id, causationId: id } }
    })
    const streamId = StreamId.make(aggregate, crypto.randomUUID())
    const appended = yield* appendOne(store, { writes: [{ streamId, events }], conditions: [] })
    return appended.events.map(({ position }) => position)
  })

/** The event store, which notes after which position each read begins. */
const noting = Effect.gen(function* () {
  const plain = yield* EventStore.EventStore
  const reads: Array<number> = []
  const readAll: typeof plain.readAll = (options = {}) =>
    Stream.suspend(() => {
      reads.push(options.after as number)
      return plain.readAll(options)
    })
  return { reads, on: Effect.provideService(EventStore.EventStore, { ...plain, readAll }) }
})

const following = <E = never>(
  options: Subscription.SubscriptionOptions,
  consume: (position: number) => Effect.Effect<unknown, E> = () => Effect.void
) =>
  Effect.gen(function* () {
    const got: Array<number> = []
    const kept = { resume: undefined as EventStore.Position | undefined }
    const fiber = yield* Subscription.recordedSteps(options).pipe(
      Stream.runForEach(({ event, resume }) => {
        const consuming = event === undefined ? Effect.void : consume(event.position)
        return Effect.map(consuming, () => {
          if (event !== undefined) got.push(event.position)
          kept.resume = resume
        })
      }),
      Effect.forkScoped({ startImmediately: true })
    )
    return { got, kept, fiber }
  })

const settled = Effect.repeat(Effect.yieldNow, { times: 300 })

const until = (holds: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; !holds(); tries++) {
      if (tries === 20_000) throw new Error("the condition never held")
      yield* Effect.yieldNow
    }
  })

class Refused extends Data.TaggedError("Refused")<{ readonly position: number }> {}

describe("subscriptions of one process", () => {
  it.effect("1,000 of them get each event without a read of their own, beside a slow one", () =>
    Effect.gen(function* () {
      const { on, reads } = yield* noting
      const turns = Effect.repeat(Effect.yieldNow, { times: 40 })
      const slow = yield* on(following({ aggregates: ["A"] }, () => turns))
      const many = yield* Effect.all(Array.from({ length: 1_000 }, () => on(following({ aggregates: ["A"] }))))
      yield* settled
      const before = reads.length
      const own: Array<number> = []
      for (let i = 0; i < 5; i++) {
        own.push(...(yield* append("A", 2)))
        yield* append("B", 1)
        yield* until(() => many.every(({ got }) => got.length === own.length))
      }
      expect(reads.length - before).toBeLessThanOrEqual(10)
      expect(many.every(({ got }) => String(got) === String(own))).toBe(true)
      yield* until(() => slow.got.length === own.length)
      expect(slow.got).toEqual(own)
      expect(reads.length - before).toBeLessThanOrEqual(10)
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("begin below what the process keeps for all, and then read with the others", () =>
    Effect.gen(function* () {
      const { on, reads } = yield* noting
      const early = yield* on(following({ aggregates: ["A"] }))
      yield* settled
      const own: Array<number> = []
      for (let i = 0; i < 6; i++) {
        own.push(...(yield* append("A", 1_000)))
        yield* until(() => early.got.length === own.length)
      }
      const begins = [0, 1, 2_500, 5_999, 6_000]
      const late = yield* Effect.forEach(begins, (after) => on(following({ aggregates: ["A"], after })))
      yield* until(() => late.every(({ got }, i) => got.length === own.length - begins[i]!))
      yield* settled
      const before = reads.length
      own.push(...(yield* append("A", 1)))
      yield* until(() => [early, ...late].every(({ got }) => got.at(-1) === own.at(-1)))
      for (const [i, { got }] of late.entries()) expect(got).toEqual(own.slice(begins[i]!))
      expect(reads.length - before).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("end or fail in the middle, and leave nothing to do; the others go on", () =>
    Effect.gen(function* () {
      const { on, reads } = yield* noting
      const whole = yield* on(following({ aggregates: ["A"] }))
      const taking = yield* Subscription.recorded({ aggregates: ["A", "C"] }).pipe(
        Stream.take(3),
        Stream.runCollect,
        on,
        Effect.forkScoped({ startImmediately: true })
      )
      const bounded = yield* on(following({ aggregates: ["A"], upTo: 6 }))
      const failing = yield* on(
        following({ aggregates: ["A"] }, (position) =>
          position === 4 ? Effect.fail(new Refused({ position })) : Effect.void
        )
      )
      const dying = yield* on(
        following({ types: ["Happened"] }, (position) => (position === 2 ? Effect.die("a defect") : Effect.void))
      )
      yield* settled
      const own: Array<number> = []
      for (let i = 0; i < 4; i++) {
        own.push(...(yield* append("A", 2)))
        yield* until(() => whole.got.length === own.length)
      }
      expect((yield* Fiber.join(taking)).map(({ position }) => position)).toEqual([1, 2, 3])
      yield* Fiber.join(bounded.fiber)
      expect(bounded.got).toEqual([1, 2, 3, 4, 5, 6])
      expect(yield* Effect.flip(Fiber.join(failing.fiber))).toEqual(new Refused({ position: 4 }))
      expect(Exit.isFailure(yield* Fiber.await(dying.fiber))).toBe(true)
      expect([failing.got, dying.got]).toEqual([[1, 2, 3], [1]])
      // It goes on where its own work has ended, beside the others.
      const again = yield* on(following({ aggregates: ["A"], after: failing.kept.resume! }))
      yield* until(() => again.got.length === 5)
      yield* settled
      own.push(...(yield* append("A", 1)))
      yield* until(() => again.got.length === 6 && whole.got.length === 9)
      expect([again.got, whole.got]).toEqual([own.slice(3), own])
      // Nobody follows the others' filters any more: nothing is read for them.
      const before = reads.length
      yield* append("C", 1)
      yield* append("D", 1)
      yield* settled
      for (const { fiber } of [whole, again]) yield* Fiber.interrupt(fiber)
      const after = reads.length
      yield* append("A", 1)
      yield* settled
      expect([after - before <= 2, reads.length - after]).toEqual([true, 0])
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )
})
