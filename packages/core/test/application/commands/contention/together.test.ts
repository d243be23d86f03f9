import { describe, expect, it } from "@effect/vitest"
import {
  Aggregate,
  Boundary,
  ConcurrencyConflict,
  Decision,
  EventStore,
  EventStoreError,
  Executor,
  InvalidDecision,
  Metadata,
  Reason,
  StateCache,
  StreamLocks,
  VersionConflict
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Cause, Deferred, Effect, Exit, Fiber, Metric, Result, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { unavailable, watched, type Watched } from "../../../support/watched.ts"

const Add = Schema.TaggedStruct("Add", { by: Schema.Int, note: Schema.String })
const Added = Schema.TaggedStruct("Added", { by: Schema.Int.check(Schema.isLessThan(100)), note: Schema.String })
class TooLittle extends Schema.TaggedError<TooLittle>()("TooLittle", { total: Schema.Int }) {}
const bug = new Error("a mistake in decide")
let decided: Array<number> = []

const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  errors: [TooLittle],
  decide: {
    Add: ({ by, note }, total) => {
      decided.push(by)
      if (by === 13) throw bug
      if (by === 0) return Decision.nothing
      return total + by < 0 ? Decision.reject(new TooLittle({ total })) : Decision.accept({ _tag: "Added", by, note })
    }
  },
  evolve: { Added: (total, { by }) => total + by }
})
const stream = Counter.streamId("c")
type Options = Executor.AggregateOptions<number, TooLittle, number>
const add = (by: number, options?: Options, id = "c", note = "") =>
  Executor.execute(Counter, id, { _tag: "Add", by, note }, options)

/** Runs `first`, and the others while its append is under way; what waits then begins together. */
const behindFirst = <A, E>(
  { beforeAppends, run }: Watched,
  others: ReadonlyArray<Effect.Effect<A, E, EventStore.EventStore>>,
  meanwhile: (fibers: ReadonlyArray<Fiber.Fiber<A, E>>) => Effect.Effect<void> = () => Effect.void
) =>
  Effect.gen(function* () {
    const [reached, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    beforeAppends.unshift(Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(gate)))
    const first = yield* Effect.forkChild(run(add(1)))
    yield* Deferred.await(reached)
    const fibers = yield* Effect.forEach(others, (other) => Effect.forkChild(run(other), { startImmediately: true }))
    yield* meanwhile(fibers)
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(first)
    return yield* Effect.forEach(fibers, Fiber.await)
  })

const sizes = ({ appends }: Watched) => appends.map(({ parts }) => parts.length)
const conflict = (actual: number) =>
  new ConcurrencyConflict({ stream, expected: Expectation.exactly(0), actual, attempts: 1 })
/** Another process adds events. */
const rival = Effect.orDie(add(1))

