import { describe, expect, it } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Effect, Layer, type Schema, Stream } from "effect"
import fc from "fast-check"
import { stores } from "../../support/projected.ts"
import { type Kept, leave, ring, ringBroken, ringing, ringingByStream } from "../../support/reacting.ts"

const keys = ["a", "b", "c", "d", "e", "f"] as const

/** The part of a key, as stores divide keys: FNV-1a. */
const partOf = (key: string, of: number): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ (key.charCodeAt(i) & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (key.charCodeAt(i) >> 8), 0x01000193)
  }
  return (hash >>> 0) % of
}

const kept = fc.record<Omit<Kept, "of">>({
  history: fc.constant(1),
  done: fc.uniqueArray(fc.integer({ min: 1, max: 12 })).map((done) => done.sort((a, b) => a - b))
})
const records = fc.uniqueArray(fc.tuple(fc.constantFrom(0, 1, 2), kept), {
  maxLength: 3,
  selector: ([index]) => index
})
// The numbers of parts then and now.
const parts = fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(1, 2, 3))
const events = fc.array(fc.uniqueArray(fc.constantFrom(...keys), { minLength: 1, maxLength: 3 }), {
  minLength: 12,
  maxLength: 12
})

/** Gives the handlings of an owner that finds records of former ones, such as `3 a`. */
const handledAfter = (
  events: ReadonlyArray<ReadonlyArray<string>>,
  records: ReadonlyMap<number, Schema.Json>,
  options: Reactor.Options = {}
) =>
  Effect.gen(function* () {
    for (const [i, keys] of events.entries()) yield* ring(i + 1, keys)
    const handled: Array<string> = []
    const reactor = ringing((n, key) => Effect.sync(() => handled.push(`${n} ${key}`)))
    yield* leave(records, reactor)
    yield* Reactor.catchUp(reactor, options)
    const again = handled.length
    yield* Reactor.catchUp(reactor, options)
    expect(handled).toHaveLength(again)
    return handled.sort()
  }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)

const all = (events: ReadonlyArray<ReadonlyArray<string>>, isLeft: (n: number, key: string) => boolean = () => true) =>
  events.flatMap((keys, i) => keys.flatMap((key) => (isLeft(i + 1, key) ? [`${i + 1} ${key}`] : []))).sort()

const one = [["a"], ["a"], ["b"]] as const
const whole = { of: 1, history: 1, done: [1, 3] }

describe("an owner that finds what former ones have done after the position", () => {
  it("handles exactly the rest, whatever the numbers of parts then and now", () =>
    fc.assert(
      fc.asyncProperty(events, records, parts, fc.constantFrom(1, 4, 100), async (...given) => {
        const [events, records, [of, parts], window] = given
        const isDone = (n: number, key: string) =>
          records.some(([i, { done }]) => partOf(key, of) === i && done.includes(n))
        const left = all(events, (n, key) => !isDone(n, key))
        const written = new Map(records.map(([i, { done, ...kept }]) => [i, { ...kept, of, done: [...done] }]))
        expect(await handledAfter(events, written, { parts, window })).toEqual(left)
      }),
      { plugins: [fc.interruptAfterTimeLimit(4_000)] }
    ))

  it("handles only what was open then", async () => {
    expect(await handledAfter(one, new Map([[0, whole]]))).toEqual(["2 a"])
  })

  it("handles everything after a record that it cannot read", async () => {
    const broken = [null, "done", {}, { ...whole, of: 1.5 }, { ...whole, done: "3" }, { ...whole, done: ["2"] }, []]
    for (const record of broken) expect(await handledAfter(one, new Map([[0, record]]))).toEqual(all(one))
  })

  it("handles everything after a record of events that the log does not have", async () => {
    expect(await handledAfter(one, new Map([[0, { ...whole, history: 2 }]]))).toEqual(all(one))
    expect(await handledAfter(one, new Map([[0, { ...whole, done: [1, 3, 4] }]]))).toEqual(all(one))
  })

  it("does not look again at an event that does not decode and is parked", async () => {
    // Of two parts, the first one has the stream, and the other one has what has no key.
    const id = ["a", "b", "c", "d"].find((id) => partOf(`Bell-${id}`, 2) === 0)!
    expect(partOf("", 2)).toBe(1)
    const program = Effect.gen(function* () {
      yield* ringBroken(id)
      yield* leave(new Map([[0, { of: 2, history: 1, done: [1] }]]), ringingByStream)
      yield* Reactor.catchUp(ringingByStream, { parts: 2 })
      return yield* Stream.runCollect(Reactor.deadLetters(ringingByStream))
    })
    expect(await program.pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)).toEqual([])
  })

  it("reads the others if it cannot read one", async () => {
    const records = new Map<number, Schema.Json>([
      [0, whole],
      [1, "broken"]
    ])
    expect(await handledAfter(one, records)).toEqual(["2 a"])
  })
})
