/** The payment provider, the warehouse and the mails of the orders, as a process of a round reaches them. */
import { type Answer, Mails, PaymentProvider, Unavailable, Warehouse } from "@hexfold/example-orders"
import { Effect, Layer, Stream } from "effect"

const askingAt =
  (url: string) =>
  (path: string, body: object = {}): Effect.Effect<unknown, Unavailable> =>
    Effect.tryPromise({
      try: async (signal) => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(5_000)])
        const response = await fetch(`${url}/${path}`, { method: "POST", body: JSON.stringify(body), signal: limit })
        const result: unknown = await response.json()
        if (!response.ok) throw new Error(`status ${response.status}`)
        return result
      },
      catch: (cause) => new Unavailable({ who: path, cause: String(cause) })
    })

/** All three, at an address. */
export const outsideAt = (url: string) => {
  const ask = askingAt(url)
  const provider = PaymentProvider.of({
    charge: ({ cents, key, payment }) => Effect.asVoid(ask("charge", { key, about: payment, text: String(cents) })),
    reverse: ({ key, payment }) => Effect.asVoid(ask("reverse", { key, about: payment, text: "" })),
    answers: Stream.fromIterableEffectRepeat(
      Effect.delay(ask("answers") as Effect.Effect<ReadonlyArray<Answer>, Unavailable>, "100 millis")
    ),
    acknowledge: ({ id }) => Effect.asVoid(ask("acknowledge", { id }))
  })
  return Layer.mergeAll(
    Layer.succeed(PaymentProvider, provider),
    Layer.succeed(Warehouse, {
      pack: ({ key, order }) => ask("pack", { key, about: order, text: "" }) as Effect.Effect<string, Unavailable>
    }),
    Layer.succeed(Mails, {
      send: ({ key, text, to }) => Effect.asVoid(ask("send", { key, about: to, text }))
    })
  )
}
