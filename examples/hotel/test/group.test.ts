import { expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Executor, Reactor } from "@hexfold/core"
import { Effect, Layer, Schedule } from "effect"
import { CheckOutTogether } from "../src/CheckOutTogether.ts"
import { BeginCheckOut, Group } from "../src/Group.ts"
import { groupCheckOut } from "../src/GroupCheckOut.ts"
import { Charge, CheckIn, Pay, Stay } from "../src/Stay.ts"

/** A group of 120. Every tenth guest has had something from the bar, and has not paid for it. */
const arrive = (group: string) =>
  Effect.gen(function* () {
    const guests = Array.from({ length: 120 }, (_, i) => `${group}-${i}`)
    for (const guest of guests) yield* Executor.execute(Stay, guest, new CheckIn({ group }))
    const debtors = guests.filter((_, i) => i % 10 === 0)
    for (const guest of debtors) yield* Executor.execute(Stay, guest, new Charge({ cents: 800 }))
    const pay = (guest: string) => Executor.execute(Stay, guest, new Pay({ cents: 800 }))
    return { guests, debtors, pay }
  })

const stateOf = (guest: string) => Effect.map(Executor.load(Stay, guest), ({ state }) => state._tag)

const ended = (group: string) =>
  Executor.load(Group, group).pipe(
    Effect.repeat({ until: ({ state }) => state._tag !== "Leaving", schedule: Schedule.spaced("20 millis") }),
    Effect.map(({ state }) => state)
  )

const hotel = (patience: "1 hour" | "2 seconds") =>
  Effect.provide(Reactor.layer([groupCheckOut(patience)]).pipe(Layer.provideMerge(MemoryStores.layer())))

it.live("120 guests check out one by one, and those who pay later follow", () =>
  Effect.gen(function* () {
    const { debtors, guests, pay } = yield* arrive("painters")
    yield* Executor.execute(Group, "painters", new BeginCheckOut({ guests }))
    for (const guest of debtors) yield* pay(guest)
    expect(yield* ended("painters")).toEqual({ _tag: "Left" })
    expect(new Set(yield* Effect.forEach(guests, stateOf))).toEqual(new Set(["Gone"]))
  }).pipe(hotel("1 hour"))
)

it.live("a group whose time is over has left without those who have not paid", () =>
  Effect.gen(function* () {
    const { debtors, guests } = yield* arrive("painters")
    yield* Executor.execute(Group, "painters", new BeginCheckOut({ guests }))
    expect(yield* ended("painters")).toEqual({ _tag: "Incomplete", absent: [], unsettled: debtors })
    expect(yield* Effect.forEach(debtors, stateOf)).toEqual(debtors.map(() => "In"))
  }).pipe(hotel("2 seconds"))
)

it.effect("120 guests check out in one step, or nobody does", () =>
  Effect.gen(function* () {
    const { debtors, guests, pay } = yield* arrive("dancers")
    const together = Executor.execute(CheckOutTogether, { _tag: "CheckOutTogether", group: "dancers", guests })
    expect(yield* Effect.flip(together)).toMatchObject({ _tag: "NotAllReady", absent: [], unsettled: debtors })
    expect(new Set(yield* Effect.forEach(guests, stateOf))).toEqual(new Set(["In"]))
    for (const guest of debtors) yield* pay(guest)
    const { events, streams } = yield* together
    expect([events.length, streams.length]).toEqual([122, 121])
    expect(new Set(yield* Effect.forEach(guests, stateOf))).toEqual(new Set(["Gone"]))
  }).pipe(Effect.provide(MemoryStores.layer()))
)
