import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open } from "../http/bank.ts"
import { serve } from "./web.ts"

const opening = `mutation ($id: String!, $owner: String!, $commandId: ID) {
  accountOpen(id: $id, input: { owner: $owner }, commandId: $commandId) {
    __typename
    ... on AccountReceipt { streamId version repeated late state { owner balance } events { ... on RecordedEvent { meta { type version actor } } ... on AccountOpened { owner } } }
    ... on Rejection { message }
  }
}`

const depositing = `mutation ($id: String!, $cents: SafeInt!, $commandId: ID, $version: Int) {
  accountDeposit(id: $id, input: { cents: $cents }, commandId: $commandId, expectedVersion: $version) {
    __typename
    ... on AccountReceipt { version repeated }
    ... on VersionConflict { message expected actual }
    ... on Rejection { message }
  }
}`

const withdrawing = `mutation ($id: String!, $cents: SafeInt!) {
  accountWithdraw(id: $id, input: { cents: $cents }) {
    __typename
    ... on AccountReceipt { version }
    ... on Overdrawn { message balance }
  }
}`

describe("a mutation", () => {
  it.live("answers the receipt, its events, and the state if it is selected", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(open)
      const { accountOpen } = yield* data(opening, { variables: { id: "a/1 ü", owner: "ann" } })
      assert.deepStrictEqual(accountOpen, {
        __typename: "AccountReceipt",
        streamId: "Account-a/1 ü",
        version: 1,
        repeated: false,
        late: false,
        state: { owner: "ann", balance: 0 },
        events: [{ meta: { type: "Opened", version: 1, actor: null }, owner: "ann" }]
      })
    })
  )

  it.live("is executed once under an id, which is the caller's own", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(open)
      yield* data(opening, { variables: { id: "a", owner: "ann" } })
      const deposit = (as: string, cents: number) =>
        Effect.map(
          data(depositing, { as, variables: { id: "a", cents, commandId: "k" } }),
          ({ accountDeposit }) => accountDeposit
        )
      assert.deepStrictEqual(yield* deposit("ann", 5), { __typename: "AccountReceipt", version: 2, repeated: false })
      assert.deepStrictEqual(yield* deposit("ann", 5), { __typename: "AccountReceipt", version: 2, repeated: true })
      const reused = yield* deposit("ann", 6)
      assert.deepStrictEqual(reused, {
        __typename: "CommandIdReused",
        message: "the id was used before, for another command"
      })
      assert.deepStrictEqual(yield* deposit("bob", 5), { __typename: "AccountReceipt", version: 3, repeated: false })
    })
  )

  it.live("meets the version that it expects: of many at once, one", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(open)
      yield* data(opening, { variables: { id: "a", owner: "ann" } })
      const deposit = (version: number) =>
        Effect.map(
          data(depositing, { variables: { id: "a", cents: 1, version } }),
          ({ accountDeposit }) => accountDeposit
        )
      assert.deepInclude(yield* deposit(0), { __typename: "VersionConflict", expected: 0, actual: 1 })
      const racing = yield* Effect.forEach(Array.from({ length: 20 }), () => deposit(1), { concurrency: "unbounded" })
      const types = racing.map(({ __typename }) => String(__typename)).toSorted((a, b) => a.localeCompare(b))
      assert.deepStrictEqual(types, ["AccountReceipt", ...Array.from({ length: 19 }, () => "VersionConflict")])
    })
  )

  it.live("that the domain rejects answers the error, with its fields", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(open)
      yield* data(opening, { variables: { id: "a", owner: "ann" } })
      const twice = yield* data(opening, { variables: { id: "a", owner: "ann" } })
      assert.deepStrictEqual(twice.accountOpen, { __typename: "AlreadyOpen", message: "AlreadyOpen" })
      const { accountWithdraw } = yield* data(withdrawing, { variables: { id: "a", cents: 7 } })
      assert.deepStrictEqual(accountWithdraw, { __typename: "Overdrawn", message: "Overdrawn", balance: 0 })
      const { transfer } = yield* data(
        `mutation { transfer(input: { from: "a", to: "b", cents: 7 }) { __typename ... on Overdrawn { balance } } }`
      )
      assert.deepStrictEqual(transfer, { __typename: "Overdrawn", balance: 0 })
    })
  )

  it.live("of a boundary answers the streams and events of all participants", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(open)
      yield* data(opening, { variables: { id: "a", owner: "ann" } })
      yield* data(opening, { variables: { id: "b", owner: "bob" } })
      yield* data(depositing, { variables: { id: "a", cents: 3_000_000_000 } })
      const { transfer } = yield* data(`mutation {
        transfer(input: { from: "a", to: "b", cents: 3000000000 }, commandId: "t") {
          ... on TransferReceipt { repeated streams { streamId version } events { __typename meta { streamId cursor } ... on AccountDeposited { cents } } }
        }
      }`)
      assert.strictEqual(transfer.repeated, false)
      assert.deepStrictEqual(
        transfer.streams.map(({ streamId }: { readonly streamId: string }) => streamId).toSorted(),
        ["Account-a", "Account-b"]
      )
      assert.deepStrictEqual(
        transfer.events.map(({ __typename, cents }: { readonly __typename: string; readonly cents?: number }) => [
          __typename,
          cents
        ]),
        [
          ["AccountWithdrawn", undefined],
          ["AccountDeposited", 3_000_000_000]
        ]
      )
      assert.match(transfer.events[0].meta.cursor, /^\d+-\d+$/)
    })
  )

  it.live("that is not one is refused before anything is written", () =>
    Effect.gen(function* () {
      const { code, data, gql } = yield* serve(open)
      assert.strictEqual(yield* code(depositing, { variables: { id: "a", cents: "x" } }), "BAD_USER_INPUT")
      const { errors } = yield* gql(depositing, { variables: { id: "a", cents: -1 } })
      assert.deepInclude(errors![0]!.extensions, { code: "BAD_USER_INPUT", part: "command" })
      assert.deepInclude((errors![0]!.extensions["errors"] as ReadonlyArray<object>)[0], { path: ["cents"] })
      assert.deepStrictEqual(errors![0]!.path, ["accountDeposit"])
      for (const id of ["", "\u0000", "\ud800", "x".repeat(1_001)]) {
        assert.strictEqual(yield* code(opening, { variables: { id, owner: "ann" } }), "BAD_USER_INPUT")
      }
      const nameless = { id: "a", owner: "ann", commandId: "" }
      assert.strictEqual(yield* code(opening, { variables: nameless }), "BAD_USER_INPUT")
      assert.strictEqual(yield* code(`mutation { accountClose(id: "a") { __typename } }`), "BAD_USER_INPUT")
      const { accountOpen } = yield* data(opening, { variables: { id: "a", owner: "ann" } })
      assert.strictEqual(accountOpen.version, 1)
    })
  )

  it.live("waits for views, and is answered all the same if they are late", () =>
    Effect.gen(function* () {
      const waiting = (id: string) => `mutation {
        accountOpen(id: "${id}", input: { owner: "ann" }, waitFor: [Accounts]) { ... on AccountReceipt { version late } }
      }`
      const { data } = yield* serve(open)
      for (let i = 0; i < 20; i++) {
        assert.deepStrictEqual((yield* data(waiting(`${i}`))).accountOpen, { version: 1, late: false })
        const { accountsByKey } = yield* data(`{ accountsByKey(key: "${i}") { owner } }`)
        assert.deepStrictEqual(accountsByKey, { owner: "ann" })
      }
      const slow = yield* serve(open, { wait: "20 millis" }, [])
      assert.deepStrictEqual((yield* slow.data(waiting("a"))).accountOpen, { version: 1, late: true })
    })
  )

  it.live("belongs to the conversation that its header names", () =>
    Effect.gen(function* () {
      const { code, data } = yield* serve(open)
      const query = `mutation { accountOpen(id: "a", input: { owner: "ann" }) { ... on AccountReceipt { events { ... on RecordedEvent { meta { correlationId actor } } } } } }`
      const { accountOpen } = yield* data(query, { as: "ann", headers: { "x-correlation-id": "talk-1" } })
      assert.deepStrictEqual(accountOpen.events, [{ meta: { correlationId: "talk-1", actor: "ann" } }])
      assert.strictEqual(yield* code(query, { headers: { "x-correlation-id": "two words" } }), "BAD_USER_INPUT")
    })
  )
})

