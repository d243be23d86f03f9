/**
 * How long 120 guests take to check out, guest by guest and in one step, on a Postgres that this program starts: once while
 * nobody else does anything, and once while guests of the group still pay small sums.
 *   npm run measure --workspace @hexfold/example-hotel
 */
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { Executor, Reactor } from "@hexfold/core"
import { Console, Effect, Layer, Random, Schedule } from "effect"
import { CheckOutTogether } from "./CheckOutTogether.ts"
import { BeginCheckOut, Group } from "./Group.ts"
import { groupCheckOut } from "./GroupCheckOut.ts"
import { CheckIn, Pay, Stay } from "./Stay.ts"

const size = 120
const rounds = 15
/** The first rounds warm up, and do not count. */
const warm = 3
/** How many payments a second come in from guests of the group. */
const busy = 100

const arrive = (group: string) => {
  const guests = Array.from({ length: size }, (_, i) => `${group}-${i}`)
  const arriving = Effect.forEach(guests, (guest) => Executor.execute(Stay, guest, new CheckIn({ group })), {
    concurrency: 16,
    discard: true
  })
  return Effect.as(arriving, guests)
}

const guestByGuest = (group: string, guests: ReadonlyArray<string>) =>
  Executor.execute(Group, group, new BeginCheckOut({ guests })).pipe(
    Effect.andThen(
      Executor.load(Group, group).pipe(
        Effect.repeat({ until: ({ state }) => state._tag !== "Leaving", schedule: Schedule.spaced("5 millis") })
      )
    ),
    Effect.map(({ state }) => state._tag === "Left")
  )

const inOneStep = (group: string, guests: ReadonlyArray<string>) =>
  Executor.execute(CheckOutTogether, { _tag: "CheckOutTogether", group, guests }).pipe(
    Effect.as(true),
    Effect.catchTag("ConcurrencyConflict", () => Effect.succeed(false))
  )

/** Small sums that guests of the group pay, until they are gone. */
const paying = (guests: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const at = yield* Random.nextIntBetween(0, guests.length - 1)
    yield* Effect.forkChild(Effect.ignore(Executor.execute(Stay, guests[at]!, new Pay({ cents: 1 }))))
  }).pipe(Effect.repeat(Schedule.spaced(1_000 / busy)))

const medianOf = (times: ReadonlyArray<number>) => {
  const sorted = times.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN)
}

const measure = <E, R>(
  name: string,
  checkOut: (group: string, guests: ReadonlyArray<string>) => Effect.Effect<boolean, E, R>,
  isBusy: boolean
) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    let refused = 0
    for (let round = 0; round < warm + rounds; round++) {
      const group = `${name.replaceAll(" ", "-")}-${isBusy}-${round}`
      const guests = yield* arrive(group)
      const begun = performance.now()
      const isOut = yield* isBusy
        ? Effect.raceFirst(checkOut(group, guests), paying(guests) as Effect.Effect<never>)
        : checkOut(group, guests)
      if (round < warm) continue
      if (isOut) times.push(performance.now() - begun)
      else refused++
    }
    const outcome = refused === 0 ? "" : `, and ${refused} of ${rounds} were given up after conflicts`
    yield* Console.log(`${name}, ${isBusy ? `${busy} payments/s` : "alone"}: ${medianOf(times)} ms${outcome}`)
  })

const program = Effect.gen(function* () {
  for (const isBusy of [false, true]) {
    yield* measure("guest by guest", guestByGuest, isBusy)
    yield* measure("in one step", inOneStep, isBusy)
  }
})

const stores = PgStores.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient()), Layer.orDie)
const layer = Reactor.layer([groupCheckOut("2 hours")]).pipe(Layer.provideMerge(stores))
await Effect.runPromise(Effect.provide(program, layer))
