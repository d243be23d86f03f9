import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Remote, RemoteError } from "@hexfold/client"
import { type Aggregate, Query, type Receipt, VersionConflict } from "@hexfold/core"
import { Effect, Fiber, Option, Queue, Stream } from "effect"
import {
  Account,
  Accounts,
  Deposit,
  type Deposited,
  Open,
  type Opened,
  Overdrawn,
  Transfer,
  Withdraw,
  type Withdrawn
} from "../../server/test/http/bank.ts"
import { bankApi, serving } from "./serving.ts"
import { Forbidden, Lock, Vault, Vaults } from "./vault.ts"

const bank = serving(bankApi)

describe("a command elsewhere", () => {
  it.live("has the receipt and the errors of one that is executed here", () =>
    Effect.gen(function* () {
      const { as } = yield* bank
      const program = Effect.gen(function* () {
        const opened = yield* Remote.execute(Account, "a/1 ü", new Open({ owner: "ann" }), { commandId: "k" })
        expectTypeOf(opened).toEqualTypeOf<Receipt.Receipt<Opened | Deposited | Withdrawn>>()
        assert.deepStrictEqual([opened.streamId, opened.version, opened.repeated], ["Account-a/1 ü", 1, false])
        const [event] = opened.events
        assert.strictEqual(event!.data._tag, "Opened")
        assert.strictEqual(event!.metadata.actor, "ann")
        const again = yield* Remote.execute(Account, "a/1 ü", new Open({ owner: "ann" }), { commandId: "k" })
        assert.isTrue(again.repeated)
        const rejected = yield* Effect.flip(Remote.execute(Account, "a/1 ü", new Withdraw({ cents: 5 })))
        expectTypeOf(rejected).toEqualTypeOf<Aggregate.ErrorOf<typeof Account> | RemoteError>()
        assert.instanceOf(rejected, Overdrawn)
        assert.strictEqual(rejected.balance, 0)
        const forbidden = yield* Effect.flip(Remote.execute(Vault, "n", new Lock({ by: "nobody" })))
        assert.instanceOf(forbidden, Forbidden)
        assert.deepStrictEqual([forbidden.status, forbidden.title], ["red", "Nobody"])
        const stale = yield* Effect.flip(
          Remote.execute(Account, "a/1 ü", new Deposit({ cents: 5 }), { expectedVersion: 7 })
        )
        assert.instanceOf(stale, VersionConflict)
        assert.deepStrictEqual([stale.stream, stale.expected, stale.actual], ["Account-a/1 ü", 7, 1])
        const transfer = yield* Effect.flip(
          Remote.execute(Transfer, { _tag: "Transfer", from: "a/1 ü", to: "b", cents: 1 })
        )
        assert.instanceOf(transfer, Overdrawn)
        yield* Remote.execute(Account, "a/1 ü", new Deposit({ cents: 5 }))
        yield* Remote.execute(Account, "b", new Open({ owner: "bob" }))
        const moved = yield* Remote.execute(Transfer, { _tag: "Transfer", from: "a/1 ü", to: "b", cents: 2 })
        assert.deepStrictEqual(moved.events.map(({ data }) => data._tag).sort(), ["Deposited", "Withdrawn"])
      })
      yield* Effect.provide(program, as("ann"))
    })
  )

  it.live("fails technically with the status and the name of the problem", () =>
    Effect.gen(function* () {
      const { as, stop } = yield* bank
      const opening = Effect.flip(Remote.execute(Account, "a", new Open({ owner: "ann" })))
      const factsOf = (error: unknown) =>
        error instanceof RemoteError ? [error.status, error.title, error.isRetryable] : [error]
      assert.deepStrictEqual(factsOf(yield* Effect.provide(opening, as(undefined))), [401, "Unauthenticated", false])
      assert.deepStrictEqual(factsOf(yield* Effect.provide(opening, as("eve"))), [401, "Unauthenticated", false])
      const wrong = Effect.flip(Remote.execute(Account, "", new Open({ owner: "ann" })))
      assert.deepStrictEqual(factsOf(yield* Effect.provide(wrong, as("ann")))[0], 400)
      yield* stop
      assert.deepStrictEqual(factsOf(yield* Effect.provide(opening, as("ann"))), [0, "NoAnswer", true])
    })
  )
})

describe("an id or a key that an address takes for something else", () => {
  it.live("is refused, and nothing else is asked", () =>
    Effect.gen(function* () {
      const { as } = yield* bank
      const titleOf = <A>(call: Effect.Effect<A, unknown, Remote.Remote>) =>
        Effect.map(Effect.flip(Effect.provide(call, as("ann"))), (error) =>
          error instanceof RemoteError ? error.title : error
        )
      for (const text of [".", "..", "\ud800"]) {
        const opening = Remote.execute(Account, text, new Open({ owner: "ann" }))
        assert.strictEqual(yield* titleOf(opening), "InvalidRequest")
      }
      for (const key of ["", ".", "..", "\ud800"]) {
        assert.strictEqual(yield* titleOf(Remote.record(Accounts, key)), "InvalidRequest")
        assert.strictEqual(yield* titleOf(Stream.runHead(Remote.liveRecord(Accounts, key))), "InvalidRequest")
      }
    })
  )
})

