import { assert } from "@effect/vitest"
import { Operator, ProjectionMonitor, Reactor } from "@hexfold/core"
import { Duration, Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { open, three, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { anna, billed, type Billing, billingOf, billOf, chargesOf, newBank } from "./bank.ts"
import { job, newShop, outcomeOf, place, running } from "./orders.ts"

type Kind = "events" | "overdue" | "parked" | "unsent"

/**
 * What waits, by its kind. The timers are those of all cases: they count only where the case has a process that lets them
 * fire.
 */
const waitingOf = ({ run }: TroubledNode, process: Billing, withTimers = false) =>
  Effect.map(run(monitored(process)), ({ lagTime, waits }): ReadonlyArray<Kind> => {
    const { overdue, parked, unsent } = waits
    const ages = { events: lagTime, overdue: withTimers ? overdue : Duration.zero, parked, unsent }
    return (["events", "overdue", "parked", "unsent"] as const).filter((kind) => Duration.isPositive(ages[kind]))
  })

const waits = (node: TroubledNode, process: Billing, ...kinds: ReadonlyArray<Kind>) =>
  eventually(
    `what waits is: ${kinds.join(", ")}`,
    Effect.map(waitingOf(node, process, kinds.includes("overdue")), (all) => all.join() === kinds.join())
  )

const nothingWaits = (node: TroubledNode, process: Billing) =>
  eventually(
    "nothing waits",
    Effect.map(waitingOf(node, process, true), (all) => all.length === 0)
  )

/** The reasons for which a process is unhealthy, if nothing may wait. */
const faultsOf = ({ run }: TroubledNode, process: Billing) =>
  run(ProjectionMonitor.health([process], { grace: "1 hour", maxLagTime: 0, maxParked: 99, maxSkipped: 99 })).pipe(
    Effect.as<ReadonlyArray<string>>([]),
    Effect.catchTag("Unhealthy", ({ views }) => Effect.succeed(views.map(({ reason }) => reason)))
  )

/** Nothing waits without an owner; what does is seen, whatever stands still. */
export const stranding: Cases = {
  "an event that nobody handles has an age": Effect.gen(function* () {
    const node = yield* open
    const { process, shop } = yield* billed(node, "a")
    assert.deepStrictEqual(yield* waitingOf(node, process), [])
    yield* place(node, shop, "a", 80)
    yield* waits(node, process, "events")
    assert.include(yield* faultsOf(node, process), "late")
    yield* node.run(Reactor.catchUp(process, job))
    assert.deepStrictEqual(yield* waitingOf(node, process), [])
  }),

  "a timer that nobody lets fire has an age, also while the view of the timers stands still": Effect.gen(function* () {
    const node = yield* open
    const shop = newShop()
    const bank = newBank(shop)
    const process = billingOf(shop, bank, { after: "20 millis" })
    yield* place(node, shop, "a", 70)
    yield* node.run(Reactor.catchUp(process, job))
    yield* waits(node, process, "overdue")
    assert.include(yield* faultsOf(node, process), "overdue")
    yield* running(node, process)
    yield* nothingWaits(node, process)
    assert.deepStrictEqual((yield* outcomeOf(node, shop, "a")).order, ["placed", "cancelled: late"])
  }),

  "a command that was recorded and has no answer has an age, and so has the key that is parked with it": Effect.gen(
    function* () {
      const node = yield* open
      const { bank, process, shop } = yield* billed(node, "a", "b")
      bank.hands.isDown = true
      yield* place(node, shop, "b", 80)
      yield* node.run(Reactor.catchUp(process, job))
      yield* waits(node, process, "parked", "unsent")
      assert.include(yield* faultsOf(node, process), "unsent")
      bank.hands.isDown = false
      yield* node.run(Operator.resume(process, { keys: "parked", ...anna }))
      assert.sameMembers([...(yield* waitingOf(node, process))], ["events"])
      yield* node.run(Reactor.catchUp(process, job))
      assert.deepStrictEqual(yield* waitingOf(node, process), [])
    }
  ),

  "a command of an event that was skipped has an age until somebody does something about it": Effect.gen(function* () {
    const node = yield* open
    const shop = newShop()
    const bank = newBank(shop)
    const process = billingOf(shop, bank, { onPoison: "skip" })
    bank.hands.isDown = true
    yield* place(node, shop, "a", 70)
    yield* node.run(Reactor.catchUp(process, job))
    yield* waits(node, process, "unsent")
    bank.hands.isDown = false
    yield* node.run(Operator.cancel(process, { keys: "all", ...anna }))
    yield* node.run(Reactor.catchUp(process, job))
    assert.deepStrictEqual(yield* waitingOf(node, process), [])
    assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [[], []])
  }),

  "after a kill, a takeover, a deployment and a rollback nothing is stranded": Effect.gen(function* () {
    const [first, second, third] = yield* three
    const shop = newShop()
    const bank = newBank(shop)
    const of = (version: number) => billingOf(shop, bank, { after: "200 millis", version })
    const ids: Array<string> = []
    const placeMore = (node: TroubledNode) =>
      Effect.forEach(
        Array.from({ length: 5 }, () => `o${ids.length + 1}`),
        (_, i) => {
          const id = `o${ids.length + 1}`
          ids.push(id)
          return place(node, shop, id, 10 + i)
        },
        { discard: true }
      )
    const options = { lease: "500 millis" } as const
    const killed = yield* running(first, of(1), options)
    yield* placeMore(second)
    first.trouble = "gone"
    yield* Fiber.interrupt(killed)
    const former = yield* running(second, of(1), options)
    yield* placeMore(second)
    const higher = yield* running(third, of(2), options)
    yield* placeMore(second)
    yield* eventually(
      "the higher version works",
      Effect.map(second.run(monitored(of(1))), ({ state }) => state === "standing by")
    )
    yield* placeMore(second)
    yield* Fiber.interrupt(higher)
    yield* placeMore(second)
    yield* nothingWaits(second, of(1))
    for (const [i, id] of ids.entries()) {
      yield* eventually(
        `${id} is over`,
        Effect.map(billOf(second, of(1), id), ({ sending, status }) => status === "ended" && sending.length === 0)
      )
      assert.deepStrictEqual(yield* chargesOf(second, bank, id), [[10 + (i % 5)], [1]])
      assert.deepStrictEqual((yield* outcomeOf(second, shop, id)).order, ["placed", "cancelled: late"])
    }
    yield* nothingWaits(second, of(1))
    yield* Fiber.interrupt(former)
  })
}
