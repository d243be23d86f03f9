/** Takes in what the provider answers. */
import { Executor } from "@hexfold/core"
import { Effect, Layer, Schedule, Stream } from "effect"
import { type Answer, PaymentProvider } from "./outside.ts"
import { Confirm, Payment, Refuse } from "./Payment.ts"

/** Records an answer. The id of the message is that of the command: a message that comes twice has one effect. */
export const take = ({ id, outcome, payment }: Answer) =>
  Executor.execute(
    Payment,
    payment,
    outcome._tag === "Charged" ? new Confirm({ reference: outcome.reference }) : new Refuse({ reason: outcome.reason }),
    { commandId: `answer of the provider: ${id}` }
  )

/** Takes answers in for as long as the program lives. An answer is acknowledged after it is recorded, so no answer is lost. */
export const Answers = Layer.effectDiscard(
  Effect.gen(function* () {
    const { acknowledge, answers } = yield* PaymentProvider
    yield* answers.pipe(
      Stream.runForEach((answer) => Effect.andThen(take(answer), acknowledge(answer))),
      Effect.tapError((error) => Effect.logWarning("the answers of the provider wait", error)),
      Effect.retry(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
  })
)
