// A user's first program: compiled against the packed types and run on the packed JavaScript by check.mjs.
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { PgEventStore } from "@hexfold/adapters-pg"
import { Aggregate, Decision, Executor } from "@hexfold/core"
import { Webhook } from "@hexfold/publishers/http"
import { NatsMessage } from "@hexfold/publishers/nats"
import { Scenario } from "@hexfold/testing"
import { Effect, Schema } from "effect"

export class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
export class Incremented extends Schema.TaggedClass<Incremented>()("Incremented", { by: Schema.Int }) {}
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}

// Exported, like all that is inferred here: the compiler must be able to write each type down in a declaration file.
export const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Increment],
  events: [Incremented],
  errors: [TooLarge],
  decide: {
    Increment: ({ by }, count) =>
      count + by > 100 ? Decision.reject(new TooLarge({ limit: 100 })) : Decision.accept(new Incremented({ by }))
  },
  evolve: { Incremented: (count, { by }) => count + by }
})

const scenario = Scenario.of(Counter).given(new Incremented({ by: 1 }))
scenario.when(new Increment({ by: 2 })).then(new Incremented({ by: 2 }))
scenario.when(new Increment({ by: 100 })).thenRejected(new TooLarge({ limit: 100 }))

export const program = Effect.gen(function* () {
  const { version } = yield* Executor.execute(Counter, "a", new Increment({ by: 3 }))
  const { _tag, limit } = yield* Executor.execute(Counter, "a", new Increment({ by: 98 })).pipe(
    Effect.flip,
    Effect.filterOrFail((error) => error._tag === "TooLarge")
  )
  const { state } = yield* Executor.load(Counter, "a")
  return { version, _tag, limit, state }
})

// A type that does not resolve is `any` to a compiler that skips the checks of libraries: then these lines compile.
// @ts-expect-error an event is no command
export const notACommand = Executor.execute(Counter, "a", new Incremented({ by: 1 }))
// @ts-expect-error the error of the aggregate is one of those to handle
export const unhandled: Effect.Effect<unknown, never, unknown> = Effect.asVoid(program)
// @ts-expect-error connecting can fail
export const postgres: ReturnType<typeof MemoryEventStore.layer> = PgEventStore.layerConfig()
// @ts-expect-error a secret is redacted
export const webhook = Webhook.make({ secrets: ["whsec_"] })

const subject = NatsMessage.subjectOf("orders.v1", "a.b")
if (subject !== "orders.v1.a%2Eb") throw new Error(subject)
const outcome = JSON.stringify(await Effect.runPromise(Effect.provide(program, MemoryEventStore.layer())))
if (outcome !== `{"version":1,"_tag":"TooLarge","limit":100,"state":3}`) throw new Error(outcome)
