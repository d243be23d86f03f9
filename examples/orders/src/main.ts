/**
 * Orders of several fates, and what happens to each.
 *   npm start --workspace @hexfold/example-orders                     in memory
 *   npm start --workspace @hexfold/example-orders -- --embedded       on a Postgres that it starts
 *   npm start --workspace @hexfold/example-orders -- --database-url postgres://...
 */
import { PgClient } from "@effect/sql-pg"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { Executor, Reactor, Subscription } from "@hexfold/core"
import { Console, Effect, Layer, Redacted, Schedule, Stream } from "effect"
import { parseArgs } from "node:util"
import { Answers } from "./answers.ts"
import { Books } from "./Books.ts"
import { type Behaviour, fakes } from "./fakes.ts"
import { fulfilment } from "./Fulfilment.ts"
import { NotOpen, Order, Place, Withdraw } from "./Order.ts"
import { Payment } from "./Payment.ts"
import { CallProvider, KeepBooks, PackParcels, SendMail } from "./reactors.ts"
import { Shipment } from "./Shipment.ts"
import { Receive, Stock } from "./Stock.ts"

/** The orders, with what the provider will make of them. */
const orders: ReadonlyArray<readonly [id: string, item: string, behaviour: Behaviour]> = [
  ["plain", "lamp", "prompt"],
  ["told-twice", "lamp", "twice"],
  ["refused", "lamp", "refuses"],
  ["sold-out", "piano", "prompt"],
  ["withdrawn", "lamp", "never"],
  ["too-late", "lamp", "late"],
  ["unheard", "lamp", "never"]
]

const behaviourOf = (payment: string) => orders.find(([id]) => id === payment)?.[2] ?? "prompt"

/** Three seconds take the place of half an hour, so that the program ends. */
const Fulfilment = fulfilment({ unpaid: "3 seconds", unshipped: "1 minute" })

const reacting = Layer.mergeAll(
  Reactor.layer([Fulfilment, CallProvider, PackParcels, KeepBooks, SendMail]),
  Answers
).pipe(Layer.provide(fakes({ behaviourOf, prompt: "200 millis", late: "4 seconds" })))

const told = Subscription.events([Order, Stock, Payment, Shipment, Books]).pipe(
  Stream.runForEach(({ data: { _tag, ...fields }, streamId }) =>
    Console.log(`${streamId}: ${_tag} ${JSON.stringify(fields)}`)
  )
)

/** The order when it is not open any more. */
const ended = (id: string) =>
  Executor.load(Order, id).pipe(
    Effect.repeat({ until: ({ state }) => state._tag !== "Open", schedule: Schedule.spaced("100 millis") }),
    Effect.map(({ state }) => state)
  )

const program = Effect.gen(function* () {
  yield* Effect.forkScoped(told)
  yield* Executor.execute(Stock, "lamp", new Receive({ quantity: 10 }))
  for (const [id, item] of orders) {
    yield* Executor.execute(Order, id, new Place({ customer: "anna", item, quantity: 1, cents: 4_900 }))
  }
  yield* Executor.execute(Order, "withdrawn", new Withdraw())

  for (const [id] of orders) {
    const state = yield* ended(id)
    yield* Console.log(`=> ${id}: ${state._tag === "Cancelled" ? `cancelled, ${state.why}` : state._tag}`)
  }
  // The answer that comes too late changes nothing any more.
  yield* Effect.sleep("2 seconds")
  const lamps = yield* Executor.load(Stock, "lamp")
  yield* Console.log(`=> ${lamps.state.available} lamps are left, ${lamps.state.reserved.length} are reserved`)
  yield* Console.log(`=> the books say ${(yield* Executor.load(Books, "sales")).state} cents`)
  const tooLate = yield* Effect.flip(Executor.execute(Order, "plain", new Withdraw()))
  if (tooLate instanceof NotOpen) yield* Console.log(`=> the plain one cannot be withdrawn: it is ${tooLate.status}`)
})

const { values } = parseArgs({ options: { embedded: { type: "boolean" }, "database-url": { type: "string" } } })
const url = values["database-url"]
const database = url === undefined ? EmbeddedPostgres.layerClient() : PgClient.layer({ url: Redacted.make(url) })
const stores =
  values.embedded === true || url !== undefined
    ? PgStores.layer().pipe(Layer.provide(database), Layer.orDie)
    : MemoryStores.layer()

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(reacting.pipe(Layer.provideMerge(stores)))))
