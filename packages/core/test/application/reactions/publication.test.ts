import { assert, it } from "@effect/vitest"
import { MemoryPublisher, MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor, Publication, PublishError, Publisher, Reactor, Reason } from "@hexfold/core"
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { describe } from "vitest"

const Place = Schema.TaggedStruct("Place", { cents: Schema.Int })
const Placed = Schema.TaggedStruct("Placed", { cents: Schema.Int })
const Noted = Schema.TaggedStruct("Noted", {})

const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Place],
  events: [Placed, Noted],
  decide: { Place: ({ cents }) => Decision.accept({ _tag: "Placed", cents }, { _tag: "Noted" }) },
  evolve: { Placed: (sum, { cents }) => sum + cents, Noted: (sum) => sum }
})

class OrderPlaced extends Schema.TaggedClass<OrderPlaced>()("OrderPlaced", {
  order: Schema.String,
  cents: Schema.Int.check(Schema.isGreaterThan(0))
}) {}
const Receipt = Schema.TaggedStruct("Receipt", { total: Schema.Int })

const publicationOf = (definition: { readonly onPoison?: "park" | "skip" } = {}) =>
  Publication.make("orders.v1", {
    from: [Order],
    start: "beginning",
    source: "/shop/orders",
    contract: [OrderPlaced, Receipt],
    retry: Schedule.recurs(1),
    ...definition,
    map: (event, { id }) =>
      event._tag === "Placed"
        ? [
            OrderPlaced.make({ order: id, cents: event.cents }, { disableChecks: true }),
            { _tag: "Receipt", total: event.cents }
          ]
        : []
  })

const place = (id: string, cents: number) => Executor.execute(Order, id, { _tag: "Place", cents })

const catchUp = (of = publicationOf()) => Reactor.catchUp(of, { pause: "10 millis" })

const received = Effect.flatMap(MemoryPublisher.Receiver, ({ messages }) => messages)

const refused = (messageId: string, reason: Reason.Reason) =>
  new PublishError({ publication: "orders.v1", messageId, reason, attempts: 1 })

const layers = () => Layer.merge(MemoryStores.layer(), MemoryPublisher.layer())

describe("a publication", () => {
  it.live("publishes what its map makes of the events, in the order of their key, with ids that stay", () =>
    Effect.gen(function* () {
      for (const cents of [1, 2, 3]) for (const id of ["a", "b"]) yield* place(id, cents)
      yield* catchUp()
      yield* catchUp()
      const messages = yield* received
      for (const id of ["a", "b"]) {
        const ofOrder = messages.filter(({ key }) => key === `Order-${id}`)
        assert.deepStrictEqual(
          ofOrder.map(({ body, type }) => [type, body]),
          [1, 2, 3].flatMap((cents) => [
            ["OrderPlaced", { _tag: "OrderPlaced", order: id, cents }],
            ["Receipt", { _tag: "Receipt", total: cents }]
          ])
        )
      }
      assert.strictEqual(new Set(messages.map(({ id }) => id)).size, 12)
      const [first] = messages
      assert.deepStrictEqual(
        [first!.publication, first!.source, first!.schemaVersion],
        ["orders.v1", "/shop/orders", 1]
      )
    }).pipe(Effect.provide(layers()))
  )

  it.live("waits while the receiver cannot be reached, and publishes under the same id then", () =>
    Effect.gen(function* () {
      const { answerWith } = yield* MemoryPublisher.Receiver
      const asked: Array<string> = []
      yield* answerWith(({ id }) => {
        asked.push(id)
        return asked.length < 4 ? Effect.fail({ reason: new Reason.Unavailable({ detail: "down" }) }) : Effect.void
      })
      yield* place("a", 1)
      yield* catchUp()
      const messages = yield* received
      assert.deepStrictEqual(
        messages.map(({ type }) => type),
        ["OrderPlaced", "Receipt"]
      )
      assert.strictEqual(new Set(asked).size, 2)
    }).pipe(Effect.provide(layers()))
  )

  it.live("parks the key of a message that the receiver refuses, or that does not match the contract", () =>
    Effect.gen(function* () {
      const { answerWith } = yield* MemoryPublisher.Receiver
      yield* answerWith(({ id, key }) =>
        key === "Order-a"
          ? Effect.fail({ reason: refused(id, new Reason.Rejected({ detail: "no" })).reason })
          : Effect.void
      )
      yield* place("a", 1)
      yield* place("b", -1)
      yield* place("c", 1)
      const parking = publicationOf({ onPoison: "park" })
      yield* catchUp(parking)
      const letters = yield* Stream.runCollect(Reactor.deadLetters(parking))
      assert.deepStrictEqual(
        letters.filter(({ error }) => error !== undefined).map(({ key }) => key),
        ["Order-a", "Order-b"]
      )
      assert.deepStrictEqual([...new Set((yield* received).map(({ key }) => key))], ["Order-c"])
      yield* answerWith(() => Effect.void)
      const { handled } = yield* Reactor.retryParked(parking, { keys: ["Order-a"] })
      assert.strictEqual(handled, 2)
    }).pipe(Effect.provide(layers()))
  )

  it.live("needs a publisher, and nothing else", () =>
    Effect.gen(function* () {
      const asked: Array<Publisher.Message> = []
      const own = Layer.succeed(Publisher.Publisher, {
        publish: (messages) =>
          Effect.sync(() => {
            asked.push(...messages)
            return messages.map(() => ({ _tag: "Taken" as const }))
          })
      })
      yield* place("a", 1)
      yield* Effect.provide(catchUp(), own)
      assert.strictEqual(asked.length, 2)
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it("refuses a name and a contract that are not valid", () => {
    const of = (name: string, contract: ReadonlyArray<typeof Receipt>) => () =>
      Publication.make(name, { from: [Order], start: "now", source: "/shop", contract, map: () => [] })
    for (const name of ["", "orders v1", ".v1", "orders..v1", "1orders"]) assert.throws(of(name, [Receipt]))
    assert.throws(of("orders.v1", [Receipt, Receipt]), /same tag/)
  })
})
