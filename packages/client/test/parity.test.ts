import { assert, describe, it } from "@effect/vitest"
import { Remote, RemoteError } from "@hexfold/client"
import {
  Aggregate,
  Api,
  Boundary,
  CommandIdReused,
  ConcurrencyConflict,
  Decision,
  EventDecodeError,
  EventStoreError,
  type Executor,
  InvalidCommand,
  InvalidCursor,
  InvalidDecision,
  NotServing,
  Query,
  Reason,
  type Records,
  StreamWrittenTwice,
  type Subscription,
  TooManyParticipants,
  UnknownCommandVersion,
  UnknownEvent,
  VersionConflict,
  View,
  ViewStoreError
} from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import { Account, Accounts, Deposit, Open } from "../../server/test/http/bank.ts"
import { bankApi, type Changes, serving } from "./serving.ts"
import { Lock, Vault, Vaults } from "./vault.ts"

/** What a program can tell one failure from another by. */
const factsOf = (error: unknown): unknown => {
  if (error instanceof RemoteError) return [error.status, error.title, error.isRetryable]
  if (error instanceof VersionConflict) return { ...error }
  return [(error as Aggregate.Tagged)._tag, error]
}

type Call = Effect.Effect<unknown, unknown, Remote.Remote>

/** What a call fails with elsewhere, which is compared with what it fails with here. */
const compared = (name: string, { as, here }: Effect.Success<ReturnType<typeof serving>>, call: Call) =>
  Effect.gen(function* () {
    const facts = Effect.match(call, { onSuccess: () => "it is answered", onFailure: factsOf })
    const elsewhere = yield* Effect.provide(facts, as("ann"))
    assert.notStrictEqual(elsewhere, "it is answered", name)
    assert.deepStrictEqual([name, yield* Effect.provide(facts, here)], [name, elsewhere])
    return elsewhere
  })

type CommandFailure = Executor.BoundaryError | UnknownCommandVersion
type ReadFailure = Exclude<Records.QueryError | Subscription.QueryError, { readonly _tag: "RecordDecodeError" }>

/** An error for each tag: one that is missing here does not compile. */
type Each<E extends Aggregate.Tagged> = { readonly [Tag in E["_tag"]]: Extract<E, { readonly _tag: Tag }> }

const detail = "the disk of the accountants is full"
const reasons: Each<Reason.Reason> = {
  Unavailable: new Reason.Unavailable({ detail }),
  Timeout: new Reason.Timeout({ detail }),
  Corrupt: new Reason.Corrupt({ detail }),
  Rejected: new Reason.Rejected({ detail }),
  Aborted: new Reason.Aborted({ detail }),
  PositionFromAnotherHistory: new Reason.PositionFromAnotherHistory({ detail, history: 2, position: 7, current: 1 }),
  Unknown: new Reason.Unknown({ detail })
}
const ofStore = Object.values(reasons)

const isLost = (reason: Reason.Reason): boolean => reason._tag === "PositionFromAnotherHistory"

const event = { stream: "Account-a", version: 1, type: "Frozen" }
const commandFailures: Omit<Each<CommandFailure>, "EventStoreError"> = {
  ConcurrencyConflict: new ConcurrencyConflict({
    stream: "Account-a",
    expected: { _tag: "Any" },
    actual: 1,
    attempts: 1
  }),
  CommandIdReused: new CommandIdReused({ commandId: "k", stored: "a", given: "b" }),
  EventDecodeError: new EventDecodeError({ ...event, detail }),
  UnknownEvent: new UnknownEvent({ ...event, schemaVersion: 1 }),
  InvalidDecision: new InvalidDecision({ target: "Account", detail, cause: "why" }),
  InvalidCommand: new InvalidCommand({ target: "Account", part: "command", detail }),
  StreamWrittenTwice: new StreamWrittenTwice({ boundary: "Transfer", stream: "Account-a", roles: ["from", "to"] }),
  TooManyParticipants: new TooManyParticipants({ boundary: "Transfer", limit: 1, found: 2 }),
  UnknownCommandVersion: new UnknownCommandVersion({
    target: "Account",
    command: "Open",
    schemaVersion: 2,
    known: 1
  })
}
const readFailures: Omit<Each<ReadFailure>, "EventStoreError" | "ViewStoreError"> = {
  InvalidCursor: new InvalidCursor({ view: "Accounts", cursor: "x", problem: "OtherQuery" }),
  NotServing: new NotServing({ view: "Accounts", version: 1, reason: "building" })
}

