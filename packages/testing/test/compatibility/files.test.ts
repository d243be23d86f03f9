/** When golden files are made, added to and refused. */
import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, Versions } from "@hexfold/core"
import { Arbitraries } from "@hexfold/testing"
import * as Compatibility from "@hexfold/testing/Compatibility"
import { Schema } from "effect"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { vi } from "vitest"
import { change, check, failureOf, inFolder, Paid, Refunded, StateOf, takings, till } from "./till.ts"

const Closed = Schema.TaggedStruct("Closed", {})
const more = till({ events: [Paid, Refunded, Closed] })

describe("a missing file", () => {
  it("is made, in a folder that is made too, and then there is nothing to add", () =>
    inFolder((root) => {
      const folder = join(root, "deep", "golden")
      for (const target of [till(), takings()]) {
        assert.strictEqual(check(target, { folder, write: true }).outcome, "made")
        assert.strictEqual(check(target, { folder, write: true }).outcome, "complete")
        assert.strictEqual(check(target, { folder: pathToFileURL(folder), write: false }).outcome, "complete")
      }
      assert.deepStrictEqual(readdirSync(folder), ["Takings.view.json", "Till.aggregate.json"])
    }))

  it("fails where nothing is written", () =>
    inFolder((folder) => {
      const { file, message, of, problems } = failureOf(() => check(till(), { folder, write: false }))
      assert.include(message, "Till: its golden file is not there. Run the tests outside of continuous integration")
      assert.include(file, "Till.aggregate.json")
      assert.deepStrictEqual([of, problems], ["Till", []])
      assert.deepStrictEqual(readdirSync(folder), [])
    }))

  it("fails in continuous integration, unless the test says otherwise", () =>
    inFolder((folder) => {
      for (const [value, isWritten] of [
        ["true", false],
        ["1", false],
        ["", true],
        ["false", true]
      ] as const) {
        vi.stubEnv("CI", value)
        try {
          const own = join(folder, `ci-${value}`)
          if (isWritten) assert.strictEqual(check(till(), { folder: own }).outcome, "made")
          else {
            failureOf(() => check(till(), { folder: own }))
            assert.strictEqual(check(till(), { folder: own, write: true }).outcome, "made")
          }
        } finally {
          vi.unstubAllEnvs()
        }
      }
    }))
})

describe("a file", () => {
  it("is the same for the same declarations, byte for byte", () => {
    const made = () =>
      inFolder((folder) =>
        [till(), takings()].map((target) => readFileSync(check(target, { folder, write: true }).file, "utf8"))
      )
    assert.deepStrictEqual(made(), made())
  })

  it("that lacks something passes where nothing is written, and stays as it is", () =>
    inFolder((folder) => {
      const { file } = check(till(), { folder, write: true })
      const before = readFileSync(file, "utf8")
      const log = vi.spyOn(console, "log").mockImplementation(() => {})
      try {
        assert.strictEqual(check(more, { folder, write: false }).outcome, "incomplete")
        const logged = log.mock.calls.flat().map(String).join(" ")
        assert.include(logged, "WARN")
        assert.include(logged, "Till: its golden file lacks what was added to the program. Run the tests outside of")
      } finally {
        log.mockRestore()
      }
      assert.strictEqual(readFileSync(file, "utf8"), before)
      assert.strictEqual(check(more, { folder, write: true }).outcome, "renewed")
      assert.strictEqual(check(more, { folder, write: false }).outcome, "complete")
    }))

  it("keeps all that it had, through many changes", () => {
    const V1 = Schema.TaggedStruct("Paid", { euros: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })) })
    const V2 = Schema.TaggedStruct("Paid", { cents: Schema.Int })
    const V3 = Schema.TaggedStruct("Paid", { cents: Schema.Int, by: Schema.String })
    const two = Versions.first(V1).next(V2, ({ euros }) => ({ _tag: "Paid", cents: 100 * euros }))
    const three = two.next(V3, (paid) => ({ ...paid, by: "nobody" }))
    const steps = [
      till({ events: [V1, Closed] }),
      till({ events: [two, Closed] }),
      till({ events: [two], retired: [Versions.retired(Closed, () => [])], revision: 2 }),
      till({ events: [three, Refunded], retired: [Versions.retired(Closed, () => [])], revision: 2 })
    ]
    inFolder((folder) => {
      let known: ReadonlyArray<string> = []
      for (const step of steps) {
        const text = readFileSync(check(step, { folder, write: true }).file, "utf8")
        const { events, histories } = JSON.parse(text) as Golden
        const now = [
          ...Object.entries(events).flatMap(([type, versions]) =>
            versions.flatMap(({ examples }, i) =>
              examples.map(({ data }) => `${type} ${i + 1} ${JSON.stringify(data)}`)
            )
          ),
          ...histories.map((history) => JSON.stringify(history.events.map(({ data, type }) => [type, data])))
        ]
        assert.includeMembers(now, [...known])
        known = now
      }
    })
  })

  it("may be set by a formatter", () =>
    inFolder((folder) => {
      const { file } = check(till(), { folder, write: true })
      const text = JSON.stringify(JSON.parse(readFileSync(file, "utf8")), null, "\t")
      writeFileSync(file, text)
      assert.strictEqual(check(till(), { folder, write: true }).outcome, "complete")
      assert.strictEqual(readFileSync(file, "utf8"), text)
    }))

  it("that cannot be read fails, and is not written over", () =>
    inFolder((folder) => {
      const file = join(folder, "Till.aggregate.json")
      for (const text of ["<<<<<<< HEAD", "{}", '{ "aggregate": "Till", "events": { "Paid": 1 } }']) {
        writeFileSync(file, text)
        const failure = failureOf(() => check(till(), { folder, write: true }))
        assert.include(failure.message, "its golden file cannot be read. Restore it from the repository's history")
        assert.isDefined(failure.cause)
        assert.strictEqual(readFileSync(file, "utf8"), text)
      }
    }))

  it("is not written when a change does not pass", () =>
    inFolder((folder) => {
      const { file } = check(till(), { folder, write: true })
      const before = readFileSync(file, "utf8")
      const failure = failureOf(() => check(till({ events: [Paid, Closed] }), { folder, write: true }))
      assert.strictEqual(failure.problems.length, 1)
      assert.strictEqual(readFileSync(file, "utf8"), before)
      assert.deepStrictEqual(readdirSync(folder), ["Till.aggregate.json"])
    }))
})