describe("commands that have waited for one stream", () => {
  it.effect("are read once, decided one after the other and appended in one call", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const exits = yield* behindFirst(store, [add(2), add(-3), add(4)])
      expect(exits.map((exit) => Exit.isSuccess(exit) && [exit.value.version, exit.value.attempts])).toEqual([
        [2, 1],
        [3, 1],
        [4, 1]
      ])
      expect(sizes(store)).toEqual([1, 3])
      expect(store.reads).toEqual([[{ streamId: stream }], [{ streamId: stream }]])
    })
  )

  it.effect("have each its own metadata, id, events and metrics", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const exits = yield* behindFirst(store, [
        add(2, { commandId: "two" }).pipe(Metadata.with({ actor: "anna" })),
        add(3).pipe(Metadata.with({ actor: "bert" }))
      ])
      const events = exits.flatMap((exit) => (Exit.isSuccess(exit) ? exit.value.events : []))
      expect(events.map(({ data, metadata, version }) => [data.by, metadata.actor, version])).toEqual([
        [2, "anna", 2],
        [3, "bert", 3]
      ])
      expect(events[0]!.metadata.causationId).toBe("two")
      expect(store.appends[1]!.parts.map(({ command }) => command?.id)).toEqual(["two", undefined])
      const counts = (yield* Metric.snapshot).flatMap((metric) =>
        metric.type === "Histogram" ? [[metric.attributes?.["outcome"], metric.state.count]] : []
      )
      expect(counts).toEqual([["accepted", 3]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("take no other with them when one is rejected, dies, is not valid, or is too large", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const below = ({ state }: { readonly state: number }) =>
        state < 3 ? Result.succeed(state) : Result.fail(new TooLittle({ total: state }))
      const exits = yield* behindFirst<unknown, unknown>(store, [
        add(2),
        add(-100),
        add(13),
        add(100),
        add(1, undefined, "c", "x".repeat(9 << 20)),
        add(1, { expectedVersion: 1 }),
        add(1, { require: below }),
        add(0),
        add(3)
      ])
      const ends = exits.map((exit) => (Exit.isSuccess(exit) ? "done" : Cause.squash(exit.cause)))
      expect(ends[0]).toBe("done")
      expect(ends[1]).toEqual(new TooLittle({ total: 3 }))
      expect(ends[2]).toBe(bug)
      expect(ends[3]).toBeInstanceOf(InvalidDecision)
      expect(ends[4]).toMatchObject({ reason: { _tag: "Rejected" } })
      expect(ends[5]).toEqual(new VersionConflict({ stream, expected: 1, actual: 2 }))
      expect(ends[6]).toEqual(new TooLittle({ total: 3 }))
      expect(ends.slice(7)).toEqual(["done", "done"])
      expect(sizes(store)).toEqual([1, 2])
    })
  )

  it.effect("are answered only once what they were decided on has committed", () =>
    Effect.gen(function* () {
      const store = yield* watched
      // The group's first append fails. What was rejected on its events is then accepted, and the other way round.
      store.beforeAppends.push(Effect.fail(unavailable("append")))
      const exits = yield* behindFirst<unknown, unknown>(store, [add(5), add(-4), add(-100), add(0)])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? "done" : Cause.squash(exit.cause)))).toMatchObject([
        { _tag: "EventStoreError" },
        { _tag: "EventStoreError" },
        new TooLittle({ total: 1 }),
        "done"
      ])
    })
  )

  it.effect("with one command id are the same command: the second is answered without a decision", () =>
    Effect.gen(function* () {
      const store = yield* watched
      decided = []
      const exits = yield* behindFirst<unknown, unknown>(store, [
        add(2, { commandId: "a" }),
        add(2, { commandId: "a" }),
        add(3, { commandId: "a" }),
        add(4)
      ])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)))).toMatchObject([
        { version: 2, repeated: false },
        { version: 2, repeated: true, attempts: 0 },
        { _tag: "CommandIdReused" },
        { version: 3 }
      ])
      expect(decided).toEqual([1, 2, 4])
    })
  )

  it.effect("that were executed before are answered with their receipts, and the others are decided without them", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const first = yield* store.behind(add(7, { commandId: "a" }))
      const exits = yield* behindFirst<unknown, unknown>(store, [
        add(2),
        add(7, { commandId: "a" }),
        add(8, { commandId: "a" }),
        add(-100, { commandId: "b" })
      ])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)))).toMatchObject([
        { version: 3, attempts: 1 },
        { ...first, attempts: 0, repeated: true },
        { _tag: "CommandIdReused" },
        new TooLittle({ total: 10 })
      ])
    })
  )

  it.effect("that are rejected are answered with their receipt, if they were executed before", () =>
    Effect.gen(function* () {
      const store = yield* watched
      yield* store.behind(add(7))
      const first = yield* store.behind(add(-7, { commandId: "a" }))
      const exits = yield* behindFirst<unknown, unknown>(store, [add(2), add(-7, { commandId: "a" })])
      expect(exits[1]).toMatchObject({ value: { ...first, attempts: 0, repeated: true } })
    })
  )

  it.effect("leave the group when they are interrupted, but not an append that is under way", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const [reached, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const hold = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(gate))
      // Before the group's read, and in its append.
      const [reading, appending] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      store.beforeReads.push(
        Effect.void,
        Effect.andThen(Deferred.succeed(reading, undefined), Deferred.await(appending))
      )
      store.beforeAppends.push(hold)
      let fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>> = []
      const running = yield* Effect.forkChild(
        behindFirst<unknown, unknown>(store, [add(1), add(20), add(30), add(40)], (started) => {
          fibers = started
          return Effect.asVoid(Fiber.interrupt(started[0]!))
        })
      )
      yield* Deferred.await(reading)
      yield* Fiber.interrupt(fibers[1]!)
      yield* Deferred.succeed(appending, undefined)
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fibers[2]!)
      yield* Deferred.succeed(gate, undefined)
      const exits = yield* Fiber.join(running)
      expect(exits.map(Exit.isSuccess)).toEqual([false, false, false, true])
      expect(yield* store.run(Executor.load(Counter, "c"))).toEqual({ state: 71, version: 3 })
    })
  )

  it.effect("end an append that none of them wants any more, and give the stream back", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const interrupted = yield* Deferred.make<void>()
      const reached = yield* Deferred.make<void>()
      store.beforeAppends.push(
        Effect.andThen(Deferred.succeed(reached, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
        )
      )
      let fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>> = []
      const running = yield* Effect.forkChild(
        behindFirst<unknown, unknown>(store, [add(2), add(3)], (started) => Effect.sync(() => void (fibers = started)))
      )
      yield* Deferred.await(reached)
      yield* Fiber.interruptAll(fibers)
      yield* Deferred.await(interrupted)
      yield* Fiber.join(running)
      expect(yield* store.run(add(4))).toMatchObject({ version: 2 })
    })
  )
})