describe("a view elsewhere", () => {
  it.live("answers queries and keys with the states of its schema", () =>
    Effect.gen(function* () {
      const { as } = yield* bank
      const program = Effect.gen(function* () {
        for (const id of ["a", "b", "c"]) {
          yield* Remote.execute(Account, id, new Open({ owner: id }), { wait: "5 seconds" })
        }
        const query = Query.from(Accounts, { orderBy: [["owner", "desc"]], limit: 2, select: ["owner"] })
        const page = yield* Remote.query(Accounts, query)
        assert.deepStrictEqual(
          page.rows.map(({ key, state }) => [key, state.owner]),
          [
            ["c", "c"],
            ["b", "b"]
          ]
        )
        const rest = yield* Remote.query(Accounts, Query.after(query, page.next!))
        assert.deepStrictEqual([rest.rows.length, rest.next], [1, undefined])
        yield* Remote.execute(Vault, "v", new Lock({ by: "ann" }), { wait: "5 seconds" })
        const one = yield* Remote.record(Vaults, "v")
        assert.strictEqual(Option.getOrThrow(one).lockedAt.epochMilliseconds > 0, true)
        assert.isTrue(Option.isNone(yield* Remote.record(Accounts, "z")))
      })
      yield* Effect.provide(program, as("ann"))
    })
  )

  it.live("is followed live, over a restart of the server", () =>
    Effect.gen(function* () {
      const { as, restart, stop } = yield* bank
      const program = Effect.gen(function* () {
        const results = yield* Queue.unbounded<ReadonlyArray<string>>()
        const query = Query.from(Accounts, { orderBy: ["owner"] })
        const following = yield* Effect.forkScoped(
          Stream.runForEach(Remote.live(Accounts, query), ({ rows }) =>
            Queue.offer(
              results,
              rows.map(({ key }) => key)
            )
          )
        )
        assert.deepStrictEqual(yield* Queue.take(results), [])
        yield* Remote.execute(Account, "a", new Open({ owner: "ann" }))
        assert.deepStrictEqual(yield* Queue.take(results), ["a"])
        yield* stop
        yield* restart
        yield* Remote.execute(Account, "b", new Open({ owner: "bob" }))
        assert.deepStrictEqual(yield* Queue.take(results), ["a", "b"])
        yield* Fiber.interrupt(following)
        const wrong = yield* Effect.flip(Stream.runDrain(Remote.live(Accounts, { ...query, orderBy: [], limit: 0 })))
        assert.strictEqual(wrong.status, 400)
      })
      yield* Effect.provide(program, as("ann"))
    })
  )
})

describe("one program", () => {
  /** It knows nothing of where the API is. */
  const program = Effect.gen(function* () {
    const opening = Remote.execute(Account, "ä", new Open({ owner: "ann" }), {
      commandId: 'k/"ü" %41',
      wait: "5 seconds"
    })
    const opened = yield* opening
    const again = yield* opening
    const rejected = yield* Effect.flip(Remote.execute(Account, "ä", new Withdraw({ cents: 5 })))
    const named = Remote.execute(Account, "ä", new Deposit({ cents: 5 }), { commandId: 'k/"ü" %41' })
    const reused = yield* Effect.flip(named)
    const stale = yield* Effect.flip(Remote.execute(Account, "ä", new Deposit({ cents: 5 }), { expectedVersion: 7 }))
    const unknown = yield* Effect.flip(
      Remote.execute(Transfer, { _tag: "Transfer", from: "nowhere", to: "ä", cents: 1 })
    )
    const invalid = yield* Effect.flip(Remote.execute(Account, "ä", { _tag: "Deposit", cents: -1 } as Deposit))
    const page = yield* Remote.query(Accounts, Query.from(Accounts, { where: { owner: "ann" }, limit: 5 }))
    const cursor = yield* Effect.flip(
      Remote.query(Accounts, Query.from(Accounts, { where: { owner: "ann" }, after: "nonsense" }))
    )
    const record = yield* Remote.record(Accounts, "ä")
    const nothing = yield* Remote.record(Accounts, "z")
    const live = yield* Stream.runHead(Remote.live(Accounts, Query.from(Accounts, { where: { owner: "ann" } })))
    const liveRecord = yield* Stream.runHead(Remote.liveRecord(Accounts, "ä"))
    const factsOf = (error: unknown) => (error instanceof RemoteError ? [error.status, error.isRetryable] : error)
    return {
      opened: [opened.streamId, opened.version, opened.repeated, opened.events.map(({ data }) => data)],
      again: [again.version, again.repeated],
      errors: [rejected, reused, unknown, invalid, cursor].map(factsOf),
      stale: stale instanceof VersionConflict && [stale.stream, stale.expected, stale.actual],
      rows: page.rows.map(({ key, state }) => [key, state.owner, state.balance]),
      record: Option.map(record, ({ owner }) => owner),
      nothing,
      live: Option.map(live, ({ rows }) => rows.length),
      liveRecord: Option.map(Option.flatten(liveRecord), ({ owner }) => owner)
    }
  })

  it.live("runs elsewhere and here, with the same receipts, results and errors", () =>
    Effect.gen(function* () {
      expectTypeOf<Effect.Services<typeof program>>().toEqualTypeOf<Remote.Remote>()
      const elsewhere = yield* Effect.flatMap(bank, ({ as }) => Effect.provide(program, as("ann")))
      const here = yield* Effect.flatMap(bank, ({ here }) => Effect.provide(program, here))
      assert.deepStrictEqual(here, elsewhere)
      assert.instanceOf(here.errors[0], Overdrawn)
      assert.deepStrictEqual(here.errors[1], [409, false])
      assert.deepStrictEqual(here.stale, ["Account-ä", 7, 1])
    })
  )
})
