import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Executor, Reactor } from "@hexfold/core"
import { Group } from "@hexfold/example-hotel"
import { Answers, Order } from "@hexfold/example-orders"
import { Effect, Layer, References, Schedule, Stream } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import { outsideAt } from "../src/reacting/asking.ts"
import { check } from "../src/reacting/check.ts"
import { arrive, play } from "../src/reacting/customers.ts"
import type { Fact, Remains } from "../src/reacting/facts.ts"
import { type Asked, startOutside } from "../src/reacting/outside.ts"
import { reactionsOf } from "../src/reacting/versions.ts"
import { type Ordered, type Script, scriptOf } from "../src/reacting/script.ts"

const ordered = { item: "lamp", quantity: 2, cents: 500, customer: "anna", behaviour: "prompt", at: 0 } as const
const order = (id: string, own: Partial<Ordered> = {}): Ordered => ({
  ...{ ...ordered, id, withdrawnAfter: undefined },
  ...own
})
const guest = (id: string, standing: "settled" | "pays later") => ({ id, standing, paysAfter: 50 })

const script: Script = {
  orders: [
    order("plain"),
    order("twice", { behaviour: "twice" }),
    order("refused", { behaviour: "refuses" }),
    order("piano", { item: "piano" })
  ],
  groups: [{ id: "painters", at: 0, guests: [guest("anna", "settled"), guest("ben", "pays later")] }],
  stock: { lamp: 10, vase: 1, piano: 0 }
}

const often = Schedule.spaced("20 millis")

