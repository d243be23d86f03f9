import { assert, describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import {
  Aggregate,
  Boundary,
  CommandCodec,
  Decision,
  type EventStore,
  Executor,
  InvalidCommand,
  InvalidDecision,
  UnknownCommandVersion,
  Versions
} from "@hexfold/core"
import { Effect, Result, Schema } from "effect"

class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { cents: Schema.Int }) {}

const V1 = Schema.TaggedStruct("Withdraw", { euros: Schema.Finite })
const note = Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("")))
const V2 = Schema.TaggedStruct("Withdraw", { cents: Schema.Int, note })
const positive = Schema.Int.check(Schema.isGreaterThan(0))
class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: positive, currency: Schema.String }) {}

const toV2 = ({ euros }: typeof V1.Type) => V2.make({ cents: Math.round(euros * 100), note: "upcast" })
const second = Versions.first(V1).next(V2, toV2)
const third = second.next(Withdraw, ({ cents }) => new Withdraw({ amount: cents, currency: "EUR" }))

const definition = { id: Schema.String, state: Schema.Int, initial: 0, events: [Withdrawn] } as const
const evolve = { Withdrawn: (sum: number, { cents }: Withdrawn) => sum + cents }
const withdrawn = (cents: number) => Decision.accept(new Withdrawn({ cents }))

/** The programs of three deployments, and one that reads the second version before it writes it. */
const programs = {
  first: Aggregate.make("Till", {
    ...definition,
    commands: [V1],
    decide: { Withdraw: ({ euros }) => withdrawn(euros * 100) },
    evolve
  }),
  ahead: Aggregate.make("Till", {
    ...definition,
    commands: [Versions.first(V1).ahead(V2, ({ cents }) => V1.make({ euros: cents / 100 }))],
    decide: { Withdraw: ({ euros }) => withdrawn(euros * 100) },
    evolve
  }),
  second: Aggregate.make("Till", {
    ...definition,
    commands: [second],
    decide: { Withdraw: ({ cents }) => withdrawn(cents) },
    evolve
  }),
  third: Aggregate.make("Till", {
    ...definition,
    commands: [third],
    decide: { Withdraw: ({ amount }) => withdrawn(amount) },
    evolve
  })
} as const

const over = <Command extends { readonly _tag: "Withdraw" }>(
  command: Schema.Codec<Command, unknown> | Versions.Chain<Schema.Codec<Command, unknown>>,
  centsOf: (command: Command) => number
) =>
  Boundary.make("Withdrawals", {
    command,
    participants: () => ({ till: programs.first.at("b") }),
    decide: (given) => Decision.all({ till: withdrawn(centsOf(given)) })
  })

const boundaries = {
  first: over(V1, ({ euros }) => euros * 100),
  ahead: over(
    Versions.first(V1).ahead(V2, ({ cents }) => V1.make({ euros: cents / 100 })),
    ({ euros }) => euros * 100
  ),
  second: over(second, ({ cents }) => cents),
  third: over(third, ({ amount }) => amount)
} as const

type Program = keyof typeof programs
type Send = (
  program: Program,
  json: unknown,
  more?: Executor.ExecuteOptions
) => Effect.Effect<Answer, Executor.BoundaryError | UnknownCommandVersion, EventStore.EventStore>
interface Answer {
  readonly repeated: boolean
  readonly cents: ReadonlyArray<number>
}

const toAggregate: Send = (program, json, more = {}) =>
  Effect.map(Executor.executeUnknown(programs[program], "a", json, more), ({ events, repeated }) => ({
    repeated,
    cents: events.map(({ data }) => data.cents)
  }))

const toBoundary: Send = (program, json, more = {}) =>
  Effect.map(Executor.executeUnknown(boundaries[program], json, more), ({ events, repeated }) => ({
    repeated,
    cents: events.map(({ data }) => data.cents)
  }))

const old = { _tag: "Withdraw", euros: 1.5 }
const newer = { _tag: "Withdraw", cents: 150, _version: 2 }
const newest = { _tag: "Withdraw", amount: 150, currency: "EUR", _version: 3 }
const commandId = "request-1"

