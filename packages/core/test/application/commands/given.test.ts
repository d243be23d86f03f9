import { assert, describe, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Aggregate, Boundary, Decision, Executor } from "@hexfold/core"
import { Effect, Schema } from "effect"

class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Schema.Int }) {}

const currency = Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("EUR")))
const before = Schema.TaggedStruct("Deposit", {
  amount: Schema.Int,
  lines: Schema.Array(Schema.Struct({ n: Schema.Int }))
})
const after = Schema.TaggedStruct("Deposit", {
  amount: Schema.Int,
  currency,
  lines: Schema.Array(Schema.Struct({ n: Schema.Int, currency }))
})
const box = Schema.TaggedStruct("Put", { v: Schema.Json })

const definition = { id: Schema.String, state: Schema.Int, initial: 0, events: [Deposited] } as const
const evolve = { Deposited: (sum: number, { amount }: Deposited) => sum + amount }
const deposit = ({ amount }: { readonly amount: number }) => Decision.accept(new Deposited({ amount }))
const Former = Aggregate.make("Account", { ...definition, commands: [before], decide: { Deposit: deposit }, evolve })
const Present = Aggregate.make("Account", { ...definition, commands: [after], decide: { Deposit: deposit }, evolve })
const Box = Aggregate.make("Box", {
  ...definition,
  commands: [box],
  decide: { Put: () => Decision.accept(new Deposited({ amount: 1 })) },
  evolve
})

const boundary = (command: typeof before | typeof after) =>
  Boundary.make("Deposits", {
    command: command as Schema.Codec<typeof before.Type, unknown>,
    participants: () => ({ to: Present.at("b") }),
    decide: (given) => Decision.all({ to: deposit(given) })
  })

const request = { _tag: "Deposit", amount: 5, lines: [{ n: 1 }], surplus: [1] }
const commandId = "request-1"

describe("a command that is repeated after a deployment", () => {
  it.effect("is the same although decoding adds a default now, also in a list", () =>
    Effect.gen(function* () {
      yield* Executor.executeUnknown(Former, "a", request, { commandId })
      const again = yield* Executor.executeUnknown(Present, "a", request, { commandId })
      assert.isTrue(again.repeated)
      const other = yield* Effect.flip(Executor.executeUnknown(Present, "a", { ...request, amount: 6 }, { commandId }))
      assert.strictEqual(other._tag, "CommandIdReused")
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("is the same on a boundary, and whether it is typed or decoded", () =>
    Effect.gen(function* () {
      const { surplus: _, ...typed } = request
      yield* Executor.execute(boundary(before), typed as typeof before.Type, { commandId })
      const again = yield* Executor.executeUnknown(boundary(after), request, { commandId })
      assert.isTrue(again.repeated)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("another command under the same id is refused", () => {
  const line = Schema.Struct({ amount: Schema.Int }).pipe(Schema.encodeKeys({ amount: "sum" }))
  const Renamed = Aggregate.make("Account", {
    ...definition,
    commands: [Schema.TaggedStruct("Deposit", { line, note: Schema.optional(Schema.String) })],
    decide: { Deposit: ({ line }) => deposit(line) },
    evolve
  })

  it.effect("also if a name of its JSON differs from that of its type", () =>
    Effect.gen(function* () {
      const typed = (amount: number, more: { readonly note?: string | undefined } = {}) =>
        Executor.execute(Renamed, "a", { _tag: "Deposit", line: { amount }, ...more }, { commandId })
      const json = (sum: number) =>
        Executor.executeUnknown(Renamed, "a", { _tag: "Deposit", line: { sum } }, { commandId })
      yield* typed(5)
      assert.isTrue((yield* typed(5)).repeated)
      assert.isTrue((yield* typed(5, { note: undefined })).repeated)
      assert.isTrue((yield* json(5)).repeated)
      for (const other of [typed(6), json(6), typed(5, { note: "n" })]) {
        assert.strictEqual((yield* Effect.flip(other))._tag, "CommandIdReused")
      }
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("bad input is refused, and is not a defect:", () => {
  const refusing = (command: unknown, options: Executor.ExecuteOptions = { commandId }) =>
    Effect.flip(Executor.executeUnknown(Box, "a", command, options)).pipe(Effect.provide(MemoryEventStore.layer()))
  const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`) as unknown

  for (const depth of [1_001, 3_000, 20_000, 200_000]) {
    it.effect(`JSON of ${depth} levels`, () =>
      Effect.gen(function* () {
        for (const options of [{ commandId }, {}]) {
          assert.strictEqual((yield* refusing({ _tag: "Put", v: nested(depth) }, options))._tag, "InvalidCommand")
        }
      })
    )
  }

  it.effect("a text of 100 MB", () =>
    Effect.gen(function* () {
      const error = yield* refusing({ _tag: "Put", v: "x".repeat(100_000_000) })
      assert.strictEqual(error.message, "Box: not a valid command: it is longer than 16777216 characters")
    })
  )

  it.effect("a list of 17 million members, and names of 17 million characters", () =>
    Effect.gen(function* () {
      const members = Array.from({ length: 17 }, (_, i) => [`${i}${"x".repeat(1_000_000)}`, null])
      for (const v of [Array(17_000_000).fill(null), Object.fromEntries(members)]) {
        const error = yield* refusing({ _tag: "Put", v })
        assert.strictEqual(error.message, "Box: not a valid command: it is longer than 16777216 characters")
      }
    })
  )

  it.effect("a huge tag or value, which the message repeats only in part", () =>
    Effect.gen(function* () {
      const huge = "x".repeat(5_000_000)
      assert.isBelow((yield* refusing({ _tag: huge })).message.length, 3_000)
      const error = yield* Effect.flip(
        Effect.provide(Executor.executeUnknown(Former, "a", { ...request, amount: huge }), MemoryEventStore.layer())
      )
      assert.isBelow(error.message.length, 3_000)
    })
  )

  for (const id of [5, null, {}, "", "a\0", "x".repeat(1_001)]) {
    it.effect(`the command id ${JSON.stringify(id).slice(0, 20)}`, () =>
      Effect.gen(function* () {
        const error = yield* refusing({ _tag: "Put", v: 1 }, { commandId: id as string })
        assert.include(error, { _tag: "InvalidCommand", part: "commandId" })
      })
    )
  }
})
