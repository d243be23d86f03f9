/** Changes of reactors and processes. The gate must catch those that what runs does not survive, and pass the others. */
import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Decision, Process, Reactor, Versions } from "@hexfold/core"
import * as Compatibility from "@hexfold/testing/Compatibility"
import { DateTime, Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { failureOf, inFolder } from "./till.ts"

const tagged = Schema.TaggedStruct

/** A bill whose payments have an amount in a field of this name. */
const bill = (amount: "cents" | "euros" = "cents") =>
  Aggregate.make("Bill", {
    id: Schema.Literal("a"),
    state: Schema.Int,
    initial: 0,
    commands: [tagged("Open", {}), tagged("Pay", { [amount]: Schema.Int }), tagged("Remind", {})],
    events: [tagged("Opened", {}), tagged("Paid", {}), tagged("Reminded", {})],
    errors: [tagged("Closed", {}) as never],
    decide: {
      Open: () => Decision.accept({ _tag: "Opened" } as const),
      Pay: () => Decision.accept({ _tag: "Paid" } as const),
      Remind: () => Decision.accept({ _tag: "Reminded" } as const)
    },
    evolve: { Opened: (n) => n + 1, Paid: (n) => n + 1, Reminded: (n) => n + 1 }
  })
const Bill = bill()

const Last = Aggregate.make("Last", {
  id: Schema.Literal("a"),
  state: Schema.Int,
  initial: 0,
  commands: [tagged("Write", {})],
  events: [tagged("Written", {})],
  decide: { Write: () => Decision.accept({ _tag: "Written" } as const) },
  evolve: { Written: (n) => n + 1 }
})

type Given = Readonly<Record<string, unknown>>

const reactor = (given: Given = {}): Reactor.Any =>
  Reactor.make("Mail", {
    from: [Bill],
    start: "beginning",
    on: { Opened: () => Effect.void },
    ...given
  } as never) as Reactor.Any

const key = (_: unknown, { id }: { readonly id: unknown }) => String(id)
const Counted = Schema.Struct({ times: Schema.Int })

const dunning = (given: Given = {}, to: ReadonlyArray<Process.Target> = [Bill, Last]): Process.Any =>
  Process.make("Dunning", {
    from: [Bill],
    to,
    timeouts: ["late"],
    start: "beginning",
    state: Counted,
    initial: { times: 0 },
    on: {
      Opened: {
        key,
        react: (state: object, _: unknown, { id }: { readonly id: "a" }) =>
          Process.next(
            state,
            Process.send(Bill, id, { _tag: "Pay", cents: 1 } as never),
            Process.send(Last, id, { _tag: "Write" }),
            Process.timeout("late", { after: "1 day" })
          )
      },
      Reminded: { key, react: (state: object) => Process.next(state) }
    },
    onTimeout: {
      late: (state: object, id: string) => Process.next(state, Process.send(Bill, id as "a", { _tag: "Remind" }))
    },
    ...given
  } as never) as unknown as Process.Any

type Target = Reactor.Any | Process.Any

const change = (before: Target, after: Target) =>
  inFolder((folder) => {
    const { file } = Compatibility.check(before, { folder, write: true })
    const made = readFileSync(file, "utf8")
    const { outcome } = Compatibility.check(after, { folder, write: true })
    const again = Compatibility.check(after, { folder, write: false }).outcome
    assert.strictEqual(again, "complete")
    return { outcome, made, renewed: readFileSync(file, "utf8") }
  })

const refusal = (before: Target, after: Target): string =>
  failureOf(() => change(before, after)).message.replace(/\s+/g, " ")

const on = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, () => Effect.void]))

describe("a reactor", () => {
  it("has a golden file with its definition and its events, and passes unchanged", () => {
    const { made, outcome } = change(reactor(), reactor({ onPoison: "park", imported: "react" }))
    assert.strictEqual(outcome, "complete")
    assert.include(made, '"handles": ["Bill/Opened"]')
    assert.include(made, '"start": "beginning"')
    assert.include(made, '"keys": { "1": ["Bill-a"] }')
  })

  it("that handles other events under the same version is refused", () => {
    const message = refusal(reactor(), reactor({ on: on(["Paid"]) }))
    assert.include(
      message,
      "reactor/Mail, version 1: the events that it handles have changed: not Bill/Opened any more, Bill/Paid now."
    )
    assert.include(message, "Raise the reactor's `version` to 2")
    const { outcome, renewed } = change(reactor(), reactor({ on: on(["Opened", "Paid"]), version: 2 }))
    assert.strictEqual(outcome, "renewed")
    assert.include(renewed, '"handles": ["Bill/Opened", "Bill/Paid"]')
    assert.include(renewed, '"handles": ["Bill/Opened"]')
  })

  it("with another kind of keys, or another function for them, is refused", () => {
    assert.include(refusal(reactor(), reactor({ key })), "reactor/Mail, version 1: its keys have changed.")
    const message = refusal(
      reactor({ key }),
      reactor({ key: (_: unknown, { streamId }: { streamId: string }) => streamId })
    )
    assert.include(message, 'reactor/Mail, Opened of Bill-a: its key was "a" and is "Bill-a" now.')
    assert.strictEqual(change(reactor(), reactor({ key, version: 2 })).outcome, "renewed")
  })

  it("with another start is refused, in each version", () => {
    const message = refusal(reactor(), reactor({ start: "now" }))
    assert.include(message, 'it started at "beginning" and starts at "now" now.')
    assert.include(message, "A start counts only when the reactor is run for the first time.")
    const since = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
    assert.include(refusal(reactor({ start: { after: 3 } }), reactor({ start: { since } })), '{"after":3}')
    assert.strictEqual(change(reactor({ start: { since } }), reactor({ start: { since } })).outcome, "complete")
  })

  it("whose events are not read any more is refused", () => {
    const source = { ...Bill, idOf: Aggregate.make("Bill", { ...plain, id: Schema.Int }).idOf }
    const message = refusal(reactor(), reactor({ from: [source] }))
    assert.include(message, '"Bill-a" is not the stream of an id any more')
  })

  it("that is gone from the list is refused", () =>
    inFolder((folder) => {
      Compatibility.checkAll([reactor(), dunning()], { folder, write: true })
      assert.include(
        failureOf(() => Compatibility.checkAll([dunning()], { folder, write: true })).message,
        "With another name it begins anew"
      )
      assert.include(
        failureOf(() => Compatibility.checkAll([reactor()], { folder, write: true })).message,
        "Streams are called after their process"
      )
    }))
})