const opening = Remote.execute(Account, "a", new Open({ owner: "ann" }))
const accounts = Query.from(Accounts)
const live = <Row, Name extends string>(view: Query.Versioned<unknown, NoInfer<Name>>, query: Query.Query<Row, Name>) =>
  Stream.runDrain(Remote.live(view, query))

/** All questions, once and live. */
const questions = (view: Query.Versioned<unknown>, key = "a"): Readonly<Record<string, Call>> => ({
  query: Remote.query(view, Query.from(view)),
  record: Remote.record(view, key),
  live: live(view, Query.from(view)),
  liveRecord: Stream.runDrain(Remote.liveRecord(view, key))
})

const failingLog = (error: unknown): Changes => ({
  events: (store) => ({
    ...store,
    readStreams: () => Effect.fail(error as never),
    append: () => Effect.fail(error as never),
    horizons: Stream.fail(error as never)
  })
})

const failingRecords = (error: unknown): Changes => ({
  records: (store) => ({
    ...store,
    query: () => Effect.fail(error as never),
    load: () => Effect.fail(error as never)
  })
})

describe("a failure here has the status and the title of the one over HTTP", () => {
  it.live("when a command fails technically", () =>
    Effect.gen(function* () {
      const answers = new Map<string, unknown>()
      for (const error of Object.values(commandFailures)) {
        const api = yield* serving(bankApi, failingLog(error))
        answers.set(error._tag, yield* compared(error._tag, api, opening))
      }
      // The table would be of no use if all of it were the same.
      assert.deepStrictEqual(answers.get("TooManyParticipants"), [422, "TooManyParticipants", false])
      assert.deepStrictEqual(answers.get("InvalidCommand"), [400, "InvalidRequest", false])
      assert.deepStrictEqual(answers.get("UnknownEvent"), [503, "Unavailable", true])
      assert.deepStrictEqual(answers.get("EventDecodeError"), [500, "Internal", false])
    })
  )

  it.live("when the log fails, for each reason", () =>
    Effect.gen(function* () {
      const answers = new Map<string, unknown>()
      for (const reason of ofStore) {
        for (const operation of ["append", "readAll"] as const) {
          const name = `${operation}: ${reason._tag}`
          const error = new EventStoreError({ operation, reason })
          const api = yield* serving(bankApi, failingLog(error))
          // A log that has gone back is read again by commands, and while it is away, live results wait.
          const calls = [...(isLost(reason) ? [] : [opening]), ...(error.isRetryable ? [] : [live(Accounts, accounts)])]
          for (const call of calls) answers.set(name, yield* compared(name, api, call))
        }
      }
      assert.deepStrictEqual(answers.get("append: PositionFromAnotherHistory"), [410, "PositionLost", false])
      assert.deepStrictEqual(answers.get("append: Corrupt"), [500, "Internal", false])
      assert.deepStrictEqual(answers.get("append: Timeout"), [503, "Unavailable", true])
      assert.deepStrictEqual(answers.get("readAll: Rejected"), [400, "InvalidRequest", false])
    })
  )

  it.live("when a question fails, once and live", () =>
    Effect.gen(function* () {
      const ofReasons = ofStore.map((reason) => new ViewStoreError({ operation: "query", reason }))
      for (const error of [...Object.values(readFailures), ...ofReasons]) {
        const api = yield* serving(bankApi, failingRecords(error))
        for (const [name, call] of Object.entries(questions(Accounts))) {
          const isLive = name.startsWith("live")
          // Live results of what may be answered later go on.
          if (isLive && (error._tag === "NotServing" || (error._tag === "ViewStoreError" && error.isRetryable)))
            continue
          const reason = error._tag === "ViewStoreError" ? ` ${error.reason._tag}` : ""
          yield* compared(`${name}: ${error._tag}${reason}`, api, call)
        }
      }
    })
  )

  it.live("when something throws in the stores", () =>
    Effect.gen(function* () {
      const thrown = Effect.die(new Error(detail))
      const api = yield* serving(bankApi, {
        events: (store) => ({ ...store, readStreams: () => thrown, append: () => thrown }),
        records: (store) => ({ ...store, query: () => thrown, load: () => thrown })
      })
      for (const [name, call] of Object.entries({ execute: opening, ...questions(Accounts) })) {
        assert.deepStrictEqual(yield* compared(name, api, call), [500, "Internal", false])
      }
    })
  )

  it.live("when a record does not have the state of this program", () =>
    Effect.gen(function* () {
      const wrong = { owner: "ann", balance: "much" }
      const api = yield* serving(bankApi, {
        records: (store) => ({
          ...store,
          query: () => Effect.succeed({ rows: [{ key: "a", state: wrong }], next: undefined }) as never,
          load: () => Effect.succeed({ states: new Map([["a", wrong]]) } as never)
        })
      })
      for (const [name, call] of Object.entries(questions(Accounts))) {
        assert.deepStrictEqual(yield* compared(name, api, call), [200, "Unreadable", false])
      }
    })
  )
})

