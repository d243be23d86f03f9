/** The golden file of a publication: what its receivers survive, and what they do not. */
import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Decision, Publication, Versions } from "@hexfold/core"
import * as Compatibility from "@hexfold/testing/Compatibility"
import { Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { failureOf, inFolder, till } from "./till.ts"

const tagged = Schema.TaggedStruct

const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [tagged("Place", { cents: Schema.Int })],
  events: [tagged("Placed", { cents: Schema.Int })],
  decide: { Place: ({ cents }) => Decision.accept({ _tag: "Placed", cents }) },
  evolve: { Placed: (sum, { cents }) => sum + cents }
})

const Address = Schema.Struct({ city: Schema.String, zip: Schema.optionalKey(Schema.String) })
const fields = { order: Schema.String, cents: Schema.Int, by: Schema.Literals(["web", "phone"]), to: Address }
const Placed = tagged("OrderPlaced", fields)
const Cancelled = tagged("OrderCancelled", { order: Schema.String })

interface Definition {
  readonly contract?: ReadonlyArray<Aggregate.TaggedSchema | Versions.Chain<Aggregate.TaggedSchema>>
  readonly name?: string
  readonly source?: string
}

const orders = ({ contract = [Placed, Cancelled], name = "orders.v1", source = "/shop" }: Definition = {}) =>
  Publication.make(name, { from: [Order], start: "beginning", source, contract, map: () => [] })

const withPlaced = (placed: Aggregate.TaggedSchema) => orders({ contract: [placed, Cancelled] })

/** What the gate says when one definition takes the place of another. */
const change = (after: ReturnType<typeof orders>, before = orders()): string =>
  inFolder((folder) => {
    Compatibility.check(before, { folder, write: true })
    return failureOf(() => Compatibility.check(after, { folder, write: true })).message.replace(/\s+/g, " ")
  })

/** What becomes of the file when one definition takes the place of another that receivers survive. */
const pass = (after: ReturnType<typeof orders>, before = orders()): string =>
  inFolder((folder) => {
    Compatibility.check(before, { folder, write: true })
    Compatibility.check(after, { folder, write: true })
    assert.strictEqual(Compatibility.check(after, { folder, write: false }).outcome, "complete")
    return readFileSync(join(folder, "orders.v1.contract.json"), "utf8")
  })

describe("the golden file of a publication", () => {
  it("has its source and the schemas of its contract, and is the same for the same declarations", () =>
    inFolder((folder) => {
      const { outcome } = Compatibility.check(orders(), { folder, write: true })
      assert.strictEqual(outcome, "made")
      assert.deepStrictEqual(readdirSync(folder), ["orders.v1.contract.json", "orders.v1.publication.json"])
      const golden = JSON.parse(readFileSync(join(folder, "orders.v1.contract.json"), "utf8")) as {
        readonly contract: object
        readonly source: string
      }
      assert.strictEqual(golden.source, "/shop")
      assert.deepStrictEqual(Object.keys(golden.contract), ["OrderPlaced", "OrderCancelled"])
      assert.strictEqual(Compatibility.check(orders(), { folder, write: false }).outcome, "complete")
    }))

  it("is missed when the publication is gone", () =>
    inFolder((folder) => {
      Compatibility.checkAll([till(), orders()], { folder, write: true })
      const { message } = failureOf(() => Compatibility.checkAll([till()], { folder, write: true }))
      assert.match(message, /the publication is not/)
    }))
})

describe("receivers survive", () => {
  it("a field that is added", () => {
    assert.include(
      pass(withPlaced(tagged("OrderPlaced", { ...fields, note: Schema.optionalKey(Schema.String) }))),
      "note"
    )
    assert.include(pass(withPlaced(tagged("OrderPlaced", { ...fields, note: Schema.String }))), "note")
  })

  it("a public event that is added", () => {
    assert.include(pass(orders({ contract: [Placed, Cancelled, tagged("OrderPaid", {})] })), "OrderPaid")
  })

  it("fewer values than before", () => {
    pass(withPlaced(tagged("OrderPlaced", { ...fields, by: Schema.Literal("web") })))
    pass(withPlaced(tagged("OrderPlaced", { ...fields, cents: Schema.Int.check(Schema.isGreaterThan(0)) })))
  })

  it("another version of a public event that they can read as the former one", () => {
    const next = tagged("OrderPlaced", { ...fields, note: Schema.String })
    const chain = Versions.first(Placed).next(next, (one) => ({ ...one, note: "" }))
    assert.include(pass(orders({ contract: [chain, Cancelled] })), "note")
  })

  it("another publication beside it", () => {
    inFolder((folder) => {
      const both = [
        orders(),
        orders({ name: "orders.v2", contract: [tagged("OrderPlaced", { cents: Schema.String })] })
      ]
      Compatibility.checkAll(both, { folder, write: true })
      assert.deepStrictEqual(readdirSync(folder), [
        "orders.v1.contract.json",
        "orders.v1.publication.json",
        "orders.v2.contract.json",
        "orders.v2.publication.json"
      ])
    })
  })
})

describe("receivers do not survive", () => {
  const cases: ReadonlyArray<readonly [what: string, after: ReturnType<typeof orders>, said: string]> = [
    [
      "a field that is gone",
      withPlaced(tagged("OrderPlaced", { cents: fields.cents, by: fields.by, to: Address })),
      'the field "order" may be missing now'
    ],
    [
      "a field that may be missing",
      withPlaced(tagged("OrderPlaced", { ...fields, order: Schema.optionalKey(Schema.String) })),
      'the field "order" may be missing now'
    ],
    [
      "a field inside of a field that is gone",
      withPlaced(tagged("OrderPlaced", { ...fields, to: Schema.Struct({ zip: Schema.String }) })),
      'the field "to.city" may be missing now'
    ],
    [
      "a field of another type",
      withPlaced(tagged("OrderPlaced", { ...fields, cents: Schema.String })),
      'the field "cents" may have values now that it could not have'
    ],
    [
      "a value that is added",
      withPlaced(tagged("OrderPlaced", { ...fields, by: Schema.Literals(["web", "phone", "letter"]) })),
      'the field "by" may have values now that it could not have'
    ],
    [
      "a field that may be null",
      withPlaced(tagged("OrderPlaced", { ...fields, order: Schema.NullOr(Schema.String) })),
      'the field "order" may have values now that it could not have'
    ],
    ["a public event that is gone", orders({ contract: [Placed] }), "OrderCancelled: it is not published any more"],
    ["another source", orders({ source: "/store" }), 'its source was "/shop" and is "/store" now'],
    [
      "another version that they cannot read",
      orders({
        contract: [
          Versions.first(Placed).next(tagged("OrderPlaced", { euros: Schema.Finite }), ({ cents }) => ({
            _tag: "OrderPlaced",
            euros: cents / 100
          })),
          Cancelled
        ]
      }),
      'OrderPlaced, version 2: the field "order" may be missing now'
    ]
  ]
  for (const [what, after, said] of cases) {
    it(`${what}`, () => {
      const message = change(after)
      assert.include(message, said)
      assert.match(message, /make another publication|Leave the source/)
    })
  }

  it("a version that is taken out", () => {
    const chain = Versions.first(Placed).next(Placed, (one) => one)
    assert.include(change(orders(), orders({ contract: [chain, Cancelled] })), "it had 2 versions and has one now")
  })
})