const plain = {
  state: Schema.Int,
  initial: 0,
  events: [tagged("Opened", {})],
  evolve: { Opened: (n: number) => n }
} as const

describe("a process", () => {
  it("has a golden file with its steps, and passes unchanged", () => {
    const { made, outcome } = change(dunning(), dunning({ onPoison: "stop" }))
    assert.strictEqual(outcome, "complete")
    for (const part of [
      '"targets": ["Bill", "Last"]',
      '"timeouts": ["late"]',
      '"handles": ["Bill/Opened", "Bill/Reminded"]',
      '"_tag": "Timeout"',
      '"command": { "_tag": "Pay", "cents": 1 }',
      '"Settled"'
    ])
      assert.include(made, part)
  })

  it("that handles other events under the same version is refused", () => {
    const onlyOpened = { Opened: { key, react: (state: object) => Process.next(state) } }
    const message = refusal(dunning(), dunning({ on: onlyOpened }))
    assert.include(message, "not Bill/Reminded any more")
    assert.include(message, "Raise the process's `version` to 2")
  })

  it("whose events have another key is refused in each version", () => {
    const other = (_: unknown, { streamId }: { readonly streamId: string }) => streamId
    const react = (state: object) => Process.next(state)
    const message = refusal(dunning(), dunning({ on: { Opened: { key: other, react }, Reminded: { key, react } } }))
    assert.include(message, 'process/Dunning, Opened of Bill-a: its key was "a" and is "Bill-a" now.')
    assert.include(message, "Leave `key` as it was.")
  })

  it("with another start is refused", () => {
    assert.include(refusal(dunning(), dunning({ start: "now" })), 'it started at "beginning" and starts at "now" now.')
  })

  it("that has lost what a process may wait for is refused, whatever its version", () => {
    const react = (state: object) => Process.next(state)
    const silent = { Opened: { key, react }, Reminded: { key, react } }
    const message = refusal(dunning(), dunning({ version: 2, on: silent }, [Bill]))
    assert.include(message, "process/Dunning: it does not send to Last any more.")
    assert.include(message, "Keep it in `to` until none does")
    const deaf = refusal(dunning(), dunning({ version: 2, timeouts: [], onTimeout: {} }))
    assert.include(deaf, "the timeout late has no handler any more")
    const rejecting = dunning({ onRejected: { Closed: react } })
    assert.include(refusal(rejecting, dunning({ version: 2 })), "the rejection Closed has no handler any more")
  })

  it("whose recorded commands are not read any more is refused", () => {
    const message = refusal(dunning(), dunning({}, [bill("euros"), Last]))
    assert.include(message, "the command Pay to Bill is not read any more")
    assert.include(message, "Make it a former version of the command")
  })

  it("whose state has changed is refused, and passes with a chain of its versions", () => {
    const Named = Schema.Struct({ count: Schema.Int })
    const message = refusal(dunning(), dunning({ state: Named, initial: { count: 0 } }))
    assert.include(message, 'Stepped, version 1: the field "state.times" is not read any more.')
    const chain = (step: (times: number) => number) =>
      dunning({
        state: Versions.first(Counted).next(Named, ({ times }: { readonly times: number }) => ({ count: step(times) })),
        initial: { count: 0 }
      })
    const { outcome, renewed } = change(
      dunning(),
      chain((times) => times)
    )
    assert.strictEqual(outcome, "renewed")
    assert.include(renewed, '"becomes"')
    assert.include(
      refusal(
        dunning(),
        chain((times) => times + 0.5)
      ),
      "is not read any more"
    )
    assert.include(
      refusal(
        chain((times) => times),
        chain((times) => times + 1)
      ),
      "becomes something else"
    )
  })
})
