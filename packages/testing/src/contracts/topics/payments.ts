/** A topic of the cases: payments, by the number of an order. */
import { EventStore, Executor, Subscription, Topic, Versions } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import type { Node } from "../nodes.ts"

/** A payment has come in. */
export class Received extends Schema.TaggedClass<Received>()("Received", {
  cents: Schema.Int,
  note: Schema.String
}) {}
/** A payment was taken back. */
export class Bounced extends Schema.TaggedClass<Bounced>()("Bounced", { reasons: Schema.Array(Schema.Json) }) {}

const ReceivedV1 = Schema.TaggedStruct("Received", { euros: Schema.Finite })
const Split = Schema.TaggedStruct("Split", { cents: Schema.Array(Schema.Int) })
const Announced = Schema.TaggedStruct("Announced", {})

const Order = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 40 }))

/** The name of a topic that no other case uses. */
export const newName = (): string => `Payments_${crypto.randomUUID().replaceAll("-", "")}`

/** The program of today. */
export const paymentsOf = <const Name extends string>(name: Name) =>
  Topic.make(name, {
    key: Order,
    events: [
      Versions.first(ReceivedV1).next(
        Received,
        ({ euros }) => new Received({ cents: Math.round(euros * 100), note: "" })
      ),
      Bounced
    ],
    retired: [
      Versions.retired(Split, ({ cents }) => cents.map((each) => new Received({ cents: each, note: "split" }))),
      Versions.retired(Announced, () => [])
    ]
  })

/** The topic of today. */
export type Payments = ReturnType<typeof paymentsOf<string>>

/** The program of before. */
export const oldPaymentsOf = <const Name extends string>(name: Name) =>
  Topic.make(name, { key: Order, events: [ReceivedV1, Split, Announced] })

/** A topic whose keys are texts. */
export const notesOf = <const Name extends string>(name: Name) =>
  Topic.make(name, { key: Schema.String, events: [Received] })

/** A payment of so many cents. */
export const received = (cents: number, note = ""): Received => new Received({ cents, note })

/** Publishes on a node. */
export const on = (node: Pick<Node, "eventStore">) => Effect.provideService(EventStore.EventStore, node.eventStore)

/** Publishes payments under the number of an order. */
export const pay = (node: Pick<Node, "eventStore">, topic: Payments, order: number, ...cents: ReadonlyArray<number>) =>
  Executor.publish(
    topic,
    order,
    cents.map((each) => received(each))
  ).pipe(on(node))

/** The events of a topic that are there, decoded. */
export const eventsOf = <S extends Subscription.Source>(node: Node, topic: S) =>
  Effect.flatMap(Stream.runHead(node.eventStore.horizons), (horizon) =>
    Stream.runCollect(
      Subscription.events([topic], { upTo: horizon._tag === "Some" ? horizon.value.position : 0 })
    ).pipe(on(node))
  )