/** What is left when the examples have run in this process, without any kill. */
const running = async (): Promise<Remains> => {
  const behaviourOf = (payment: string) => script.orders.find(({ id }) => id === payment)!.behaviour
  const outside = await startOutside({ seed: 1, behaviourOf, late: 1_000 })
  const settings = { version: 1, lease: 5_000, pause: 20, parts: 1, maxParts: 1 } as const
  const reactions = reactionsOf({ ...settings, unpaid: 600_000, leaving: 600_000 })
  const layer = Layer.mergeAll(Reactor.layer(reactions), Answers).pipe(
    Layer.provide(outsideAt(outside.url)),
    Layer.provideMerge(MemoryStores.layer())
  )
  const log = await Effect.gen(function* () {
    yield* arrive(script)
    yield* play(script)
    for (const { id } of script.orders) {
      yield* Executor.load(Order, id).pipe(
        Effect.repeat({ until: ({ state }) => state._tag !== "Open", schedule: often })
      )
    }
    for (const { id } of script.groups) {
      yield* Executor.load(Group, id).pipe(
        Effect.repeat({ until: ({ state }) => state._tag === "Left", schedule: often })
      )
    }
    yield* Effect.sync(outside.isSilent).pipe(Effect.repeat({ until: (is) => is, schedule: often }))
    const store = yield* EventStore.EventStore
    const reading = Stream.runCollect(store.readAll())
    // Nothing comes any more when all is said, and when the last mail is sent.
    return yield* reading.pipe(
      Effect.repeat({
        until: () => {
          const { asked, money } = outside.left()
          const mails = new Set(asked.flatMap(({ key, path }) => (path === "send" ? [key] : [])))
          return mails.size === script.orders.length && money.get("piano") === 0
        },
        schedule: often
      }),
      Effect.andThen(
        Effect.repeat(reading, {
          until: (events) =>
            check({ ...empty, outside: outside.left(), log: events.map(factOf) }).problems.length === 0,
          schedule: often,
          times: 200
        })
      )
    )
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Fatal"), Effect.provide(layer), Effect.runPromise)
  await outside.close()
  return { ...empty, outside: outside.left(), log: log.map(factOf) }
}

const factOf = ({ data, metadata, position, streamId, type }: EventStore.RecordedEvent): Fact => ({
  ...{ stream: streamId, type, position, cause: metadata.causationId },
  data: data as Fact["data"]
})

const empty: Remains = {
  script,
  log: [],
  outside: { asked: [], money: new Map(), trackings: new Map(), problems: [] },
  reactions: [{ name: "reactor/SendMail", lag: 0, deadLetters: 0, unownedParts: 0 }],
  waiting: 0
}

describe("the check of what a round of reactions has left behind", () => {
  let remains: Remains
  beforeAll(async () => {
    remains = await running()
  })

  const problems = (changed: Partial<Remains>) => check({ ...remains, ...changed }).problems
  const isOf = (stream: string, type: string) => (fact: Fact) => fact.stream === stream && fact.type === type
  const without = (stream: string, type: string) => {
    const log = remains.log.filter((fact) => !isOf(stream, type)(fact))
    expect(log.length).toBeLessThan(remains.log.length)
    return { log }
  }
  /** With one more such event, by another cause. */
  const doubled = (stream: string, type: string, change: Partial<Fact> = { cause: "another" }) => {
    const fact = remains.log.find(isOf(stream, type))
    if (fact === undefined) throw new Error(`${stream} has no ${type}`)
    return { log: [...remains.log, { ...fact, position: 100_000, ...change }] }
  }
  const asked = (change: (all: ReadonlyArray<Asked>) => ReadonlyArray<Asked>) => ({
    outside: { ...remains.outside, asked: change(remains.outside.asked) }
  })

  it("finds nothing in a round that is right", () => {
    const { figures, problems: found } = check(remains)
    expect(found).toEqual([])
    expect(figures).toMatchObject({ orders: 4, completed: 2, groups: 1, complete: 1 })
  })

  it("finds an order without an end, with two, and with a wrong one", () => {
    expect(problems(without("Order-plain", "OrderCompleted"))).toContainEqual(
      expect.stringContaining("open: plain should be")
    )
    expect(problems(doubled("Order-plain", "OrderCompleted"))).toContainEqual(
      expect.stringContaining("ends of plain: 2")
    )
    const wrong = remains.log.map((fact) =>
      isOf("Order-refused", "OrderCancelled")(fact) ? { ...fact, data: { ...fact.data, why: "withdrawn" } } : fact
    )
    expect(problems({ log: wrong })).toContainEqual(expect.stringContaining("end: refused is OrderCancelled"))
  })

  it("finds a command that had its effect twice", () => {
    const again = doubled("Books-sales", "Entered", {})
    expect(problems(again)).toContainEqual(expect.stringContaining("twice: Entered in Books-sales"))
    expect(problems(again)).toContainEqual(expect.stringContaining("books: they have 1000 cents"))
    expect(problems(doubled("Stock-lamp", "StockReserved"))).toContainEqual(expect.stringMatching(/^stock: .*reserved/))
    expect(problems(doubled("Stay-ben", "GuestCheckedOut"))).toContainEqual(
      expect.stringContaining("ben, who pays later, has checked out 2 times")
    )
  })

  it("finds a step too many, an answer that is missing, and a process that has not ended", () => {
    const stream = "Process_GroupCheckOut-painters"
    expect(problems(doubled(stream, "Stepped"))).toContainEqual(expect.stringContaining("has caused two steps"))
    expect(problems(without(stream, "Settled"))).toContainEqual(expect.stringContaining("has 0 answers"))
    expect(problems(without(stream, "Stepped"))).toContainEqual(expect.stringContaining(`${stream} has not ended`))
  })

  it("finds a timer that is lost, and what waits without an owner", () => {
    const log = remains.log.filter(({ type }) => type !== "TimerCancelled")
    expect(problems({ log })).toContainEqual(expect.stringMatching(/^timers: .* is TimerSet/))
    expect(problems({ waiting: 2 })).toEqual(["stranded: 2 timers wait"])
    const reaction = remains.reactions[0]!
    for (const change of [{ lag: 1 }, { deadLetters: 1 }, { unownedParts: 1 }]) {
      expect(problems({ reactions: [{ ...reaction, ...change }] })).toEqual([expect.stringMatching(/^stranded: /)])
    }
  })

  it("finds a mail that was not sent, one under two keys, and one that nobody has asked for", () => {
    const isMail = ({ path, text }: Asked) => path === "send" && text.startsWith("Order plain ")
    expect(problems(asked((all) => all.filter((each) => !isMail(each))))).toContainEqual(
      expect.stringContaining("keys of mails about plain: 0")
    )
    const mail = remains.outside.asked.find(isMail)!
    // The same again is one mail.
    expect(problems(asked((all) => [...all, mail]))).toEqual([])
    expect(problems(asked((all) => [...all, { ...mail, key: "other" }]))).toContainEqual(
      expect.stringContaining("keys of mails about plain: 2")
    )
    expect(problems(asked((all) => [...all, { ...mail, text: "Order plain is lost" }]))).toContainEqual(
      expect.stringContaining("mail: ")
    )
    expect(problems(asked((all) => [...all, { ...mail, path: "reverse", about: "plain" }]))).toContainEqual(
      "asked: reverse plain, which nobody has recorded"
    )
  })

  it("finds money and goods that do not balance", () => {
    const money = new Map(remains.outside.money).set("refused", 500)
    expect(problems({ outside: { ...remains.outside, money } })).toContainEqual(
      "money: the provider has 500 cents of refused, which is Cancelled"
    )
    expect(problems(without("Stock-lamp", "StockReleased"))).toContainEqual(
      expect.stringContaining("stock: 2 of lamp are still reserved")
    )
    expect(problems({ outside: { ...remains.outside, problems: ["charged: plain again"] } })).toEqual([
      "charged: plain again"
    ])
  })
})

it("the script of a seed is the same each time", () => {
  expect(scriptOf(17)).toEqual(scriptOf(17))
  expect(scriptOf(17)).not.toEqual(scriptOf(18))
})
