/** Customers and guests, who do what the script says. They live in the process that is not killed. */
import { BeginCheckOut, Charge, CheckIn, Group, Pay, Stay } from "@hexfold/example-hotel"
import { Order, Place, Receive, Stock, Withdraw } from "@hexfold/example-orders"
import { Executor } from "@hexfold/core"
import { Effect } from "effect"
import { patiently } from "../rounds/patiently.ts"
import type { Ordered, Party, Script } from "./script.ts"

/** The check-in of everybody, and what the warehouse gets: before the processes begin. */
export const arrive = ({ groups, stock }: Script) =>
  Effect.gen(function* () {
    for (const [item, quantity] of Object.entries(stock)) {
      if (quantity > 0) yield* Executor.execute(Stock, item, new Receive({ quantity }))
    }
    for (const { guests, id: group } of groups) {
      for (const { id, standing } of guests) {
        if (standing === "absent") continue
        yield* Executor.execute(Stay, id, new CheckIn({ group }))
        if (standing !== "settled") yield* Executor.execute(Stay, id, new Charge({ cents: 700 }))
      }
    }
  })

const ordering = ({ at, behaviour: _, id, withdrawnAfter, ...ordered }: Ordered) =>
  Effect.gen(function* () {
    yield* Effect.sleep(at)
    yield* patiently(Executor.execute(Order, id, new Place(ordered), { commandId: `place ${id}` }))
    if (withdrawnAfter === undefined) return
    yield* Effect.sleep(withdrawnAfter)
    const withdraw = Executor.execute(Order, id, new Withdraw(), { commandId: `withdraw ${id}` })
    yield* patiently(withdraw).pipe(Effect.catchTag("NotOpen", () => Effect.void))
  })

const leaving = ({ at, guests, id }: Party) =>
  Effect.gen(function* () {
    yield* Effect.sleep(at)
    const all = guests.map((guest) => guest.id)
    yield* patiently(Executor.execute(Group, id, new BeginCheckOut({ guests: all }), { commandId: `leave ${id}` }))
    const debtors = guests.filter(({ standing }) => standing === "pays later")
    yield* Effect.forEach(
      debtors,
      (guest) =>
        Effect.delay(
          patiently(Executor.execute(Stay, guest.id, new Pay({ cents: 700 }), { commandId: `pay ${guest.id}` })),
          guest.paysAfter
        ),
      { concurrency: "unbounded", discard: true }
    )
  })

/** Plays the script. */
export const play = ({ groups, orders }: Script) =>
  Effect.all(
    [
      Effect.forEach(orders, ordering, { concurrency: "unbounded", discard: true }),
      Effect.forEach(groups, leaving, { concurrency: "unbounded", discard: true })
    ],
    { concurrency: "unbounded", discard: true }
  )
