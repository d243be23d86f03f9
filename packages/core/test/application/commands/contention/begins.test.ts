import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision, Executor, InvalidCommand, StateCache, VersionConflict } from "@hexfold/core"
import { Effect, Schedule, Schema } from "effect"
import { watched } from "../../../support/watched.ts"

class Open extends Schema.TaggedClass<Open>()("Open", { owner: Schema.String }) {}
class Close extends Schema.TaggedClass<Close>()("Close", {}) {}
class Opened extends Schema.TaggedClass<Opened>()("Opened", { owner: Schema.String }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}
class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", { owner: Schema.String }) {}
class NoOwner extends Schema.TaggedError<NoOwner>()("NoOwner", {}) {}

const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.String,
  initial: "",
  commands: [Open, Close],
  begins: ["Open"],
  events: [Opened, Closed],
  errors: [AlreadyOpen, NoOwner],
  decide: {
    Open: ({ owner }, state) => {
      if (owner === "nobody") return Decision.reject(new NoOwner())
      return state === "" ? Decision.accept(new Opened({ owner })) : Decision.reject(new AlreadyOpen({ owner: state }))
    },
    Close: () => Decision.accept(new Closed())
  },
  evolve: { Opened: (_, { owner }) => owner, Closed: () => "" }
})
const open = (owner: string, options?: Executor.ExecuteOptions, id = "a") =>
  Executor.execute(Account, id, new Open({ owner }), options)
const close = Executor.execute(Account, "a", new Close())
const stream = Account.streamId("a")
const never = { retry: Schedule.recurs(0) }

describe("a command that begins a stream", () => {
  it.effect("is decided without a read, and the append checks that the stream is new", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* watched
      expect(yield* run(open("Anna"))).toMatchObject({ version: 1, attempts: 1 })
      expect(reads).toEqual([])
      expect(appends[0]!.conditions).toEqual([
        { _tag: "Stream", streamId: stream, expected: { _tag: "Exactly", version: 0 } }
      ])
    })
  )

  it.effect("is decided again on what is read if the stream is not new, whatever the policy says", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      yield* run(open("Anna"))
      expect(yield* Effect.flip(run(open("Bert", never)))).toEqual(new AlreadyOpen({ owner: "Anna" }))
      expect(reads).toEqual([[{ streamId: stream }]])
      yield* run(close)
      expect(yield* run(open("Bert", never))).toMatchObject({ version: 3 })
    })
  )

  it.effect("is rejected only on what is read", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      expect(yield* Effect.flip(run(open("nobody")))).toEqual(new NoOwner())
      expect(reads).toEqual([[{ streamId: stream }]])
    })
  )

  it.effect("has one effect under its id", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      const first = yield* run(open("Anna", { commandId: "a" }))
      expect(yield* run(open("Anna", { commandId: "a" }))).toEqual({ ...first, attempts: 0, repeated: true })
      expect(yield* Effect.flip(run(open("Bert", { commandId: "a" })))).toMatchObject({ _tag: "CommandIdReused" })
      expect(reads).toEqual([])
    })
  )

  it.effect("is refused for an id that no store keeps", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      expect(yield* Effect.flip(run(open("Anna", {}, "a\0")))).toBeInstanceOf(InvalidCommand)
      expect(yield* Effect.flip(run(open("Anna", { commandId: "" })))).toBeInstanceOf(InvalidCommand)
    })
  )

  it.effect("takes what is remembered before a guess", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* watched
      yield* run(open("Anna"))
      yield* run(close)
      yield* run(open("Bert"))
      expect(appends).toHaveLength(3)
    }).pipe(Effect.provide(StateCache.layer({ capacity: 10 })))
  )
})

describe("a command that expects version 0", () => {
  const add = (expectedVersion: number) => Executor.execute(Account, "a", new Close(), { expectedVersion })

  it.effect("is decided without a read, and fails with the version that the store has", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      expect(yield* run(add(0))).toMatchObject({ version: 1, attempts: 1 })
      expect(reads).toEqual([])
      expect(yield* Effect.flip(run(add(0)))).toEqual(new VersionConflict({ stream, expected: 0, actual: 1 }))
      expect(yield* run(add(1))).toMatchObject({ version: 2 })
      expect(reads).toHaveLength(2)
    })
  )
})

it("only commands of the aggregate begin its streams", () => {
  Aggregate.make("Wrong", {
    id: Schema.String,
    state: Schema.String,
    initial: "",
    commands: [Close],
    // @ts-expect-error the aggregate has no command Open
    begins: ["Open"],
    events: [Closed],
    decide: { Close: () => Decision.accept(new Closed()) },
    evolve: { Closed: () => "" }
  })
  expect([...Account.begins]).toEqual(["Open"])
})
