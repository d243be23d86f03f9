/** An account with 100,000 movements: how long a command takes with and without snapshots, on an embedded Postgres. */
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { EventStore, Executor, Snapshots } from "@hexfold/core"
import { Console, Duration, Effect, Layer, type Schema } from "effect"
import { Account, AccountId, Deposit } from "./Account.ts"

const movements = 100_000
const id = AccountId.make("long")
const newEvent = (type: string, data: Schema.Json): EventStore.NewEvent => {
  const eventId = crypto.randomUUID()
  return { id: eventId, type, data, metadata: { correlationId: eventId, causationId: eventId } }
}

const movement = (i: number) =>
  i % 2 === 0 ? newEvent("MoneyDeposited", { cents: 3 }) : newEvent("MoneyWithdrawn", { cents: 1 })

// The history of the account is appended as it is. As commands it would take minutes.
const fill = Effect.gen(function* () {
  const { append } = yield* EventStore.EventStore
  const write = (events: ReadonlyArray<EventStore.NewEvent>) =>
    append({ conditions: [], parts: [{ writes: [{ streamId: Account.streamId(id), events }] }] })
  yield* write([newEvent("AccountOpened", { owner: "Anna" })])
  for (let done = 0; done < movements; done += 1_000) yield* write(Array.from({ length: 1_000 }, (_, i) => movement(i)))
})

const deposit = Executor.execute(Account, id, new Deposit({ cents: 1 }))

const timed = (what: string) =>
  Effect.gen(function* () {
    const [took, { version }] = yield* Effect.timed(deposit)
    yield* Console.log(
      `${what}: a deposit, event ${version} of the account, took ${Math.round(Duration.toMillis(took))} ms`
    )
  })

const program = Effect.gen(function* () {
  yield* fill
  yield* timed("without snapshots")
  yield* timed("without snapshots")
  yield* Effect.gen(function* () {
    yield* timed("the first one with snapshots, which reads all and saves one")
    for (let i = 0; i < 3; i++) yield* timed("with snapshots")
  }).pipe(Effect.provide(Snapshots.layer({ every: 1, of: [Account] })))
  yield* timed("without snapshots again")
  yield* timed("with the snapshots of before, as after a start").pipe(
    Effect.provide(Snapshots.layer({ of: [Account] }))
  )
})

const Stores = PgStores.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient()))

await Effect.runPromise(Effect.provide(program, Stores))