const Both = Boundary.make("Both", {
  command: Schema.TaggedStruct("Both", { least: Schema.Int }),
  participants: () => ({ c: Counter.at("c"), d: Counter.at("d") }),
  errors: [TooLittle],
  decide: ({ least }, { c, d }) =>
    d < least
      ? Decision.reject(new TooLittle({ total: d }))
      : Decision.all({ c: Counter.decide({ _tag: "Add", by: 1, note: "" }, c) })
})
const both = (least: number, options?: Executor.ExecuteOptions) =>
  Executor.execute(Both, { _tag: "Both", least }, options)

describe("commands on several streams that have waited for one of them", () => {
  it.effect("are rejected only if the append confirms the streams of the rejection too", () =>
    Effect.gen(function* () {
      const store = yield* watched
      // Between the group's read and its append, d gets what the second command wants.
      store.beforeAppends.push(Effect.orDie(add(5, {}, "d")))
      const exits = yield* behindFirst<unknown, unknown>(store, [add(2), both(5)])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? "done" : Cause.squash(exit.cause)))).toEqual(["done", "done"])
    })
  )

  it.effect("lose no attempt of their policy by a conflict of others", () =>
    Effect.gen(function* () {
      const store = yield* watched
      store.beforeAppends.push(Effect.orDie(add(5, {}, "d")))
      const exits = yield* behindFirst<unknown, unknown>(store, [add(2, { retry: Schedule.recurs(0) }), both(0)])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? "done" : Cause.squash(exit.cause)))).toEqual(["done", "done"])
    })
  )
})

