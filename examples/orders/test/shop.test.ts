import { expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { type Aggregate, Deadline, Executor, Query, Reactor, Records } from "@hexfold/core"
import { Console, Deferred, Effect, Layer, Schedule } from "effect"
import { Answers } from "../src/answers.ts"
import { Books } from "../src/Books.ts"
import { type Behaviour, fakes } from "../src/fakes.ts"
import { fulfilment } from "../src/Fulfilment.ts"
import { Order, Place, Withdraw } from "../src/Order.ts"
import { Warehouse } from "../src/outside.ts"
import { Payment } from "../src/Payment.ts"
import { CallProvider, KeepBooks, PackParcels, SendMail } from "../src/reactors.ts"
import { Shipment } from "../src/Shipment.ts"
import { Receive, Stock } from "../src/Stock.ts"

const fates: Readonly<Record<Behaviour, string>> = {
  prompt: "Completed",
  twice: "Completed",
  refuses: "the payment was refused: card expired",
  late: "not paid in time",
  never: "not paid in time"
}
const behaviours = Object.keys(fates) as ReadonlyArray<Behaviour>

const Fulfilment = fulfilment({ unpaid: "2 seconds", unshipped: "1 minute" })
const outside = fakes({ behaviourOf: (id) => id as Behaviour, prompt: "10 millis", late: "3 seconds" })

const shop = Layer.mergeAll(Reactor.layer([Fulfilment, CallProvider, PackParcels, KeepBooks, SendMail]), Answers)
const quietly = Effect.provideService(Console.Console, { ...globalThis.console, log: () => undefined })

const place = new Place({ customer: "anna", item: "lamp", quantity: 1, cents: 500 })
const often = Schedule.spaced("20 millis")

/** The state of an aggregate, once it is as it must become. */
const eventually = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  E
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, E>,
  id: Id,
  until: (state: State) => boolean
) =>
  Executor.load(aggregate, id).pipe(
    Effect.repeat({ until: ({ state }) => until(state), schedule: often }),
    Effect.map(({ state }) => state)
  )

/** When nothing of the fulfilment of an order is under way any more. */
const isOver = (order: string) =>
  eventually(
    Fulfilment.log,
    order,
    ({ cancelling, sending, setting, status }) =>
      status === "ended" && cancelling.length + sending.length + setting.length === 0
  )

it.live("each order comes to its end, however the provider behaves", () =>
  Effect.gen(function* () {
    yield* Executor.execute(Stock, "lamp", new Receive({ quantity: 10 }))
    for (const id of behaviours) yield* Executor.execute(Order, id, place)
    for (const id of behaviours) {
      const order = yield* eventually(Order, id, ({ _tag }) => _tag !== "Open")
      expect(order._tag === "Cancelled" ? order.why : order._tag).toBe(fates[id])
      yield* isOver(id)
    }
    expect((yield* Executor.load(Stock, "lamp")).state).toEqual({ available: 8, reserved: [] })
    yield* eventually(Books, "sales", (cents) => cents === 1_000)
    // No timer is left behind.
    yield* Records.query(Deadline.Waiting, Query.from(Deadline.Waiting, { limit: 1 })).pipe(
      Effect.repeat({ until: ({ rows }) => rows.length === 0, schedule: often })
    )
  }).pipe(Effect.provide(shop.pipe(Layer.provide(outside), Layer.provideMerge(MemoryStores.layer()))), quietly)
)

it.live("an order that is withdrawn while it is packed stays in the house, and the money goes back", () =>
  Effect.gen(function* () {
    const packed = yield* Deferred.make<string>()
    const slow = Layer.succeed(Warehouse, { pack: () => Deferred.await(packed) })
    yield* Effect.gen(function* () {
      yield* Executor.execute(Stock, "lamp", new Receive({ quantity: 1 }))
      yield* Executor.execute(Order, "prompt", place)
      yield* eventually(Shipment, "prompt", ({ _tag }) => _tag === "Prepared")
      yield* Executor.execute(Order, "prompt", new Withdraw())
      yield* eventually(Shipment, "prompt", ({ _tag }) => _tag === "Stopped")
      yield* Deferred.succeed(packed, "T")
      expect(yield* eventually(Order, "prompt", ({ _tag }) => _tag !== "Open")).toEqual({
        _tag: "Cancelled",
        why: "withdrawn"
      })
      yield* isOver("prompt")
      expect((yield* Executor.load(Payment, "prompt")).state._tag).toBe("Reversed")
      expect((yield* Executor.load(Shipment, "prompt")).state._tag).toBe("Stopped")
      expect((yield* Executor.load(Stock, "lamp")).state).toEqual({ available: 1, reserved: [] })
      // What has come in went out again.
      yield* Executor.load(Books, "sales").pipe(
        Effect.repeat({ until: ({ version }) => version === 2, schedule: often }),
        Effect.map(({ state }) => expect(state).toBe(0))
      )
    }).pipe(
      Effect.provide(shop.pipe(Layer.provide(Layer.merge(outside, slow)), Layer.provideMerge(MemoryStores.layer())))
    )
  }).pipe(quietly)
)
