import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
// No command can be told to wait and begin in all of these orders.
// oxlint-disable-next-line no-restricted-imports
import * as StreamQueue from "../../../../src/application/commands/engine/contention/streamQueue.ts"

const streams = fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("submit" as const), streams }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), streams }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("release" as const), place: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), place: fc.nat(20) }) }
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

interface Running {
  readonly values: ReadonlyArray<number>
  readonly release: () => void
}

/**
 * Plays steps on a queue and looks after each of them at the promises: what runs at the same time shares no stream, the
 * entries of a stream begin in the order in which they came, and an entry that can begin has begun.
 */
const play = (steps: ReadonlyArray<Step>, endsAtOnce: boolean, maxGroup: number): void => {
  const streamsOf: Array<ReadonlyArray<string>> = []
  const running: Array<Running> = []
  const begun: Array<number> = []
  const waits = new Set<number>()
  const cancels = new Map<number, () => boolean>()
  const heldBy = ({ values }: Running) => values.flatMap((value) => streamsOf[value]!)

  const started = (values: ReadonlyArray<number>, streams: ReadonlyArray<string>): Running => {
    const mine = new Set(values.flatMap((value) => streamsOf[value]!))
    for (const other of running) for (const stream of heldBy(other)) expect(mine.has(stream)).toBe(false)
    begun.push(...values)
    for (const value of values) waits.delete(value)
    const group = {
      values,
      release: () => {
        running.splice(running.indexOf(group), 1)
        queue.release(streams)
      }
    }
    running.push(group)
    return group
  }
  const queue = StreamQueue.make<number>({
    maxGroup,
    begin: (values, streams) => {
      expect(values.length).toBeLessThanOrEqual(maxGroup)
      const group = started(values, streams)
      if (endsAtOnce && values[0]! % 3 === 0) group.release()
    }
  })

  const check = (): void => {
    for (const stream of ["s0", "s1", "s2", "s3", "s4"]) {
      const order = begun.filter((value) => streamsOf[value]!.includes(stream))
      expect(order).toEqual([...order].sort((a, b) => a - b))
      const last = order.at(-1) ?? -1
      for (const value of waits) if (streamsOf[value]!.includes(stream)) expect(value).toBeGreaterThan(last)
    }
    const taken = new Set(running.flatMap(heldBy))
    for (const value of [...waits].sort((a, b) => a - b)) {
      expect(streamsOf[value]!.some((stream) => taken.has(stream))).toBe(true)
      for (const stream of streamsOf[value]!) taken.add(stream)
    }
    expect(queue.waiting()).toBe(waits.size)
    expect(queue.streams()).toBe(taken.size)
  }

  for (const step of steps) {
    switch (step.kind) {
      case "submit": {
        const value = streamsOf.push(step.streams.map((i) => `s${i}`)) - 1
        waits.add(value)
        cancels.set(value, queue.submit(streamsOf[value]!, value))
        break
      }
      case "take": {
        const wanted = step.streams.map((i) => `s${i}`)
        const isFree = ![...running.flatMap(heldBy), ...[...waits].flatMap((value) => streamsOf[value]!)].some(
          (stream) => wanted.includes(stream)
        )
        expect(queue.take(wanted)).toBe(isFree)
        if (isFree) started([streamsOf.push(wanted) - 1], wanted)
        break
      }
      case "release": {
        if (running.length > 0) running[step.place % running.length]!.release()
        break
      }
      case "cancel": {
        const value = step.place % Math.max(1, streamsOf.length)
        const waited = waits.delete(value)
        expect(cancels.get(value)?.() ?? false).toBe(waited)
        break
      }
    }
    check()
  }
  while (running.length > 0) {
    running[0]!.release()
    check()
  }
  expect([queue.waiting(), queue.streams()]).toEqual([0, 0])
}

describe("the queue of commands that wait for streams", () => {
  it("lets none begin beside another one of its streams, keeps their order, and leaves none waiting", () =>
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        (steps, endsAtOnce, maxGroup) => play(steps, endsAtOnce, maxGroup)
      ),
      { numRuns: 1_000 }
    ))

  it("begins all that wait for a stream together, up to the size of a group", () => {
    const groups: Array<ReadonlyArray<number>> = []
    const queue = StreamQueue.make<number>({ maxGroup: 4, begin: (values) => groups.push(values) })
    queue.take(["a", "b"])
    for (let i = 0; i < 6; i++) queue.submit([i % 2 === 0 ? "a" : "b"], i)
    queue.submit(["a", "b"], 6)
    queue.release(["a", "b"])
    expect(groups.map((group) => [...group].sort((a, b) => a - b))).toEqual([
      [1, 3, 5],
      [0, 2, 4]
    ])
    queue.release(["a"])
    queue.release(["b"])
    expect(groups[2]).toEqual([6])
  })

  it("takes a stream that a command names twice", () => {
    const queue = StreamQueue.make<number>({ maxGroup: 4, begin: () => {} })
    expect(queue.take(["a", "a"])).toBe(true)
    queue.release(["a", "a"])
    expect(queue.streams()).toBe(0)
  })
})
