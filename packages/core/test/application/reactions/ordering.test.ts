import { describe, expect, it } from "@effect/vitest"
import { ProjectionStore, Reactor } from "@hexfold/core"
import { Effect, Fiber, Layer } from "effect"
import fc from "fast-check"
import { stores } from "../../support/projected.ts"
import { comes, gates, ring, ringing, watched } from "../../support/reacting.ts"

const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 3 })
const events = fc.array(keys, { minLength: 1, maxLength: 12 })
// Which of the handlings that wait ends next.
const choices = fc.array(fc.nat(), { minLength: 40, maxLength: 40 })

/** The simplest owner: an event runs when no earlier event with one of its keys is left. It handles its keys in order. */
const model = (events: ReadonlyArray<ReadonlyArray<string>>) => {
  let left = events.map((keys, i) => ({ n: i + 1, keys, handled: 0 }))
  return {
    running: () =>
      left
        .filter(({ keys, n }) => !left.some((other) => other.n < n && other.keys.some((key) => keys.includes(key))))
        .map(({ handled, keys, n }) => `${n} ${keys[handled]}`),
    end: (handling: string) => {
      const event = left.find(({ n }) => n === Number.parseInt(handling, 10))!
      event.handled++
      left = left.filter(({ handled, keys }) => handled < keys.length)
    },
    isDone: (n: number) => !left.some((each) => each.n === n)
  }
}

// A counterexample is made smaller for so long, in milliseconds.
const check = (property: fc.IAsyncProperty<unknown>) =>
  fc.assert(property, { plugins: [fc.interruptAfterTimeLimit(4_000)] })

const sorted = (all: Iterable<string>) => [...all].sort().join(", ")

/** Lets the handlings of events end one after the other, and looks at what runs and at what is written in between. */
const followed = (
  events: ReadonlyArray<ReadonlyArray<string>>,
  choices: ReadonlyArray<number>,
  look: (isDone: (n: number) => boolean, written: ReturnType<Effect.Success<typeof watched>["written"]>) => boolean
) =>
  Effect.gen(function* () {
    for (const [i, keys] of events.entries()) yield* ring(i + 1, keys)
    const { store, written } = yield* watched
    const { handle, open, running } = gates()
    const reacting = yield* Reactor.catchUp(ringing(handle), { concurrency: 100, stopWithin: "0 millis" }).pipe(
      Effect.provideService(ProjectionStore.ProjectionStore, store),
      Effect.forkChild
    )
    const expected = model(events)
    for (const choice of choices) {
      const next = expected.running()
      yield* comes(
        () => `${sorted(next)} run, and not ${sorted(running.keys())}`,
        () => sorted(running.keys()) === sorted(next)
      )
      yield* comes(
        () => `${JSON.stringify(written())} is what is done`,
        () => look(expected.isDone, written())
      )
      if (next.length === 0) break
      const chosen = next[choice % next.length]!
      yield* open(chosen)
      expected.end(chosen)
    }
    yield* Fiber.join(reacting)
  }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)

describe("the order of events", () => {
  it("is that of the log for each key, one at a time, and no event waits for one without a key of its own", () =>
    check(fc.asyncProperty(events, choices, (events, choices) => followed(events, choices, () => true))))

  it("comes to an end, however few run and are read at once", () =>
    check(
      fc.asyncProperty(events, fc.constantFrom(1, 2, 3), fc.constantFrom(1, 2, 5), (events, concurrency, window) =>
        Effect.gen(function* () {
          for (const [i, keys] of events.entries()) yield* ring(i + 1, keys)
          const handled: Array<string> = []
          const handle = (n: number, key: string) => Effect.sync(() => handled.push(`${key} ${n}`))
          const reactor = ringing((n, key) => Effect.andThen(Effect.yieldNow, handle(n, key)))
          yield* Reactor.catchUp(reactor, { concurrency, window })
          const all = events.flatMap((keys, i) => keys.map((key) => `${key} ${i + 1}`))
          const of = (key: string, handlings: ReadonlyArray<string>) => handlings.filter((each) => each.startsWith(key))
          for (const key of ["a", "b", "c", "d"]) expect(of(key, handled)).toEqual(of(key, all))
        }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)
      )
    ))
})

describe("what is written of the progress", () => {
  it("says of each event whether it is done, in whatever order they end", () =>
    check(
      fc.asyncProperty(events, choices, (events, choices) =>
        followed(events, choices, (isDone, { done, to }) =>
          events.every((_, i) => isDone(i + 1) === (i + 1 <= to || done.includes(i + 1)))
        )
      )
    ))
})