interface Golden {
  readonly events: Record<string, ReadonlyArray<{ readonly examples: ReadonlyArray<{ readonly data: unknown }> }>>
  readonly histories: ReadonlyArray<{
    readonly events: ReadonlyArray<{ readonly type: string; readonly data: unknown }>
  }>
}

describe("all of an application", () => {
  it("is checked one after the other", () =>
    inFolder((folder) => {
      const all = (options: { readonly write: boolean }) =>
        Compatibility.checkAll([till(), takings()], { folder, ...options }).map(({ outcome }) => outcome)
      assert.deepStrictEqual(all({ write: true }), ["made", "made"])
      assert.deepStrictEqual(all({ write: false }), ["complete", "complete"])
      failureOf(() => Compatibility.checkAll([till({ events: [Paid] }), takings()], { folder }))
    }))

  it("has no aggregate less, and may have a view less", () =>
    inFolder((folder) => {
      Compatibility.checkAll([till(), takings()], { folder, write: true })
      assert.strictEqual(Compatibility.checkAll([till()], { folder }).length, 1)
      const { message, of } = failureOf(() => Compatibility.checkAll([takings()], { folder }))
      assert.strictEqual(of, "Till")
      assert.include(message, "its golden file is there, and the aggregate is not.")
    }))
})

