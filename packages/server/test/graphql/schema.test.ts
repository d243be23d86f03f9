import { assert, describe, expect, it } from "@effect/vitest"
import { Aggregate, Api, Boundary, Decision, View } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { Schema } from "effect"
import { type GraphQLSchema, printSchema, printType, validateSchema } from "graphql"
import { guarded, open } from "../http/bank.ts"
import { kitchen } from "./kitchen.ts"

const typesOf = (schema: GraphQLSchema): ReadonlyMap<string, string> =>
  new Map(Object.entries(schema.getTypeMap()).map(([name, type]) => [name, printType(type)]))

type Fields = Readonly<Record<string, Schema.Codec<unknown, unknown>>>

const modes = Schema.Literals(["on", "off"])

/** An aggregate with an event, an error and an enum, which all may be named as those of another one. */
const aggregate = (
  name: string,
  more: { readonly error?: Fields; readonly event?: Fields; readonly identifier?: string; readonly tag?: string } = {}
): Aggregate.Any => {
  const { error = {}, event = {}, identifier = "Denied", tag = "Done" } = more
  const definition = {
    id: Schema.String,
    state: Schema.Struct({ mode: modes }),
    initial: { mode: "on" },
    commands: [Schema.TaggedStruct("Do", { mode: modes })],
    events: [Schema.TaggedStruct(tag, event)],
    errors: [Schema.TaggedStruct("Denied", error).annotate({ identifier })],
    decide: { Do: () => Decision.accept() },
    evolve: { [tag]: (state: unknown) => state }
  }
  // The fields are not known to the compiler, so neither is what the handlers must be.
  return Aggregate.make(name, definition as never)
}

const viewOf = (name: string, of: Aggregate.Any, state: Fields = { mode: Schema.String }): View.Any =>
  View.make(name, { from: [of], state: Schema.Struct(state), evolve: { Done: (seen: unknown) => seen } } as never)

/** What is declared. */
interface Declared {
  readonly aggregates?: ReadonlyArray<Aggregate.Any>
  readonly boundaries?: ReadonlyArray<Boundary.Any>
  readonly views?: ReadonlyArray<View.Any>
}

const schemaOf = (declared: Declared) => GraphQl.schema(Api.make("names", { ...declared, policies: "open" }))