describe("a group that has lost a race", () => {
  it.effect("reads only newer events, and follows the policy of each command", () =>
    Effect.gen(function* () {
      const store = yield* watched
      store.beforeAppends.push(rival)
      const exits = yield* behindFirst<unknown, unknown>(store, [add(2), add(3, { retry: Schedule.recurs(0) }), add(4)])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)))).toMatchObject([
        { version: 3, attempts: 2 },
        { _tag: "ConcurrencyConflict", attempts: 1, stream, actual: 2 },
        { version: 4, attempts: 2 }
      ])
      expect(store.reads.slice(1)).toEqual([[{ streamId: stream }], [{ streamId: stream, after: 1 }]])
      expect(sizes(store)).toEqual([1, 3, 2])
    })
  )

  it.effect("does not let one wait for the long pause of another", () =>
    Effect.gen(function* () {
      const store = yield* watched
      store.beforeAppends.push(Effect.fail(conflict(9) as never))
      const patient = yield* Effect.forkChild(store.run(add(1, { retry: Schedule.spaced("1 hour") })), {
        startImmediately: true
      })
      yield* Effect.repeat(Effect.yieldNow, { until: () => store.appends.length === 1 })
      expect(yield* store.run(add(2))).toMatchObject({ version: 1 })
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(patient)).toMatchObject({ version: 2, attempts: 2 })
    })
  )

  it.effect("does not let one wait while another tries to reach the store again", () =>
    Effect.gen(function* () {
      const store = yield* watched
      store.beforeReads.push(Effect.fail(unavailable("readStreams")))
      const patient = yield* Effect.forkChild(store.run(add(1, { retryStore: Schedule.spaced("1 hour") })), {
        startImmediately: true
      })
      yield* Effect.repeat(Effect.yieldNow, { until: () => store.reads.length === 1 })
      expect(yield* store.run(add(2))).toMatchObject({ version: 1 })
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(patient)).toMatchObject({ version: 2, attempts: 2 })
    })
  )

  it.effect("goes on one by one if the store refuses what they add together", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const refused = new EventStoreError({ operation: "append", reason: new Reason.Rejected({ detail: "no" }) })
      const picky = {
        ...store.store,
        append: (append: EventStore.Append) =>
          append.parts.some(({ writes }) =>
            writes.some(({ events }) => events.some(({ data }) => Object.values(data as object).includes(66)))
          )
            ? Effect.fail(refused)
            : store.store.append(append)
      }
      const exits = yield* behindFirst<unknown, unknown>(
        {
          ...store,
          run: (program) => store.run(Effect.provideService(program, EventStore.EventStore, picky) as never)
        },
        [add(2), add(66), add(4)]
      )
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)))).toMatchObject([
        { version: 2 },
        { reason: { _tag: "Rejected" } },
        { version: 3 }
      ])
    })
  )

  it.effect("whose append has an unknown outcome fails without command ids, and repeats those with one", () =>
    Effect.gen(function* () {
      const store = yield* watched
      store.afterAppends.push(Effect.void, Effect.fail(unavailable("append")))
      const retryStore = Schedule.recurs(1)
      const exits = yield* behindFirst<unknown, unknown>(store, [
        add(2, { retryStore }),
        add(3, { retryStore, commandId: "a" }),
        add(4, { commandId: "b" })
      ])
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)))).toMatchObject([
        { _tag: "EventStoreError", attempts: 1, streams: [stream] },
        { version: 3, repeated: true },
        { _tag: "EventStoreError", attempts: 1 }
      ])
      expect((yield* store.run(Executor.load(Counter, "c"))).version).toBe(4)
    })
  )
})

