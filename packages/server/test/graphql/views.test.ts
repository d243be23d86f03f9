import { assert, describe, it } from "@effect/vitest"
import type { Api } from "@hexfold/core"
import { Effect } from "effect"
import { guarded, open } from "../http/bank.ts"
import { serve } from "./web.ts"

const openAll = (owners: ReadonlyArray<readonly [id: string, owner: string]>) =>
  `mutation { ${owners
    .map(
      ([id, owner], i) =>
        `m${i}: accountOpen(id: "${id}", input: { owner: "${owner}" }, waitFor: [Accounts, Owners]) { ... on AccountReceipt { version } }`
    )
    .join("\n")} }`

const depositAll = (cents: ReadonlyArray<readonly [id: string, cents: number]>) =>
  `mutation { ${cents
    .map(
      ([id, cents], i) =>
        `m${i}: accountDeposit(id: "${id}", input: { cents: ${cents} }, waitFor: [Accounts]) { ... on AccountReceipt { version } }`
    )
    .join("\n")} }`

/** Three accounts of two owners, with 0, 20 and 5 cents. */
const filled = (api: Api.Any) =>
  Effect.gen(function* () {
    const served = yield* serve(api)
    const one = (id: string, owner: string) => served.data(openAll([[id, owner]]), { as: owner })
    yield* one("a", "ann")
    yield* one("b", "bob")
    yield* one("c", "ann")
    yield* served.data(
      depositAll([
        ["b", 20],
        ["c", 5]
      ]),
      { as: "eve:clerk" }
    )
    return served
  })