for (const [where, send] of [
  ["an aggregate", toAggregate],
  ["a boundary", toBoundary]
] as const) {
  describe(`the command of ${where}`, () => {
    const test = (name: string, run: () => Effect.Effect<void, unknown, EventStore.EventStore>) =>
      it.effect(name, () => Effect.provide(run(), MemoryEventStore.layer()))

    test("of each version becomes the current one, and one that says no version is of the first", () =>
      Effect.gen(function* () {
        const sent = [
          ["first", old],
          ["first", { ...old, _version: 1 }],
          ["ahead", old],
          ["ahead", newer],
          ["second", old],
          ["second", newer],
          ["third", old],
          ["third", newer],
          ["third", newest]
        ] as const
        for (const [program, json] of sent) assert.deepStrictEqual((yield* send(program, json)).cents, [150])
      }))

    test("of a version that a newer client sends fails retryably, and nothing is written", () =>
      Effect.gen(function* () {
        for (const [program, json, known] of [
          ["first", newer, 1],
          ["ahead", newest, 2],
          ["second", newest, 2]
        ] as const) {
          const error = yield* Effect.flip(send(program, json, { commandId }))
          assert.instanceOf(error, UnknownCommandVersion)
          assert.include(error, { command: "Withdraw", schemaVersion: json._version, known, isRetryable: true })
          assert.isTrue(Executor.isOperationalError(error))
          assert.include(error.message, `version ${json._version} of the command "Withdraw": this program knows its versions up to ${known}`) // prettier-ignore
        }
        // The process of the newer program takes the same command under the same id.
        assert.isFalse((yield* send("third", newest, { commandId })).repeated)
      }))

    test("is the same command when it is repeated after a deployment of later versions, whatever its steps give", () =>
      Effect.gen(function* () {
        for (const [i, [json, before, after]] of [
          [old, "first", ["first", "ahead", "second", "third"]],
          [{ ...old, _version: 1 }, "first", ["second", "third"]],
          [newer, "ahead", ["second", "third", "ahead"]],
          [newest, "third", ["third"]]
        ].entries() as ArrayIterator<[number, [object, Program, ReadonlyArray<Program>]]>) {
          const id = `request-${i}`
          assert.isFalse((yield* send(before, json, { commandId: id })).repeated)
          for (const program of after) {
            assert.deepStrictEqual(yield* send(program, json, { commandId: id }), { repeated: true, cents: [150] })
            const other = { ...json, euros: 2, cents: 200, amount: 200 }
            const error = yield* Effect.flip(send(program, other, { commandId: id }))
            assert.include(error, { _tag: "CommandIdReused" })
          }
        }
      }))

    test("of another version is another command, although both become the same", () =>
      Effect.gen(function* () {
        yield* send("third", old, { commandId })
        for (const json of [newer, newest]) {
          assert.include(yield* Effect.flip(send("third", json, { commandId })), { _tag: "CommandIdReused" })
        }
      }))

    test("that is not possible any more, or does not match its version, is the client's mistake", () =>
      Effect.gen(function* () {
        const refused = (json: unknown) =>
          Effect.map(Effect.flip(send("third", json)), (error) => {
            assert.instanceOf(error, InvalidCommand)
            return error.detail
          })
        assert.include(yield* refused({ ...old, euros: -1 }), "version 1 as version 3: ")
        assert.include(yield* refused({ _tag: "Withdraw", cents: 1.5, _version: 2 }), "version 2: ")
        assert.include(yield* refused({ ...newest, _version: 1 }), '["euros"]')
        for (const _version of [0, -1, 1.5, "2", null, [], true, Number.NaN, 1e300]) {
          assert.match(yield* refused({ ...old, _version }), /^_version: .* is not a whole number from 1 on$/)
        }
      }))
  })
}