describe("the schema of an API", () => {
  it("is valid, and is the same for the same declarations", async () => {
    for (const api of [open, guarded, kitchen]) {
      const schema = GraphQl.schema(api)
      assert.deepStrictEqual(validateSchema(schema), [])
      assert.strictEqual(printSchema(schema), printSchema(GraphQl.schema(api)))
    }
    await expect(printSchema(GraphQl.schema(open))).toMatchFileSnapshot("./bank.graphql.txt")
  })

  it("has a field, if nothing is declared that can be read", () => {
    const schema = schemaOf({ aggregates: [aggregate("Lamp")] })
    assert.deepStrictEqual(Object.keys(schema.getQueryType()!.getFields()), ["apiVersion"])
    assert.deepStrictEqual(validateSchema(schemaOf({})), [])
  })

  it("keeps each type when something else is declared", () => {
    const lamps = aggregate("Lamp")
    const fans = aggregate("Fan")
    const heaters = aggregate("Heater", { event: { mode: Schema.Literals(["on", "hot"]) } })
    const boundary = Boundary.make("SwitchAll", {
      command: Schema.TaggedStruct("SwitchAll", { mode: Schema.Literals(["on", "off"]) }),
      participants: () => ({}),
      decide: () => Decision.all({})
    })
    const parts: ReadonlyArray<Declared> = [
      { aggregates: [lamps] },
      { aggregates: [fans] },
      { aggregates: [heaters] },
      { boundaries: [boundary] },
      { views: [viewOf("Lamps", lamps)] },
      { views: [viewOf("Fans", fans, { mode: Schema.Literals(["on", "off"]), key: Schema.String })] }
    ]
    const whole = new Map<string, string>()
    const roots = ["Query", "Mutation", "Subscription", "ViewName", "SwitchAllReceipt"]
    for (let subset = 0; subset < 2 ** parts.length; subset++) {
      const chosen = parts.filter((_, i) => (subset & (1 << i)) !== 0)
      const schema = schemaOf({
        aggregates: chosen.flatMap((each) => each.aggregates ?? []),
        boundaries: chosen.flatMap((each) => each.boundaries ?? []),
        views: chosen.flatMap((each) => each.views ?? [])
      })
      for (const [name, text] of typesOf(schema)) {
        if (roots.includes(name)) continue
        assert.strictEqual(whole.get(name) ?? text, text)
        whole.set(name, text)
      }
      // What is there stays there: a root only gets more fields.
      for (const root of ["Query", "Mutation", "Subscription"]) {
        const type = schema.getType(root)
        for (const line of type === undefined
          ? []
          : printType(type)
              .split("\n")
              .filter((line) => /^ {2}\w/.test(line))) {
          const [name] = line.trim().split("(")
          assert.strictEqual(whole.get(`${root}.${name}`) ?? line, line)
          whole.set(`${root}.${name}`, line)
        }
      }
    }
    assert.isTrue(whole.has("LampDone") && whole.has("FanDone") && whole.has("FansRecord"))
  })

  it("says which two declarations need one name", () => {
    const lamps = aggregate("Lamp", { error: { by: Schema.String } })
    const fans = aggregate("Fan", { error: { by: Schema.Int } })
    assert.throws(() => schemaOf({ aggregates: [lamps, fans] }), /Denied.*annotate\(\{ identifier/)
    const renamed = aggregate("Fan", { error: { by: Schema.Int }, identifier: "FanDenied" })
    assert.deepStrictEqual(validateSchema(schemaOf({ aggregates: [lamps, renamed] })), [])
    assert.throws(() => schemaOf({ aggregates: [aggregate("Lamp", { identifier: "PageInfo" })] }), /PageInfo/)
    assert.throws(() => schemaOf({ aggregates: [aggregate("Lamp", { tag: "State" })] }), /LampState/)
    const same = viewOf("Lamps", lamps, { "a-b": Schema.String, a_b: Schema.String })
    assert.throws(() => schemaOf({ aggregates: [lamps], views: [same] }), /"a-b".*"a_b"/)
    const literals = viewOf("Lamps", lamps, { mode: Schema.Literals(["a b", "a_b"]) })
    assert.throws(() => schemaOf({ aggregates: [lamps], views: [literals] }), /"a b".*"a_b"/)
    const twice = [viewOf("Lamps", lamps), viewOf("lamps", lamps)]
    assert.throws(() => schemaOf({ aggregates: [lamps], views: twice }), /the view Lamps.*the view lamps/)
  })

  it("has no events and no states that the rules show to nobody", () => {
    const hidden = Api.make("bank", {
      aggregates: open.aggregates,
      boundaries: open.boundaries,
      views: open.views,
      policies: {
        Account: { Open: "anyone", Deposit: "anyone", Withdraw: "anyone" },
        Transfer: "anyone",
        Accounts: { read: "anyone" },
        Owners: { read: "anyone" }
      }
    })
    const types = typesOf(GraphQl.schema(hidden))
    for (const name of ["AccountEvent", "AccountOpened", "AccountState", "RecordedEvent"])
      assert.isFalse(types.has(name), name)
    assert.notInclude(types.get("AccountReceipt")!, "events")
    assert.notInclude(types.get("Subscription")!, "events")
  })

  it("has only the fields to ask for that the limits allow", () => {
    const indexed = Api.make("bank", { views: open.views, policies: "open" })
    const types = typesOf(GraphQl.schema(indexed))
    assert.notInclude(types.get("AccountsFilter")!, "balance")
    assert.include(types.get("AccountsFilter")!, "owner")
    assert.notInclude(types.get("AccountsConnection")!, "totalCount")
  })
})
