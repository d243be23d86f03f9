/**
 * Two groups check out: one guest by guest, one in a single step.
 *   npm start --workspace @hexfold/example-hotel                     in memory
 *   npm start --workspace @hexfold/example-hotel -- --embedded       on a Postgres that it starts
 *   npm start --workspace @hexfold/example-hotel -- --database-url postgres://...
 */
import { PgClient } from "@effect/sql-pg"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { Executor, Reactor, Subscription } from "@hexfold/core"
import { Console, Effect, Layer, Redacted, Schedule, Stream } from "effect"
import { parseArgs } from "node:util"
import { CheckOutTogether } from "./CheckOutTogether.ts"
import { BeginCheckOut, Group } from "./Group.ts"
import { groupCheckOut } from "./GroupCheckOut.ts"
import { Charge, CheckIn, Pay, Stay } from "./Stay.ts"

/** Three seconds take the place of two hours, so that the program ends. */
const GroupCheckOut = groupCheckOut("3 seconds")

const told = Subscription.events([Group, Stay]).pipe(
  Stream.runForEach(({ data: { _tag, ...fields }, streamId }) =>
    Console.log(`${streamId}: ${_tag} ${JSON.stringify(fields)}`)
  )
)

/** A group whose guests have had something from the bar. Ben and Carla have not paid for it yet. */
const arrive = (group: string) =>
  Effect.gen(function* () {
    const guests = ["anna", "ben", "carla", "dora"].map((name) => `${name}-of-${group}`)
    for (const guest of guests) {
      yield* Executor.execute(Stay, guest, new CheckIn({ group }))
      yield* Executor.execute(Stay, guest, new Charge({ cents: 800 }))
      if (!/ben|carla/.test(guest)) yield* Executor.execute(Stay, guest, new Pay({ cents: 800 }))
    }
    return guests
  })

const program = Effect.gen(function* () {
  yield* Effect.forkScoped(told)

  const painters = yield* arrive("painters")
  yield* Executor.execute(Group, "painters", new BeginCheckOut({ guests: painters }))
  yield* Effect.sleep("500 millis")
  yield* Executor.execute(Stay, "ben-of-painters", new Pay({ cents: 800 }))
  const { state } = yield* Executor.load(Group, "painters").pipe(
    Effect.repeat({ until: ({ state }) => state._tag !== "Leaving", schedule: Schedule.spaced("100 millis") })
  )
  yield* Console.log(
    `=> painters: ${state._tag}${state._tag === "Incomplete" ? `, without ${state.unsettled.join()}` : ""}`
  )

  const dancers = yield* arrive("dancers")
  const together = Executor.execute(CheckOutTogether, { _tag: "CheckOutTogether", group: "dancers", guests: dancers })
  const refused = yield* Effect.flip(together)
  if (refused._tag === "NotAllReady") yield* Console.log(`=> dancers: all wait for ${refused.unsettled.join(" and ")}`)
  for (const name of ["ben", "carla"]) yield* Executor.execute(Stay, `${name}-of-dancers`, new Pay({ cents: 800 }))
  const { events, streams } = yield* together
  yield* Console.log(`=> dancers: ${events.length} events in ${streams.length} streams, in one step`)
  yield* Effect.sleep("500 millis")
})

const { values } = parseArgs({ options: { embedded: { type: "boolean" }, "database-url": { type: "string" } } })
const url = values["database-url"]
const database = url === undefined ? EmbeddedPostgres.layerClient() : PgClient.layer({ url: Redacted.make(url) })
const stores =
  values.embedded === true || url !== undefined
    ? PgStores.layer().pipe(Layer.provide(database), Layer.orDie)
    : MemoryStores.layer()

const layer = Reactor.layer([GroupCheckOut]).pipe(Layer.provideMerge(stores))
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(layer)))
