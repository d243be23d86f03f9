/**
 * How long 120 guests take to check out, guest by guest and in one step, on a Postgres that this program starts: once while
 * nobody else does anything, and once while guests of the group go on paying small sums.
 *   npm run measure --workspace @hexfold/example-hotel
 */
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { type EventStore, Executor, Reactor } from "@hexfold/core"
import { Console, Effect, Layer, Random, Schedule } from "effect"
import { CheckOutTogether } from "./CheckOutTogether.ts"
import { BeginCheckOut, Group } from "./Group.ts"
import { groupCheckOut } from "./GroupCheckOut.ts"
import { CheckIn, Pay, Stay } from "./Stay.ts"

const size = 120
const rounds = 11
/** The first rounds warm up, and do not count. */
const warm = 2
/** How many desks take payments from guests of the group, one after the other, in the second part. */
const desks = 4

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

/** Small sums that guests of the group pay, one after the other, until they are gone. */
const paying = (guests: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const at = yield* Random.nextIntBetween(0, guests.length - 1)
    yield* Effect.ignore(Executor.execute(Stay, guests[at]!, new Pay({ cents: 1 })))
  }).pipe(Effect.forever)

type Way = (group: string, guests: ReadonlyArray<string>) => Effect.Effect<boolean, unknown, EventStore.EventStore>

const ways: Readonly<Record<string, Way>> = { "guest by guest": guestByGuest, "in one step": inOneStep }

/** How a way has gone, in milliseconds for each group that is gone. */
interface Gone {
  readonly times: Array<number>
  refused: number
}

const quantile = (times: ReadonlyArray<number>, q: number) =>
  Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length * q)] ?? Number.NaN)

const program = Effect.gen(function* () {
  for (const payers of [0, desks]) {
    const gone = new Map<string, Gone>()
    // The ways take turns, so that what else the machine does concerns both.
    for (let round = 0; round < warm + rounds; round++) {
      for (const [name, checkOut] of Object.entries(ways)) {
        const group = `${name.replaceAll(" ", "-")}-${payers}-${round}`
        const guests = yield* arrive(group)
        const others = Effect.all(
          Array.from({ length: payers }, () => paying(guests)),
          { concurrency: "unbounded" }
        )
        const begun = performance.now()
        const isGone = yield* payers === 0
          ? checkOut(group, guests)
          : Effect.raceFirst(checkOut(group, guests), Effect.andThen(others, Effect.never))
        const seen: Gone = gone.get(name) ?? { times: [], refused: 0 }
        gone.set(name, seen)
        if (round < warm) continue
        if (isGone) seen.times.push(performance.now() - begun)
        else seen.refused++
      }
    }
    for (const [name, { refused, times }] of gone) {
      const given = refused === 0 ? "" : `, and ${refused} of ${rounds} were given up after conflicts`
      const meanwhile = payers === 0 ? "alone" : `while ${payers} desks take payments`
      yield* Console.log(
        `${name}, ${meanwhile}: median ${quantile(times, 0.5)} ms, from ${quantile(times, 0)} to ${quantile(times, 0.99)}${given}`
      )
    }
  }
})

const stores = PgStores.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient()), Layer.orDie)
const layer = Reactor.layer([groupCheckOut("2 hours")]).pipe(Layer.provideMerge(stores))
await Effect.runPromise(Effect.provide(program, layer))