describe("the rules of commands in GraphQL", () => {
  it.live("say who may execute what, and in which state", () =>
    Effect.gen(function* () {
      const { code, data, gql, send } = yield* serve(guarded)
      const variables = { id: "a", owner: "ann" }
      assert.strictEqual(yield* code(opening, { variables }), "UNAUTHENTICATED")
      assert.strictEqual(yield* code(opening, { variables, as: "bob" }), "FORBIDDEN")
      const forged = yield* send(opening, { variables, as: "ann bob" })
      assert.strictEqual(forged.status, 401)
      assert.strictEqual((yield* send(opening, { variables, as: "away" })).status, 503)
      const often = yield* send(opening, { variables, as: "often" })
      assert.deepStrictEqual([often.status, often.headers.get("retry-after")], [429, "3"])
      const told = yield* gql(opening, { variables, as: "often" })
      assert.deepStrictEqual(told.errors![0]!.extensions, { code: "TOO_MANY_REQUESTS", retryAfter: 3 })
      yield* data(opening, { variables, as: "ann" })
      const deposit = { variables: { id: "a", cents: 5 } }
      assert.strictEqual(yield* code(depositing, { ...deposit, as: "ann" }), "FORBIDDEN")
      yield* data(depositing, { ...deposit, as: "eve:clerk" })
      assert.strictEqual(yield* code(withdrawing, { ...deposit, as: "bob" }), "FORBIDDEN")
      assert.deepStrictEqual(
        (yield* data(withdrawing, { variables: { id: "a", cents: 1 }, as: "ann" })).accountWithdraw,
        {
          __typename: "AccountReceipt",
          version: 3
        }
      )
      const transfer = `mutation { transfer(input: { from: "a", to: "b", cents: 1 }) { __typename } }`
      assert.strictEqual(yield* code(transfer, { as: "bob" }), "FORBIDDEN")
      assert.deepStrictEqual((yield* data(transfer, { as: "ann" })).transfer, { __typename: "NotOpen" })
    })
  )

  it.live("keep events and states out of receipts that others get", () =>
    Effect.gen(function* () {
      const { data } = yield* serve(guarded)
      const own = yield* data(opening, { variables: { id: "a", owner: "ann" }, as: "ann" })
      assert.deepStrictEqual(own.accountOpen.state, { owner: "ann", balance: 0 })
      assert.deepStrictEqual(own.accountOpen.events, [])
      const query = `mutation { accountDeposit(id: "a", input: { cents: 5 }) { ... on AccountReceipt { state { owner } events { __typename } } } }`
      const clerk = yield* data(query, { as: "eve:clerk" })
      assert.deepStrictEqual(clerk.accountDeposit, { state: null, events: [] })
      const auditor = yield* data(query, { as: "eve:clerk,auditor" })
      assert.deepStrictEqual(auditor.accountDeposit, { state: null, events: [{ __typename: "AccountDeposited" }] })
    })
  )
})
