/** What stands outside of the store: the payment provider, the warehouse and the mails. All of them are called at least once. */
import { Context, Data, type Effect, type Stream } from "effect"

/** Somebody outside does not answer. Ask again later. */
export class Unavailable extends Data.TaggedError("Unavailable")<{ readonly who: string; readonly cause?: unknown }> {}

/** What the provider says of a payment, sooner or later, once or more often. The id is that of the message. */
export interface Answer {
  readonly id: string
  readonly payment: string
  readonly outcome:
    | { readonly _tag: "Charged"; readonly reference: string }
    | { readonly _tag: "Refused"; readonly reason: string }
}

/** Charges cards. A request that comes again under its key is answered as at first, and does nothing. */
export class PaymentProvider extends Context.Service<
  PaymentProvider,
  {
    /** Asks to charge a card. The answer comes later. */
    readonly charge: (request: {
      readonly key: string
      readonly payment: string
      readonly cents: number
    }) => Effect.Effect<void, Unavailable>
    /** Takes a charge back. One that comes later is refused. */
    readonly reverse: (request: { readonly key: string; readonly payment: string }) => Effect.Effect<void, Unavailable>
    /** The answers. Each comes again until it is acknowledged. */
    readonly answers: Stream.Stream<Answer, Unavailable>
    readonly acknowledge: (answer: Answer) => Effect.Effect<void, Unavailable>
  }
>()("PaymentProvider") {}

/** Packs parcels, and gives them to the carrier. Asked again under its key, it gives the same tracking number. */
export class Warehouse extends Context.Service<
  Warehouse,
  { readonly pack: (request: { readonly key: string; readonly order: string }) => Effect.Effect<string, Unavailable> }
>()("Warehouse") {}

export interface Mail {
  readonly key: string
  readonly to: string
  readonly text: string
}

/** Sends mails. One that comes again under its key is not sent again. */
export class Mails extends Context.Service<
  Mails,
  { readonly send: (mail: Mail) => Effect.Effect<void, Unavailable> }
>()("Mails") {}
