import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Deadline, EventStore, Executor, Projection, ReactionFailed, Reactor, Schedules } from "@hexfold/core"
import { Expect, TestApp } from "@hexfold/testing"
import { Clock, DateTime, Deferred, Duration, Effect, Fiber, Layer, Option, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { cancel, Chain, daily, Mails, Order, Orders, pay, place, SendMail, Unpaid } from "./shop.ts"

const hour = 3_600_000

/** When which event was recorded, in hours. */
const history = Effect.gen(function* () {
  const { readAll } = yield* EventStore.EventStore
  const events = yield* Stream.runCollect(readAll())
  return events
    .filter(({ streamId }) => streamId.startsWith("Order-"))
    .map(({ recordedAt, streamId, type }) => `${recordedAt.epochMilliseconds / hour} ${streamId} ${type}`)
})

const timeOf = Effect.map(Clock.currentTimeMillis, (now) => now / hour)

const app = (layer: Layer.Layer<never, never, Reactor.Stores>, options?: TestApp.Options) =>
  Effect.provide(Layer.provideMerge(layer, TestApp.layer(options)))

/** Something outside of the program. */
const aMoment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

/** Mails that fail so often, and what was sent. */
const mails = (failures = 0) => {
  const sent: Array<string> = []
  let left = failures
  const send = (about: string) =>
    Effect.suspend(() => (left-- > 0 ? Effect.fail("no connection") : Effect.sync(() => void sent.push(about))))
  return { sent, layer: Layer.succeed(Mails, { send }) }
}

describe("TestApp with reactions", () => {
  it.effect("the clock goes to no time that a calendar does not have", () =>
    Effect.gen(function* () {
      const nowhere = [TestApp.advance(Duration.infinity), TestApp.advanceTo("some day"), TestApp.advanceTo(Number.NaN)]
      for (const advance of nowhere) {
        const exit = yield* Effect.exit(advance)
        assert.include(String(exit), "no calendar has the time")
      }
      assert.strictEqual(yield* timeOf, 0)
    }).pipe(app(Deadline.layer([Order])))
  )

  it.effect("what follows from events is done after settled", () => {
    const { layer, sent } = mails()
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* TestApp.settled
      assert.deepStrictEqual(sent.toSorted(), Array.from({ length: 10 }, (_, i) => `${i + 1} is placed`).toSorted())
      yield* Expect.records(Orders, Object.fromEntries(sent.map((mail) => [mail.split(" ")[0]!, "placed"])))
      assert.strictEqual(yield* timeOf, 0)
    }).pipe(app(Reactor.layer([SendMail, Chain]).pipe(Layer.provide(layer)), { views: [Orders] }))
  })

  it.effect("a program that waits for its reactors needs nobody", () => {
    const { layer, sent } = mails()
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "10", place).pipe(Projection.waitFor(SendMail))
      assert.deepStrictEqual(sent, ["10 is placed"])
    }).pipe(app(Reactor.layer([SendMail]).pipe(Layer.provide(layer))))
  })

  it.effect("settled waits for a handler that waits for something outside", () => {
    const waiting = Deferred.makeUnsafe<void>()
    let handled = 0
    const Waiting = Reactor.make("Waiting", {
      from: [Order],
      start: "beginning",
      on: { Placed: () => Effect.map(Deferred.await(waiting), () => void handled++) }
    })
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      const settling = yield* Effect.forkChild(TestApp.settled)
      yield* aMoment
      assert.strictEqual(settling.pollUnsafe(), undefined)
      yield* Deferred.succeed(waiting, undefined)
      yield* Fiber.join(settling)
      assert.strictEqual(handled, 1)
    }).pipe(app(Reactor.layer([Waiting])))
  })

  it.effect("a handler may wait for a view of what its command has caused", () => {
    const seen: Array<unknown> = []
    const Reading = Reactor.make("Reading", {
      from: [Order],
      start: "beginning",
      on: {
        Paid: (_, { id }) =>
          Executor.execute(Order, `${id}b`, place).pipe(
            Projection.waitFor([Orders]),
            Effect.andThen(Effect.sync(() => void seen.push(id)))
          )
      }
    })
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* Executor.execute(Order, "1", pay)
      yield* TestApp.settled
      assert.deepStrictEqual(seen, ["1"])
      yield* Expect.records(Orders, { "1": "paid", "1b": "placed" })
    }).pipe(app(Reactor.layer([Reading]), { views: [Orders] }))
  })

  it.effect("a handler that fails is run again after pauses that end by themselves", () => {
    const { layer, sent } = mails(8)
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "10", place)
      yield* TestApp.settled
      assert.deepStrictEqual(sent, ["10 is placed"])
      assert.isBelow(yield* Clock.currentTimeMillis, 9_000)
    }).pipe(app(Reactor.layer([SendMail]).pipe(Layer.provide(layer))))
  })

  it.effect("an event that stops a reactor fails settled, and the others go on", () => {
    const { layer } = mails(Number.POSITIVE_INFINITY)
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "9", place)
      const failed = yield* Effect.flip(TestApp.settled)
      assert.instanceOf(failed, ReactionFailed)
      assert.strictEqual(failed.reactor, "reactor/SendMail")
      assert.deepStrictEqual(yield* history, ["0 Order-9 Placed", "0 Order-10 Placed"])
      const stopped = (yield* TestApp.logs).filter(({ level }) => level === "Error")
      assert.deepStrictEqual(
        stopped.map(({ message }) => message),
        ["reactor/SendMail has stopped"]
      )
    }).pipe(app(Reactor.layer([SendMail, Chain]).pipe(Layer.provide(layer))))
  })

  it.effect("reactions that do not come to an end are named", () => {
    const Endless = Reactor.make("Endless", {
      from: [Order],
      start: "beginning",
      on: { Placed: (_, { id }) => Executor.execute(Order, `${Number(id) + 1}`, place) }
    })
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      const exit = yield* Effect.exit(TestApp.settled)
      assert.include(String(exit), "do not come to an end")
      assert.match(String(exit), /Placed of Order-\d+, Placed of Order-\d+/)
    }).pipe(app(Reactor.layer([Endless]), { longestChain: 20 }))
  })

  it.effect("the clock goes on from deadline to deadline, in the order of their times", () =>
    Effect.gen(function* () {
      for (const id of ["a", "b", "c"]) yield* Executor.execute(Order, id, place)
      yield* Deadline.schedule(Order, "b", cancel("b"), { after: "3 hours" })
      yield* Deadline.schedule(Order, "a", cancel("a"), { after: "1 hour" })
      yield* Deadline.schedule(Order, "c", cancel("c"), { after: "2 hours", id: "c" })
      yield* Deadline.cancel("c")
      const times: Array<number> = []
      const all = TestApp.advanceToNext.pipe(
        Effect.tap(
          Option.match({
            onNone: () => Effect.void,
            onSome: ({ epochMilliseconds }) => Effect.sync(() => void times.push(epochMilliseconds / hour))
          })
        ),
        Effect.repeat({ until: Option.isNone })
      )
      yield* all
      assert.deepStrictEqual(times, [1, 3])
      assert.strictEqual(yield* timeOf, 3)
      assert.deepStrictEqual((yield* history).slice(3), ["1 Order-a Cancelled", "3 Order-b Cancelled"])
    }).pipe(app(Deadline.layer([Order])))
  )

  it.effect("timeouts that follow from timeouts come at their own times", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* TestApp.advance("12 hours")
      yield* Executor.execute(Order, "2", place)
      yield* TestApp.advance("48 hours")
      yield* Executor.execute(Order, "2", pay)
      yield* TestApp.advanceTo("1970-03-01T00:00:00Z")
      assert.deepStrictEqual(yield* history, [
        "0 Order-1 Placed",
        "12 Order-2 Placed",
        "24 Order-1 Reminded",
        "36 Order-2 Reminded",
        "48 Order-1 Reminded",
        "60 Order-2 Reminded",
        "60 Order-2 Paid",
        "72 Order-1 Reminded",
        "84 Order-1 Cancelled"
      ])
      assert.strictEqual(yield* timeOf, 59 * 24)
      const back = yield* Effect.exit(TestApp.advanceTo("1970-02-01T00:00:00Z"))
      assert.include(String(back), "TestApp.advanceTo: 1970-02-01T00:00:00.000Z is over")
    }).pipe(app(Reactor.layer([Unpaid])))
  )

  it.effect("the clock waits for a handler that waits for something outside", () => {
    const Slow = Reactor.make("Slow", {
      from: [Order],
      start: "beginning",
      on: { Reminded: (_, { id }) => Effect.andThen(aMoment, Executor.execute(Order, `${id} reminded`, place)) }
    })
    return Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* TestApp.advance("40 hours")
      // A short sleep of the reactor's owner ends meanwhile.
      const hours = (yield* history).slice(1).map((event) => event.replace(/^(\d+)\.\d+/, "$1"))
      assert.deepStrictEqual(hours, ["24 Order-1 Reminded", "24 Order-1 reminded Placed"])
    }).pipe(app(Reactor.layer([Slow, Unpaid])))
  })

  it.effect("the clock stands at the time at which a reactor has stopped", () => {
    const { layer } = mails(Number.POSITIVE_INFINITY)
    return Effect.gen(function* () {
      yield* Deadline.schedule(Order, "1", place, { after: "1 hour" })
      const failed = yield* Effect.flip(TestApp.advance("3 hours"))
      assert.instanceOf(failed, ReactionFailed)
      assert.strictEqual(Math.floor(yield* timeOf), 1)
    }).pipe(app(Layer.merge(Deadline.layer([Order]), Layer.provide(Reactor.layer([SendMail]), layer))))
  })

  it.effect("schedules tick at their times, also beside other things", () =>
    Effect.gen(function* () {
      yield* Deadline.schedule(Order, "daily", cancel("late"), { after: "28 hours" })
      yield* TestApp.advance("3 days")
      assert.deepStrictEqual(yield* history, [
        "3 Order-daily Placed",
        "27 Order-daily Placed",
        "28 Order-daily Cancelled",
        "51 Order-daily Placed"
      ])
      assert.deepStrictEqual(yield* TestApp.advanceToNext, Option.some(DateTime.makeUnsafe(75 * hour)))
    }).pipe(app(Layer.merge(Schedules.layer([daily]), Deadline.layer([Order]))))
  )

  it.effect("a program that polls meets its deadlines, and a clock that is adjusted does too", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* Deadline.schedule(Order, "1", cancel("soon"), { after: "50 millis" })
      const polls = Executor.load(Order, "1").pipe(
        Effect.repeat({ until: ({ version }) => version === 2, schedule: Schedule.spaced("10 millis") })
      )
      yield* polls
      assert.isAtMost(yield* Clock.currentTimeMillis, 60)
      yield* Executor.execute(Order, "2", place)
      yield* Deadline.schedule(Order, "2", cancel("later"), { after: "2 hours" })
      yield* TestApp.settled
      yield* TestClock.adjust("3 hours")
      yield* TestApp.settled
      assert.strictEqual((yield* Executor.load(Order, "2")).state, "cancelled: later")
    }).pipe(app(Deadline.layer([Order])))
  )

  it.effect("a deadline does not come before its time, however near it is", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Order, "1", place)
      yield* Deadline.schedule(Order, "1", cancel("soon"), { after: "500 millis" })
      yield* TestApp.settled
      yield* aMoment
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual((yield* Executor.load(Order, "1")).state, "placed")
      yield* TestApp.advance("499 millis")
      assert.strictEqual((yield* Executor.load(Order, "1")).state, "placed")
      yield* TestApp.advance("1 millis")
      assert.strictEqual((yield* Executor.load(Order, "1")).state, "cancelled: soon")
    }).pipe(app(Deadline.layer([Order])))
  )

  it.effect("over other stores it drives views and reactions too, and events have the stores' ids", () => {
    const app = Layer.provideMerge(Reactor.layer([Unpaid]), TestApp.layerOver({ views: [Orders] }))
    return Effect.gen(function* () {
      const { events } = yield* Executor.execute(Order, "1", place)
      assert.notMatch(events[0]!.id, /-0000000000\d\d$/)
      yield* TestApp.settled
      yield* Expect.records(Orders, { "1": "placed" })
      assert.deepStrictEqual(yield* TestApp.advanceToNext, Option.some(DateTime.makeUnsafe(24 * hour)))
      yield* TestApp.advance("90 hours")
      assert.strictEqual((yield* Executor.load(Order, "1")).state, "cancelled: not paid")
    }).pipe(Effect.provide(Layer.provideMerge(app, MemoryStores.layer())))
  })

  it.effect("two runs are the same, with conflicts too", () => {
    const run = Effect.gen(function* () {
      yield* Effect.forEach(["7", "a"], (id) => Executor.execute(Order, id, place), { concurrency: "unbounded" })
      yield* TestApp.advance("50 hours")
      const { readAll } = yield* EventStore.EventStore
      return { log: yield* Stream.runCollect(readAll()), logs: yield* TestApp.logs, spans: yield* TestApp.spans }
    })
    const once = () => {
      const reactions = Reactor.layer([SendMail, Chain, Unpaid]).pipe(Layer.provide(mails(5).layer))
      return Effect.provide(run, Layer.provideMerge(reactions, TestApp.layer({ conflictEvery: 3, yields: 2 })))
    }
    return Effect.gen(function* () {
      const [one, other] = [yield* once(), yield* once()]
      assert.isAbove(one.log.length, 40)
      assert.deepStrictEqual(one, other)
    })
  })
})
