import { Aggregate, Decision, EventStore, Executor, type Publisher, Topic } from "@hexfold/core"
import type { NatsInbox } from "@hexfold/publishers/nats"
import { Effect, Schema, Stream } from "effect"

const Charge = Schema.TaggedStruct("Charge", { cents: Schema.Int })
const Charged = Schema.TaggedStruct("Charged", { cents: Schema.Int })
/** Nobody is charged so much. */
class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", {}) {}

/** What the receiving application keeps: a bill for each key. */
const Bill = Aggregate.make("Bill", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Charge],
  events: [Charged],
  errors: [TooMuch],
  decide: {
    Charge: ({ cents }) => (cents > 1_000 ? Decision.reject(new TooMuch()) : Decision.accept(Charged.make({ cents })))
  },
  evolve: { Charged: (sum, { cents }) => sum + cents }
})

/** Where it keeps messages that it cannot handle. */
const DeadMessages = Topic.make("DeadMessages", {
  key: Schema.String,
  events: [Schema.TaggedStruct("Dead", { reason: Schema.String, payload: Schema.String })]
})

const Body = Schema.Struct({ cents: Schema.Int })

/** Executes a message as a command. */
export const charge = (message: Publisher.Message, commandId: string) =>
  Effect.gen(function* () {
    const { cents } = yield* Schema.decodeUnknownEffect(Body)(message.body)
    return yield* Executor.execute(Bill, message.key, Charge.make({ cents }), { commandId })
  }).pipe(Effect.catchTag("TooMuch", () => Effect.void))

/** Records a message that cannot be handled. */
export const putAside = ({ id, payload, reason, subject }: NatsInbox.Poison) =>
  Executor.publish(DeadMessages, subject, { _tag: "Dead", reason, payload }, { commandId: id }).pipe(
    Effect.catchTag("CommandIdReused", () => Effect.void)
  )

/** The events of the receiving application, in their order: the stream, and what was charged or why not. */
export const recorded = Effect.gen(function* () {
  const { readAll } = yield* EventStore.EventStore
  return (yield* Stream.runCollect(readAll())).map(({ data, streamId }) => {
    const { cents, reason } = data as { readonly cents?: number; readonly reason?: string }
    return `${streamId} ${cents ?? reason}`
  })
})