describe("a domain", () => {
  class Moved extends Schema.TaggedClass<Moved>()("Moved", { by: Schema.Int }) {}
  const Shelf = Aggregate.make("Shelf", {
    id: Schema.NonEmptyString,
    state: Schema.Int,
    initial: 0,
    events: [Moved],
    evolve: { Moved: (n, { by }) => n + by }
  })
  const Move = Boundary.make("Move", {
    command: Schema.TaggedStruct("Move", { from: Schema.NonEmptyString, to: Schema.NonEmptyString, by: Schema.Int }),
    participants: ({ from, to }) => ({ from: Shelf.at(from), to: Shelf.at(to) }),
    decide: ({ by, from, to }) =>
      from === to
        ? Decision.nothing
        : Decision.all({ from: Decision.accept(new Moved({ by: -by })), to: Decision.accept(new Moved({ by })) })
  })

  it("is an aggregate or a view: a boundary has no events of its own", () => {
    // @ts-expect-error a boundary is no aggregate
    const refused = () => Compatibility.check(Move, { folder: "golden" })
    assert.isFunction(refused)
  })

  it("that only boundaries write to takes them", () =>
    inFolder((folder) => {
      assert.strictEqual(Compatibility.check(Shelf, { folder, write: true, with: [Move] }).outcome, "made")
      assert.throws(
        () => Compatibility.check(Shelf, { folder: join(folder, "other"), write: true }),
        "Shelf has no commands, so it has no history. Give the boundaries that write to it: { with: [...] }."
      )
      assert.isFalse(existsSync(join(folder, "other")))
    }))

  it("of which nothing can be generated says which Schema it is, and takes the examples of the Schema", () => {
    const unlikely = Schema.String.check(Schema.makeFilter((text) => text === "unlikely"))
    const Odd = Schema.TaggedStruct("Odd", { name: unlikely })
    const withOdd = (odd: Parameters<typeof Versions.retired>[0]) =>
      till({ events: [Paid], retired: [Versions.retired(odd, () => [])] })
    inFolder((folder) => {
      assert.throws(
        () => check(withOdd(Odd), { folder, write: true }),
        /Till: no example of Odd, version 1, can be made: its Schema refuses nearly all values.*`examples`/
      )
      const example = { _tag: "Odd", name: "unlikely" } as const
      const { file } = check(withOdd(Odd.annotate({ examples: [example] })), { folder, write: true })
      assert.include(readFileSync(file, "utf8"), '{ "data": { "name": "unlikely" }, "becomes": [] }')
    })
  })

  it("with generators of its own has examples of these", () =>
    inFolder((folder) => {
      const code = Schema.String.check(Schema.makeFilter((text) => /^[A-Z]{3}-\d{7}$/.test(text)))
      class Coded extends Schema.TaggedClass<Coded>()("Coded", { code }) {}
      class Code extends Schema.TaggedClass<Code>()("Code", { code }) {}
      // No command causes it.
      class Marked extends Schema.TaggedClass<Marked>()("Marked", { code }) {}
      const Codes = Aggregate.make("Codes", {
        id: Schema.NonEmptyString,
        state: Schema.Int,
        initial: 0,
        commands: [Code],
        events: [Coded, Marked],
        decide: { Code: ({ code }) => Decision.accept(new Coded({ code })) },
        evolve: { Coded: (n) => n + 1, Marked: (n) => n }
      })
      const own = { code: Schema.Literals(["ABC-1234567"]) }
      const member = Arbitraries.of(Codes, { commands: { Code: own }, events: { Coded: own, Marked: own } })
      const { file } = Compatibility.check(member, { folder, write: true })
      const { events } = JSON.parse(readFileSync(file, "utf8")) as Golden
      for (const tag of ["Coded", "Marked"]) {
        assert.deepStrictEqual(events[tag]![0]!.examples, [{ data: { code: "ABC-1234567" } }])
      }
    }))

  it("whose states break their Schema after some histories has the others", () => {
    const of = (most: number) =>
      till({ state: Schema.Struct({ ...StateOf.fields, count: Schema.Int.check(Schema.isLessThanOrEqualTo(most)) }) })
    inFolder((folder) => {
      const { file } = check(of(3), { folder, write: true })
      const { histories } = JSON.parse(readFileSync(file, "utf8")) as Golden
      assert.isNotEmpty(histories)
      for (const { events } of histories) assert.isAtMost(events.length, 3)
      assert.throws(
        () => check(of(0), { folder: join(folder, "none"), write: true }),
        "No command of Till caused an event and a state that can be stored."
      )
    })
  })

  it("with Schemas of many kinds has a file that it survives", () => {
    interface Tree {
      readonly name: string
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Codec<Tree> = Schema.Struct({
      name: Schema.String,
      children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
    })
    const kinds = {
      Tree,
      Empty: Schema.Struct({}),
      Tuple: Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Int)]),
      Rest: Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Finite]),
      Texts: Schema.NonEmptyArray(Schema.NonEmptyString),
      Template: Schema.TemplateLiteral(["a-", Schema.Int]),
      Limits: Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 3 }), Schema.isMultipleOf(2)),
      Pattern: Schema.String.check(Schema.isPattern(/^[a-z]+$/), Schema.isMaxLength(5)),
      Unique: Schema.Array(Schema.Int).check(Schema.isUnique(), Schema.isMaxLength(4)),
      Record: Schema.Record(Schema.String, Schema.Struct({ a: Schema.optional(Schema.Int) })),
      Nested: Schema.NullOr(Schema.Union([Schema.Int, Schema.Struct({ a: Schema.NullOr(Schema.Boolean) })])),
      Date: Schema.Date,
      URL: Schema.URL,
      Duration: Schema.Duration,
      Decimal: Schema.BigDecimal,
      Bytes: Schema.Uint8Array,
      Mixed: Schema.Literals(["a", 1, true])
    }
    const events = Object.entries<Schema.Codec<unknown, unknown>>(kinds).map(([tag, value]) =>
      Schema.TaggedStruct(tag, { value })
    )
    assert.strictEqual(change(till({ events }), till({ events })).outcome, "complete")
  })

  it("with values of many kinds has a file that it survives", () => {
    class Money extends Schema.Class<Money>("Money")({ cents: Schema.BigInt }) {}
    const All = Schema.TaggedStruct("All", {
      at: Schema.DateTimeUtc,
      money: Schema.Array(Money),
      tags: Schema.ReadonlySet(Schema.String),
      byName: Schema.ReadonlyMap(Schema.String, Schema.Option(Schema.Finite)),
      number: Schema.Number,
      any: Schema.Json,
      either: Schema.Union([
        Schema.TaggedStruct("A", { a: Schema.Int }),
        Schema.TaggedStruct("B", { b: Schema.String })
      ])
    })
    const { made, outcome } = change(till({ events: [Paid, All] }), till({ events: [Paid, All] }))
    assert.strictEqual(outcome, "complete")
    assert.isBelow(made.length, 50_000)
  })
})
