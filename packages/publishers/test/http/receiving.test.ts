import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor, Publication, Publisher, Reactor } from "@hexfold/core"
import { CloudEvent, HttpPublisher, Webhook } from "@hexfold/publishers/http"
import { Effect, Layer, ManagedRuntime, Redacted, Schedule, Schema, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import { charge, recorded } from "../support/billing.ts"
import { type Answer, status, webhookServer } from "../support/webhookServer.ts"

const Add = Schema.TaggedStruct("Add", { cents: Schema.Int })
const Added = Schema.TaggedStruct("Added", { cents: Schema.Int })
const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  decide: { Add: ({ cents }) => Decision.accept(Added.make({ cents })) },
  evolve: { Added: (sum, { cents }) => sum + cents }
})
const OrdersV1 = Publication.make("orders.v1", {
  from: [Order],
  start: "beginning",
  source: "/shop/orders",
  contract: [Added],
  key: (_, { id }) => id,
  map: (event) => event,
  onPoison: "park",
  retry: Schedule.recurs(1)
})

const secrets = [Redacted.make(`whsec_${btoa("a secret of more than 24 bytes")}`)]

/** An application that executes each webhook, and answers then as it is told: by default that it has. */
const receiver = (answer: (key: string, number: number) => Answer | undefined) =>
  Effect.gen(function* () {
    const stores = yield* Effect.acquireRelease(
      Effect.sync(() => ManagedRuntime.make(MemoryStores.layer())),
      ({ disposeEffect }) => disposeEffect
    )
    const receive = (request: Webhook.Request & { readonly body: string }) =>
      Effect.gen(function* () {
        const webhook = yield* Webhook.make({ secrets })
        yield* webhook.verify(request)
        const message = yield* CloudEvent.decode(request.body)
        return { key: message.key, execute: charge(message, CloudEvent.commandIdOf(message)) }
      })
    const seen = new Map<string, number>()
    const server = yield* webhookServer((received, response, request) => {
      void stores
        .runPromise(
          Effect.gen(function* () {
            const { execute, key } = yield* receive(received)
            const number = (seen.get(key) ?? 0) + 1
            seen.set(key, number)
            const other = answer(key, number)
            if (other === undefined || other === lostAnswer) yield* execute
            return other ?? (() => status(response, 200))
          })
        )
        .then((reply) => reply(received, response, request))
    })
    return { ...server, recorded: Effect.promise(() => stores.runPromise(recorded)), seen }
  })

/** The command was executed, and the sender does not get to know it. */
const lostAnswer: Answer = (_, __, request) => void request.socket.destroy()

const sending = (url: string) =>
  Layer.effect(Publisher.Publisher, HttpPublisher.make({ url, secrets, retry: Schedule.recurs(2) })).pipe(
    Layer.provide(FetchHttpClient.layer)
  )

const add = (id: string, cents: number) => Executor.execute(Order, id, Add.make({ cents }))

describe("an application that executes webhooks as commands", () => {
  it.live("executes a message once whose answer was lost, and keeps the order of its key", () =>
    Effect.gen(function* () {
      const { recorded, seen, url } = yield* receiver((_, number) => (number < 3 ? lostAnswer : undefined))
      for (const cents of [1, 2, 3]) yield* add("a", cents)
      yield* Effect.provide(Reactor.catchUp(OrdersV1, { pause: "10 millis" }), sending(url))
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2", "Bill-a 3"])
      assert.strictEqual(seen.get("a"), 5)
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.live("that asks to wait gets each message later", () =>
    Effect.gen(function* () {
      const { recorded, seen, url } = yield* receiver((_, number) =>
        number === 1 ? (__, response) => status(response, 429, { "retry-after": "1" }) : undefined
      )
      for (const cents of [1, 2]) yield* add("a", cents)
      yield* Effect.provide(Reactor.catchUp(OrdersV1, { pause: "10 millis" }), sending(url))
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2"])
      assert.strictEqual(seen.get("a"), 3)
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.live("that is gone for good for a key parks the key at the sender, and others go on", () =>
    Effect.gen(function* () {
      let isGone = true
      const { recorded, url } = yield* receiver((key) =>
        key === "a" && isGone ? (_, response) => status(response, 410) : undefined
      )
      for (const cents of [1, 2]) for (const id of ["a", "b"]) yield* add(id, cents)
      yield* Effect.provide(Reactor.catchUp(OrdersV1, { pause: "10 millis" }), sending(url))
      assert.deepStrictEqual(yield* recorded, ["Bill-b 1", "Bill-b 2"])
      const letters = yield* Stream.runCollect(Reactor.deadLetters(OrdersV1))
      assert.deepStrictEqual(
        letters.map(({ error, key }) => [key, error?.cause.includes("410") ?? "waits"]),
        [
          ["a", true],
          ["a", "waits"]
        ]
      )
      isGone = false
      yield* Effect.provide(Reactor.retryParked(OrdersV1), sending(url))
      assert.deepStrictEqual(yield* recorded, ["Bill-b 1", "Bill-b 2", "Bill-a 1", "Bill-a 2"])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )
})