class Fail extends Schema.TaggedClass<Fail>()("Fail", { how: Schema.Literals(["declared", "undeclared", "throw"]) }) {}
class Declared extends Schema.TaggedError<Declared>()("Declared", { how: Schema.String }, { httpApiStatus: 409 }) {}
class Undeclared extends Schema.TaggedError<Undeclared>()("Undeclared", {}) {}

/** It fails in every way in which a domain can. */
const Odd = Aggregate.make("Odd", {
  id: Schema.Literals(["one", "two"]),
  state: Schema.Struct({}),
  initial: {},
  commands: [Fail],
  events: [Schema.TaggedStruct("Never", {})],
  errors: [Declared],
  decide: {
    Fail: ({ how }) => {
      if (how === "throw") throw new Error(detail)
      return Decision.reject(how === "declared" ? new Declared({ how }) : (new Undeclared({}) as never as Declared))
    }
  },
  evolve: { Never: (state) => state }
})

const Crowd = Boundary.make("Crowd", {
  command: Schema.TaggedStruct("Crowd", { of: Schema.Array(Schema.Literals(["one", "two"])) }),
  participants: ({ of }) => ({ all: of.map((id) => Odd.at(id)) }),
  maxParticipants: 1,
  errors: [Declared],
  decide: () => Decision.reject(new Declared({ how: "in a crowd" }))
})

const Unserved = View.make("Unserved", {
  from: [Account],
  state: Schema.Struct({ owner: Schema.String }),
  evolve: { Opened: (_, { owner }) => ({ owner }) }
})

const oddApi = Api.make("odd", {
  aggregates: [Odd, Account, Vault],
  boundaries: [Crowd],
  views: [Accounts, Vaults],
  policies: "open"
}) as Api.Any