describe("a view in GraphQL", () => {
  it.live("answers pages in order, with cursors, and counts only if it is asked to", () =>
    Effect.gen(function* () {
      const { code, data } = yield* filled(open)
      const page = (after: string | null) =>
        Effect.map(
          data(
            `query ($after: String) { accounts(orderBy: [{ field: balance, direction: DESC }], first: 2, after: $after) {
              nodes { key balance } pageInfo { hasNextPage endCursor } } }`,
            { variables: { after } }
          ),
          ({ accounts }) => accounts
        )
      const first = yield* page(null)
      assert.deepStrictEqual(first.nodes, [
        { key: "b", balance: 20 },
        { key: "c", balance: 5 }
      ])
      assert.strictEqual(first.pageInfo.hasNextPage, true)
      const second = yield* page(first.pageInfo.endCursor)
      assert.deepStrictEqual(second, {
        nodes: [{ key: "a", balance: 0 }],
        pageInfo: { hasNextPage: false, endCursor: null }
      })
      const counted = yield* data(
        `{ accounts(where: { owner: { eq: "ann" } }, first: 1) { totalCount nodes { key } } }`
      )
      assert.deepStrictEqual(counted.accounts, { totalCount: 2, nodes: [{ key: "a" }] })
      assert.strictEqual(yield* code(`{ accounts(after: "nothing") { nodes { key } } }`), "BAD_USER_INPUT")
      for (const first of [0, -1, 101]) {
        assert.strictEqual(yield* code(`{ accounts(first: ${first}) { nodes { key } } }`), "BAD_USER_INPUT")
      }
      assert.strictEqual(yield* code(`{ owners { totalCount } }`), "BAD_USER_INPUT")
    })
  )

  it.live("is filtered by each comparison, and by and, or and not", () =>
    Effect.gen(function* () {
      const { code, data } = yield* filled(open)
      const keys = (where: string) =>
        Effect.map(data(`{ accounts(where: ${where}) { nodes { key } } }`), ({ accounts }) =>
          accounts.nodes.map(({ key }: { readonly key: string }) => key).join("")
        )
      const cases: ReadonlyArray<readonly [where: string, keys: string]> = [
        ["{}", "abc"],
        [`{ owner: { eq: "ann" } }`, "ac"],
        [`{ owner: { ne: "ann" } }`, "b"],
        [`{ owner: { in: ["bob", "eve"] } }`, "b"],
        [`{ owner: { in: [] } }`, ""],
        [`{ owner: { startsWith: "A" } }`, ""],
        [`{ owner: { startsWith: "A", ignoreCase: true } }`, "ac"],
        [`{ owner: { contains: "o" } }`, "b"],
        [`{ owner: { isNull: true } }`, ""],
        [`{ owner: { isNull: false } }`, "abc"],
        [`{ balance: { gt: 5 } }`, "b"],
        [`{ balance: { gte: 5, lt: 20 } }`, "c"],
        [`{ balance: { between: { from: 5, to: 20 } } }`, "bc"],
        [`{ balance: { lte: 5 }, owner: { eq: "ann" } }`, "ac"],
        [`{ or: [{ balance: { eq: 0 } }, { owner: { eq: "bob" } }] }`, "ab"],
        [`{ and: [{ balance: { gte: 0 } }, { not: { owner: { eq: "bob" } } }] }`, "ac"],
        [`{ or: [] }`, ""]
      ]
      for (const [where, expected] of cases) assert.strictEqual(yield* keys(where), expected, where)
      for (const where of [`{ owner: { eq: null } }`, `{ owner: {} }`, `{ owner: null }`, `{ owner: { eq: 1 } }`]) {
        assert.strictEqual(yield* code(`{ accounts(where: ${where}) { nodes { key } } }`), "BAD_USER_INPUT", where)
      }
      const nested = (depth: number): string =>
        depth === 0 ? `{ owner: { eq: "x" } }` : `{ not: ${nested(depth - 1)} }`
      assert.strictEqual(yield* code(`{ accounts(where: ${nested(30)}) { nodes { key } } }`), "BAD_USER_INPUT")
    })
  )

  it.live("has the records to which it leads, and those of one moment are read together", () =>
    Effect.gen(function* () {
      const { data } = yield* filled(open)
      const { accounts } = yield* data(`{ accounts { nodes { key ownerRecord { key accounts } } } }`)
      assert.deepStrictEqual(accounts.nodes, [
        { key: "a", ownerRecord: { key: "ann", accounts: 2 } },
        { key: "b", ownerRecord: { key: "bob", accounts: 1 } },
        { key: "c", ownerRecord: { key: "ann", accounts: 2 } }
      ])
      // The field that leads there need not be selected.
      const led = yield* data(`{ accounts(first: 1) { nodes { balance ownerRecord { key } } } }`)
      assert.deepStrictEqual(led.accounts.nodes, [{ balance: 0, ownerRecord: { key: "ann" } }])
      const some = yield* data(`{ a: accountsByKey(key: "a") { owner } none: accountsByKey(key: "z") { owner } }`)
      assert.deepStrictEqual(some, { a: { owner: "ann" }, none: null })
    })
  )

  it.live("computes values of groups, as it is selected", () =>
    Effect.gen(function* () {
      const { code, data } = yield* filled(open)
      const { accountsGroups } = yield* data(
        `{ accountsGroups { by { owner } count sum { balance } avg { balance } min { balance owner } max { balance } } }`
      )
      assert.deepStrictEqual(accountsGroups, [
        {
          by: { owner: "ann" },
          count: 2,
          sum: { balance: 5 },
          avg: { balance: 2.5 },
          min: { balance: 0, owner: "ann" },
          max: { balance: 5 }
        },
        {
          by: { owner: "bob" },
          count: 1,
          sum: { balance: 20 },
          avg: { balance: 20 },
          min: { balance: 20, owner: "bob" },
          max: { balance: 20 }
        }
      ])
      const all = yield* data(`{ accountsGroups(where: { balance: { gt: 0 } }) { count sum { money: balance } } }`)
      assert.deepStrictEqual(all.accountsGroups, [{ count: 2, sum: { money: 25 } }])
      const none = yield* data(`{ accountsGroups(where: { balance: { lt: 0 } }) { count avg { balance } } }`)
      assert.deepStrictEqual(none.accountsGroups, [{ count: 0, avg: { balance: null } }])
      assert.strictEqual(yield* code(`{ accountsGroups(first: 0) { count } }`), "BAD_USER_INPUT")
      const rules = yield* filled(guarded)
      const counted = `{ accountsGroups { by { owner } count } }`
      assert.strictEqual(yield* rules.code(counted), "UNAUTHENTICATED")
      assert.deepStrictEqual((yield* rules.data(counted, { as: "bob" })).accountsGroups, [
        { by: { owner: "bob" }, count: 1 }
      ])
      for (const what of [`sum { balance }`, `max { balance }`, `by { balance }`]) {
        const query = `{ accountsGroups { count ${what} } }`
        assert.strictEqual(yield* rules.code(query, { as: "ann" }), "FORBIDDEN", what)
        assert.strictEqual(yield* rules.code(query, { as: "eve:auditor" }), undefined, what)
      }
    })
  )

  it.live("shows a caller the records and fields that its rules allow, and no others", () =>
    Effect.gen(function* () {
      const { code, data } = yield* filled(guarded)
      const list = `{ accounts { totalCount nodes { key owner } } }`
      assert.strictEqual(yield* code(list), "UNAUTHENTICATED")
      assert.deepStrictEqual((yield* data(list, { as: "bob" })).accounts, {
        totalCount: 1,
        nodes: [{ key: "b", owner: "bob" }]
      })
      const widened = `{ accounts(where: { or: [{ owner: { eq: "ann" } }, { owner: { ne: "ann" } }] }) { nodes { key } } }`
      assert.deepStrictEqual((yield* data(widened, { as: "bob" })).accounts.nodes, [{ key: "b" }])
      const byKey = `{ accountsByKey(key: "a") { owner } }`
      assert.deepStrictEqual(yield* data(byKey, { as: "bob" }), { accountsByKey: null })
      assert.deepStrictEqual(yield* data(byKey, { as: "ann" }), { accountsByKey: { owner: "ann" } })
      for (const query of [
        `{ accounts { nodes { balance } } }`,
        `{ accounts { nodes { ...F } } } fragment F on AccountsRecord { money: balance }`,
        `{ accounts(where: { balance: { gt: 1 } }) { nodes { key } } }`,
        `{ accounts(where: { not: { balance: { gt: 1 } } }) { nodes { key } } }`,
        `{ accounts(orderBy: [{ field: balance }]) { nodes { key } } }`,
        `{ accountsByKey(key: "a") { balance } }`,
        `{ accountsByKey(key: "none") { balance } }`
      ]) {
        assert.strictEqual(yield* code(query, { as: "ann" }), "FORBIDDEN", query)
        assert.strictEqual(yield* code(query, { as: "eve:auditor" }), undefined, query)
      }
      const linked = `{ accounts { nodes { ownerRecord { accounts } } } }`
      assert.strictEqual(yield* code(linked, { as: "ann" }), "FORBIDDEN")
      assert.strictEqual((yield* data(linked, { as: "eve:auditor" })).accounts.nodes.length, 3)
      const skipped = `query ($no: Boolean = false) { accounts { nodes { key balance @include(if: $no) } } }`
      assert.strictEqual((yield* data(skipped, { as: "ann" })).accounts.nodes.length, 2)
    })
  )
})