describe("two versions that look the same", () => {
  it.effect("are other commands, because their meaning differs", () =>
    Effect.gen(function* () {
      const Cents = Schema.TaggedStruct("Withdraw", { amount: Schema.Int })
      const chain = Versions.first(Cents).next(Cents, ({ amount }) => Cents.make({ amount: amount * 100 }))
      const Till = Aggregate.make("Till", {
        ...definition,
        commands: [chain],
        decide: { Withdraw: ({ amount }) => withdrawn(amount) },
        evolve
      })
      const given = { _tag: "Withdraw", amount: 3 }
      yield* Executor.executeUnknown(Till, "a", given, { commandId })
      const other = Executor.executeUnknown(Till, "a", { ...given, _version: 2 }, { commandId })
      assert.include(yield* Effect.flip(other), { _tag: "CommandIdReused" })
      assert.isTrue((yield* Executor.executeUnknown(Till, "a", given, { commandId })).repeated)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("a repeated command whose event has become two", () => {
  it.effect("has both of them in its receipt, each with its part", () =>
    Effect.gen(function* () {
      const Pay = Schema.TaggedStruct("Pay", {})
      const Both = Schema.TaggedStruct("Both", { cents: Schema.Int })
      const common = { id: Schema.String, state: Schema.Int, initial: 0, commands: [Pay] } as const
      const before = Aggregate.make("Till", {
        ...common,
        events: [Both],
        decide: { Pay: () => Decision.accept(Both.make({ cents: 2 })) },
        evolve: { Both: (sum) => sum }
      })
      const today = Aggregate.make("Till", {
        ...common,
        events: [Withdrawn],
        retired: [Versions.retired(Both, ({ cents }) => [1, cents].map((each) => new Withdrawn({ cents: each })))],
        decide: { Pay: () => withdrawn(3) },
        evolve
      })
      yield* Executor.executeUnknown(before, "a", { _tag: "Pay" }, { commandId })
      const { events, version } = yield* Executor.executeUnknown(today, "a", { _tag: "Pay" }, { commandId })
      const facts = { version: 1, type: "Both", schemaVersion: 1 }
      expect(version).toBe(1)
      expect(events).toMatchObject([
        { ...facts, part: 0, data: { cents: 1 } },
        { ...facts, part: 1, data: { cents: 2 } }
      ])
      expect(events[0]!.id).toBe(events[1]!.id)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("a step of a command that is wrong", () => {
  const with_ = (step: (old: typeof V1.Type) => Withdraw) =>
    CommandCodec.of(
      Aggregate.make("Till", {
        ...definition,
        commands: [Versions.first(V1).next(Withdraw, step)],
        decide: { Withdraw: ({ amount }) => withdrawn(amount) },
        evolve
      })
    )

  it("is the program's mistake if it throws, and keeps the cause", () => {
    const bug = new TypeError("no euros")
    const codec = with_(() => {
      throw bug
    })
    const error = Result.getOrThrow(Result.flip(codec.decode(old)))
    assert.instanceOf(error, InvalidDecision)
    expect(error).toMatchObject({ target: "Till", cause: bug })
    expect(error.message).toBe("Till: version 1 of a command: a step has thrown: TypeError: no euros")
  })

  it("gives what a client could have sent, whatever it returns", () => {
    const codec = with_(() => ({ _tag: "Withdraw", amount: 1, ...{ currency: "EUR", surplus: true } }))
    const command = Result.getOrThrow(codec.decode(old))
    expect(command).toEqual(new Withdraw({ amount: 1, currency: "EUR" }))
    expect(Object.keys(command)).not.toContain("surplus")
    const nothing = with_(() => undefined as never)
    expect(Result.getOrThrow(Result.flip(nothing.decode(old)))).toBeInstanceOf(InvalidCommand)
  })
})

describe("the JSON of a command", () => {
  const { decode, encode, fingerprint } = CommandCodec.of(programs.third)
  const command = new Withdraw({ amount: 150, currency: "EUR" })

  it("has its version, so that the same program and a newer one read it", () => {
    const json = Result.getOrThrow(encode(command))
    expect(json).toEqual(newest)
    expect(decode(json)).toEqual(Result.succeed(command))
    const first = CommandCodec.of(programs.first)
    expect(first.encode(V1.make({ euros: 1.5 }))).toEqual(Result.succeed(old))
    expect(CommandCodec.ofBoundary(boundaries.third).encode(command)).toEqual(Result.succeed(newest))
  })

  it("has the fingerprint of the typed command", () => {
    expect(fingerprint("Till-a", Result.getOrThrow(decode(newest)))).toEqual(fingerprint("Till-a", command))
  })

  it("is read without its version, where a schema takes any member", () => {
    const Open = Schema.TaggedStruct("Withdraw", {}).pipe(Schema.fieldsAssign({}), (struct) =>
      Schema.StructWithRest(struct, [Schema.Record(Schema.String, Schema.Json)])
    )
    const { decode } = CommandCodec.ofBoundary(over(Open, () => 1))
    expect(decode({ _tag: "Withdraw", more: 1, _version: 1 })).toEqual(Result.succeed({ _tag: "Withdraw", more: 1 }))
  })

  it("is not read with a field of its own called _version", () => {
    const Own = Schema.TaggedStruct("Withdraw", { _version: Schema.Int })
    const Renamed = Schema.TaggedStruct("Withdraw", { v: Schema.Int }).pipe(Schema.encodeKeys({ v: "_version" }))
    const make = (command: typeof Own) => () =>
      Aggregate.make("Till", {
        ...definition,
        commands: [command],
        decide: { Withdraw: () => Decision.nothing },
        evolve
      })
    const message = "_version is the version of a command, so none of its fields can have this name"
    expect(make(Own)).toThrow(`Till, commands Withdraw: ${message}`)
    expect(() => over(Renamed, () => 1)).toThrow(`Withdrawals, command: ${message}`)
    expect(() => over(Schema.Union([V1, Own]), () => 1)).toThrow(message)
    expect(() =>
      over(
        Versions.first(V1).next(Own, () => Own.make({ _version: 2 })),
        () => 1
      )
    ).toThrow(message)
  })
})

describe("a chain of commands that cannot be", () => {
  it("throws where it is made", () => {
    const Other = Schema.TaggedStruct("Other", {})
    const chain = Versions.first(V1).next(Other as never, (() => 0) as never) as Versions.Chain<typeof V1>
    expect(() => over(chain, () => 1)).toThrow('Withdrawals: version 1 of "Other" has the tag "Withdraw"')
    const make = () =>
      Aggregate.make("Till", { ...definition, commands: [chain], decide: { Withdraw: () => Decision.nothing }, evolve })
    expect(make).toThrow('Till: version 1 of "Other" has the tag "Withdraw"')
  })
})