describe("what a program or a domain does wrong fails here as it does over HTTP", () => {
  const fail = (how: Fail["how"]) => Remote.execute(Odd, "one", new Fail({ how }))
  const deposit = (options: Remote.ExecuteOptions<number>) =>
    Remote.execute(Account, "a", new Deposit({ cents: 5 }), options)
  const paged = Query.from(Accounts, { orderBy: ["owner"], limit: 1 })

  it.live("when the domain rejects, or does what it must not", () =>
    Effect.gen(function* () {
      const api = yield* serving(oddApi)
      const declared = yield* compared("declared", api, fail("declared"))
      assert.deepStrictEqual(declared, ["Declared", new Declared({ how: "declared" })])
      assert.deepStrictEqual(yield* compared("undeclared", api, fail("undeclared")), [500, "Internal", false])
      assert.deepStrictEqual(yield* compared("thrown", api, fail("throw")), [500, "Internal", false])
      const crowd = (...of: ReadonlyArray<"one" | "two">) => Remote.execute(Crowd, { _tag: "Crowd", of })
      yield* compared("a boundary rejects", api, crowd("one"))
      const many = yield* compared("too many", api, crowd("one", "two"))
      assert.deepStrictEqual(many, [422, "TooManyParticipants", false])
    })
  )

  it.live("when a command cannot be asked for", () =>
    Effect.gen(function* () {
      const api = yield* serving(oddApi)
      yield* Effect.provide(opening, api.here)
      const calls: Readonly<Record<string, Call>> = {
        "an id of another schema": Remote.execute(Odd, "three" as "one", new Fail({ how: "declared" })),
        "no id": Remote.execute(Account, "", new Open({ owner: "ann" })),
        "an id that no address can have": Remote.execute(Account, "..", new Open({ owner: "ann" })),
        "an id that no text is": Remote.execute(Account, "\ud800", new Open({ owner: "ann" })),
        "a command that breaks its schema": Remote.execute(Account, "a", { _tag: "Deposit", cents: -1 } as Deposit),
        "a command that there is not": Remote.execute(Account, "a", { _tag: "Burn" } as never),
        "a command of another aggregate": Remote.execute(Account, "a", new Lock({ by: "ann" }) as never),
        "no command id": deposit({ commandId: "" }),
        "a command id that is too long": deposit({ commandId: "x".repeat(1_001) }),
        "a command id that no text is": deposit({ commandId: "\ud800" }),
        "another version": deposit({ expectedVersion: 7 }),
        "a negative version": deposit({ expectedVersion: -1 }),
        "a broken version": deposit({ expectedVersion: 0.5 })
      }
      for (const [name, call] of Object.entries(calls)) yield* compared(name, api, call)
    })
  )

  it.live("when a command id is used again for another command", () =>
    Effect.gen(function* () {
      const { as, here } = yield* serving(oddApi)
      const facts = (layer: typeof here) =>
        Effect.provide(
          Effect.andThen(
            Remote.execute(Account, "a", new Open({ owner: "ann" }), { commandId: "used" }),
            Effect.map(Effect.flip(deposit({ commandId: "used" })), factsOf)
          ),
          layer
        )
      const elsewhere = yield* facts(as("ann"))
      const other = yield* serving(oddApi)
      assert.deepStrictEqual(yield* facts(other.here), elsewhere)
      assert.deepStrictEqual(elsewhere, [409, "CommandIdReused", false])
    })
  )

  it.live("when a question cannot be asked", () =>
    Effect.gen(function* () {
      const api = yield* serving(oddApi)
      for (const key of ["", ".", "..", "\ud800"]) {
        const { liveRecord, record } = questions(Accounts, key)
        yield* compared(`record ${JSON.stringify(key)}`, api, record!)
        yield* compared(`live record ${JSON.stringify(key)}`, api, liveRecord!)
      }
      for (const [name, call] of Object.entries(questions(Unserved))) {
        assert.deepStrictEqual(yield* compared(name, api, call), [404, "NoSuchAddress", false])
      }
      const queries: Readonly<Record<string, Query.Query<unknown, "Accounts">>> = {
        "a cursor that is none": Query.after(paged, "nonsense"),
        "a limit of none": { ...paged, limit: 0 },
        "more than an API gives": { ...paged, limit: 101 },
        "a field that no index has": Query.from(Accounts, { where: { balance: 5 } }),
        "a total": { ...paged, total: true },
        "a field that there is not": { ...paged, orderBy: [{ path: ["nothing"], direction: "asc" }] },
        "another view": { ...paged, view: "Vaults" } as never
      }
      for (const [name, query] of Object.entries(queries)) {
        yield* compared(name, api, Remote.query(Accounts, query))
        yield* compared(`live, ${name}`, api, live(Accounts, query))
      }
    })
  )

  it.live("and a question without a limit has that of the API", () =>
    Effect.gen(function* () {
      const api = yield* serving(oddApi)
      const filling = Effect.forEach(
        Array.from({ length: 21 }, (_, i) => `a${i}`),
        (id) => Remote.execute(Account, id, new Open({ owner: "ann" }), { wait: "5 seconds" })
      )
      yield* Effect.provide(filling, api.here)
      const counting = Effect.map(Remote.query(Accounts, accounts), ({ next, rows }) => [
        rows.length,
        next !== undefined
      ])
      assert.deepStrictEqual(yield* Effect.provide(counting, api.as("ann")), [20, true])
      assert.deepStrictEqual(yield* Effect.provide(counting, api.here), [20, true])
    })
  )
})
