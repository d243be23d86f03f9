/** An account with 100,000 movements: how long a command takes with and without snapshots, on an embedded Postgres. */
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { EventStore, Executor, Snapshots } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Console, Duration, Effect, Layer, Result } from "effect"
import { Account, AccountId, AccountOpened, Deposit, MoneyDeposited, MoneyWithdrawn } from "./Account.ts"

const movements = 100_000
const id = AccountId.make("long")
const { encode } = EventCodec.of(Account)

const newEvent = (event: AccountOpened | MoneyDeposited | MoneyWithdrawn): EventStore.NewEvent => {
  const eventId = crypto.randomUUID()
  const metadata = { correlationId: eventId, causationId: eventId }
  return { ...Result.getOrThrow(encode(event)), id: eventId, metadata }
}

// The history of the account is appended as it is. As commands it would take minutes.
const fill = Effect.gen(function* () {
  const { append } = yield* EventStore.EventStore
  const write = (events: ReadonlyArray<EventStore.NewEvent>) =>
    append({ conditions: [], parts: [{ writes: [{ streamId: Account.streamId(id), events }] }] })
  yield* write([newEvent(new AccountOpened({ owner: "Anna" }))])
  const page = Array.from({ length: 1_000 }, (_, i) => i)
  for (let done = 0; done < movements; done += page.length) {
    yield* write(
      page.map((i) => newEvent(i % 2 === 0 ? new MoneyDeposited({ cents: 3 }) : new MoneyWithdrawn({ cents: 1 })))
    )
  }
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
  yield* timed("with a snapshot of an earlier program run").pipe(Effect.provide(Snapshots.layer({ of: [Account] })))
})

const Stores = PgStores.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient()))

await Effect.runPromise(Effect.provide(program, Stores))