describe("after two lost races in a row", () => {
  const Follow = Boundary.make("Follow", {
    command: Schema.TaggedStruct("Follow", {}),
    participants: () => Boundary.discover({ c: Counter.at("c") }, ({ c }) => ({ found: Counter.at(`found ${c}`) })),
    errors: [TooLittle],
    decide: (_, { c, found }) =>
      Decision.all({
        c: Counter.decide({ _tag: "Add", by: 1, note: "" }, c),
        found: Counter.decide({ _tag: "Add", by: 1, note: "" }, found)
      })
  })

  const holding = (during: Effect.Effect<void, EventStoreError> = Effect.void) => {
    const holds: Array<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = []
    const service: StreamLocks.StreamLocks["Service"] = {
      hold: (streams, ids, effect) =>
        Effect.suspend(() => {
          holds.push([[...streams].sort((a, b) => (a < b ? -1 : 1)), ids])
          return Effect.tap(effect, during)
        })
    }
    return { holds, locked: Effect.provideService(StreamLocks.StreamLocks, service) }
  }

  it.effect("the streams and the command ids are locked first", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { holds, locked } = holding()
      store.beforeAppends.push(rival, rival)
      const exits = yield* locked(behindFirst<unknown, unknown>(store, [add(2, { commandId: "a" }), add(3)]))
      expect(exits).toMatchObject([{ value: { attempts: 3 } }, { value: { attempts: 3 } }])
      expect(holds).toEqual([[[stream], ["a"]]])
    })
  )

  it.effect("the next commands on the streams lock them at once, and later one tries again without locks", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { holds, locked } = holding()
      store.beforeAppends.push(rival, rival)
      yield* locked(behindFirst<unknown, unknown>(store, [add(2), add(3)]))
      const appends = store.appends.length
      // A command that is alone, and then a group.
      for (let i = 0; i < 16; i++) yield* locked(behindFirst<unknown, unknown>(store, [add(2), add(3)]))
      expect(holds).toHaveLength(33)
      yield* locked(behindFirst<unknown, unknown>(store, [add(2), add(3)]))
      expect(holds).toHaveLength(33)
      expect(store.appends).toHaveLength(appends + 2 * 17)
    })
  )

  it.effect("the commands that an append has no room for lock the streams too", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { holds, locked } = holding()
      store.beforeAppends.push(rival, rival)
      const long = "x".repeat(600_000)
      const adds = [2, 3, 4].map((by) => add(by, undefined, "c", long))
      const exits = yield* locked(behindFirst<unknown, unknown>(store, adds))
      // The rivals have taken the versions 2 and 3.
      expect(exits).toMatchObject([4, 5, 6].map((version) => ({ value: { version } })))
      expect(holds).toHaveLength(3)
      // That of the first command, the rivals', two that lost against them, and three under locks.
      expect(store.appends).toHaveLength(1 + 2 + 3)
    })
  )

  it.effect(
    "a command is answered with its version before the others race anew, also if another stream is contested",
    () =>
      Effect.gen(function* () {
        const store = yield* watched
        const { locked } = holding()
        const elsewhere = Effect.orDie(add(1, undefined, "other"))
        store.beforeAppends.push(elsewhere, elsewhere)
        yield* locked(store.run(add(2, undefined, "other")))
        const long = "x".repeat(600_000)
        const adds = [2, 3, 4].map((by) => add(by, undefined, "c", long))
        const exits = yield* locked(behindFirst<unknown, unknown>(store, adds))
        expect(exits).toMatchObject([2, 3, 4].map((version) => ({ value: { version } })))
      })
  )

  it.effect("the wait for the locks takes nothing of the time in which commands are decided together", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const slowly = Effect.provideService(StreamLocks.StreamLocks, {
        hold: (_streams, _ids, effect) => Effect.andThen(TestClock.adjust("1 second"), effect)
      })
      store.beforeAppends.push(rival, rival)
      const exits = yield* slowly(behindFirst<unknown, unknown>(store, [add(2), add(3), add(4)]))
      expect(exits.every(Exit.isSuccess)).toBe(true)
      expect(sizes(store).at(-1)).toBe(3)
    })
  )

  it.effect("what others have appended before the locks are taken is read under them", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { locked } = holding()
      store.beforeAppends.push(rival, rival)
      yield* locked(behindFirst<unknown, unknown>(store, [add(2), add(3)]))
      // This group goes on from where the first one has ended, and locks the stream at once.
      const overtaken = Effect.provideService(StreamLocks.StreamLocks, {
        hold: (_streams, _ids, effect) => Effect.andThen(store.behind(rival), effect)
      })
      const exits = yield* overtaken(behindFirst<unknown, unknown>(store, [add(2), add(3)]))
      expect(exits).toMatchObject([{ value: { attempts: 1 } }, { value: { attempts: 1 } }])
    })
  )

  it.effect("a stream that is discovered under the locks is locked with the others, in another transaction", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { holds, locked } = holding()
      store.beforeAppends.push(rival, rival)
      yield* locked(store.run(Executor.execute(Follow, { _tag: "Follow" })))
      expect(holds.map(([streams]) => streams)).toEqual([
        [stream, "Counter-found 1"],
        [stream, "Counter-found 1", "Counter-found 2"]
      ])
    })
  )

  it.effect("nothing is remembered of a transaction that does not commit", () =>
    Effect.gen(function* () {
      const store = yield* watched
      const { locked } = holding(Effect.fail(unavailable("append")))
      store.beforeAppends.push(rival, rival)
      const puts: Array<number> = []
      const cache = StateCache.make({ capacity: 10 })
      const spying: StateCache.StateCache = (of) => {
        const states = cache(of)
        return {
          ...states,
          put: (id, remembered, history) => (puts.push(remembered.version), states.put(id, remembered, history))
        }
      }
      const error = yield* Effect.flip(
        locked(store.run(add(9))).pipe(Effect.provideService(StateCache.Current, spying))
      )
      expect(error).toBeInstanceOf(EventStoreError)
      expect(Math.max(...puts)).toBeLessThanOrEqual(2)
    })
  )
})
