/**
 * Private events as a public contract: messages for others, in versions of their own. A publication is a reactor whose
 * handler gives messages to the port `Publisher`.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import { type Contract, currentOf, type Declaration, declarationsOf } from "../../domain/storedTypes.ts"
import { byTag, tagOf, type TypeOf } from "../../domain/tagged.ts"
import { isChain } from "../../domain/Versions.ts"
import type { Envelope, OnPoison, Source } from "../../domain/view/definition.ts"
import { checkedStart, consumerOf } from "../../domain/view/reacting.ts"
import type { EnvelopeOf, EventOf } from "../../domain/View.ts"
import * as encoder from "../../internal/encoder.ts"
import { type Message, Publisher } from "../../ports/Publisher.ts"
import type { Start } from "./consuming/start.ts"
import type { Reactor } from "./Reactor.ts"

/** The publisher had no time left for a message. */
class Held extends Data.TaggedError("Held")<{ readonly isRetryable: true; readonly message: string }> {}

/** A publication, made by {@link make}. `Reactor.layer` runs it. */
export interface Publication<Name extends string, S extends Source> extends Omit<
  Reactor<string, EventOf<S>, EnvelopeOf<S>, Publisher>,
  "name"
> {
  /** The name with its kind: `publication/orders.v1`. */
  readonly name: `publication/${Name}`
  /** What it promises to others, for `PublicationCatalogue`. */
  readonly contract: Contract
}

/**
 * Makes a publication: `map` makes one, several or no public events of an event, each of which is in `contract`. They are
 * published in the order of their key, at least once. The event determines the ids of its messages. A
 * repetition has the same ids.
 *
 * The name has words of letters, digits, `_` and `-` with `.` between them, and says the version of the contract:
 * `orders.v1`. What changes the contract so that its readers must change is another publication, `orders.v2`, which runs
 * beside it. A public event that has changed otherwise is a chain of its versions: a message says the latest one.
 *
 * `source` says where the messages come from: a URI or a part of one. By default `key` is the event's stream. While the
 * receiver cannot be reached, or asks to wait, a message waits, and with it those of its key. `onPoison` decides about
 * one that the receiver refuses, and about a public event that does not match its schema; it is `stop` by default.
 *
 * @example
 * ```ts
 * import { type Aggregate, Publication } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * type OrderEvent = { readonly _tag: "Placed"; readonly cents: number } | { readonly _tag: "Noted"; readonly text: string }
 * declare const Order: Aggregate.Aggregate<"Order", string, string, never, OrderEvent, never>
 *
 * class OrderPlaced extends Schema.TaggedClass<OrderPlaced>()("OrderPlaced", { order: Schema.String, cents: Schema.Int }) {}
 *
 * const OrdersV1 = Publication.make("orders.v1", {
 *   from: [Order],
 *   start: "beginning",
 *   source: "/shop/orders",
 *   contract: [OrderPlaced],
 *   map: (event, { id }) => (event._tag === "Placed" ? new OrderPlaced({ order: id, cents: event.cents }) : [])
 * })
 *
 * OrdersV1.name // "publication/orders.v1"
 * ```
 */
export const make = <
  const Name extends string,
  const S extends Source,
  const Public extends ReadonlyArray<Declaration>
>(
  name: Name,
  definition: {
    readonly from: ReadonlyArray<S>
    readonly start: Start
    readonly source: string
    readonly contract: Public
    readonly map: (
      event: EventOf<NoInfer<S>>,
      envelope: EnvelopeOf<NoInfer<S>>
    ) => TypeOf<NoInfer<Public>> | ReadonlyArray<TypeOf<NoInfer<Public>>>
    readonly version?: number
    readonly key?: (event: EventOf<NoInfer<S>>, envelope: EnvelopeOf<NoInfer<S>>) => string
    readonly keyVersion?: number
    readonly retry?: Schedule.Schedule<unknown, unknown>
    readonly onPoison?: OnPoison
    readonly imported?: "pass" | "react"
  }
): Publication<Name, S> => {
  const {
    contract,
    from,
    imported = "pass",
    key,
    keyVersion,
    map,
    onPoison = "stop",
    retry,
    source,
    start,
    version = 1
  } = definition
  const schemas = byTag(name, "contract", contract.map(currentOf))
  const versions = new Map(
    contract.map((each) => [tagOf(name, "contract", currentOf(each)), isChain(each) ? each.version : 1] as const)
  )
  const encoders = new Map(Array.from(schemas, ([tag, schema]) => [tag as string, encoder.make(schema)]))
  const consumer = consumerOf({
    kind: "publication",
    name,
    version,
    sources: from,
    handlers: ["*"],
    key: key as never,
    keyVersion
  })

  const messages = (event: EventOf<S>, envelope: EnvelopeOf<S>): Result.Result<ReadonlyArray<Message>, Error> => {
    const { eventId, metadata, part, recordedAt } = envelope as Envelope<string, unknown>
    const made = map(event as never, envelope as never)
    const all = (Array.isArray(made) ? made : [made]) as ReadonlyArray<{ readonly _tag: string }>
    return Result.all(
      all.map((each, index) => {
        const encode = encoders.get(each._tag)
        if (encode === undefined)
          return Result.fail(new Error(`the event ${each._tag} is not in the contract of ${name}`))
        return Result.map(
          Result.mapError(
            encode(each as never),
            (cause) => new Error(`the public event ${each._tag}: ${String(cause)}`)
          ),
          (body): Message => ({
            id: `${eventId}-${part}-${index}`,
            source,
            publication: name,
            type: each._tag,
            key: keyOf(event, envelope),
            time: recordedAt,
            schemaVersion: versions.get(each._tag) ?? 1,
            correlationId: metadata.correlationId,
            causationId: eventId,
            body
          })
        )
      })
    )
  }
  const keyOf = (event: EventOf<S>, envelope: EnvelopeOf<S>): string =>
    key === undefined ? (envelope as Envelope<string, unknown>).streamId : key(event as never, envelope as never)

  return {
    ...consumer,
    name: `publication/${name}`,
    contract: { name, source, schemas: declarationsOf(name, contract) },
    start: checkedStart(name, start),
    onPoison,
    imported,
    retry,
    handle: (event, envelope) =>
      Effect.gen(function* () {
        const all = yield* Effect.fromResult(messages(event, envelope))
        if (all.length === 0) return
        const outcomes = yield* Publisher.use(({ publish }) => publish(all))
        // What was taken is published again with what was not: its id tells.
        for (const outcome of outcomes) if (outcome._tag === "Failed") return yield* outcome.error
        if (outcomes.some(({ _tag }) => _tag === "Held")) {
          return yield* new Held({
            isRetryable: true,
            message: `${name}: the publisher had no time left for a message`
          })
        }
      })
  }
}
