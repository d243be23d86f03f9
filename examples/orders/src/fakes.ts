/** A provider, a warehouse and a mail server that live in this process, and tell what they did. */
import { Console, type Duration, Effect, Layer, Queue, Stream } from "effect"
import { type Answer, Mails, PaymentProvider, Warehouse } from "./outside.ts"

/** How the provider behaves for a payment. */
export type Behaviour = "prompt" | "twice" | "late" | "never" | "refuses"

/** When the provider answers; `undefined` for never. */
export interface Manner {
  readonly behaviourOf: (payment: string) => Behaviour
  readonly prompt: Duration.Input
  readonly late: Duration.Input
}

/** A charge, as the provider has it. */
interface Charge {
  readonly cents: number
  isReversed: boolean
}

const makeProvider = ({ behaviourOf, late, prompt }: Manner) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const outgoing = yield* Queue.unbounded<Answer>()
    const charges = new Map<string, Charge>()
    const reversed = new Set<string>()
    const keys = new Set<string>()
    /** Does something once for each key. */
    const once = (key: string, effect: Effect.Effect<void>) =>
      Effect.suspend(() => {
        if (keys.has(key)) return Effect.void
        keys.add(key)
        return effect
      })
    const answer = (given: Answer, after: Duration.Input) =>
      Effect.asVoid(Effect.forkIn(Effect.delay(Queue.offer(outgoing, given), after), scope))

    return PaymentProvider.of({
      charge: ({ cents, key, payment }) =>
        once(
          key,
          Effect.suspend(() => {
            const behaviour = behaviourOf(payment)
            if (behaviour === "refuses") {
              return answer({ id: key, payment, outcome: { _tag: "Refused", reason: "card expired" } }, prompt)
            }
            if (reversed.has(payment)) return Effect.void
            charges.set(payment, { cents, isReversed: false })
            const charged: Answer = { id: key, payment, outcome: { _tag: "Charged", reference: `r-${payment}` } }
            switch (behaviour) {
              case "never":
                return Effect.void
              case "late":
                return answer(charged, late)
              case "twice":
                return Effect.andThen(answer(charged, prompt), answer(charged, prompt))
              default:
                return answer(charged, prompt)
            }
          })
        ),
      reverse: ({ key, payment }) =>
        once(
          key,
          Effect.suspend(() => {
            reversed.add(payment)
            const charge = charges.get(payment)
            if (charge === undefined || charge.isReversed) return Effect.void
            charge.isReversed = true
            return Console.log(`  provider: ${charge.cents} cents of ${payment} go back`)
          })
        ),
      answers: Stream.fromQueue(outgoing),
      acknowledge: ({ payment }) => Console.log(`  provider: has told us of ${payment}`)
    })
  })

const makeMails = Effect.sync(() => {
  const keys = new Set<string>()
  return Mails.of({
    send: ({ key, text, to }) =>
      Effect.suspend(() => {
        if (keys.has(key)) return Effect.void
        keys.add(key)
        return Console.log(`  mail to ${to}: ${text}`)
      })
  })
})

const makeWarehouse = Warehouse.of({
  pack: ({ order }) => Effect.delay(Effect.succeed(`T-${order}`), "100 millis")
})

/** The three of them. */
export const fakes = (manner: Manner) =>
  Layer.mergeAll(
    Layer.effect(PaymentProvider, makeProvider(manner)),
    Layer.effect(Mails, makeMails),
    Layer.succeed(Warehouse, makeWarehouse)
  )
