/** Commands, asked of every front alike. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open as everybody } from "../../../http/bank.ts"
import type { Cases } from "../../Front.ts"
import type { Command, Sent, Speaker } from "../../speaking/Speaker.ts"
import { each } from "../../speaking/speakers.ts"

const balance = [["owner"], ["balance"]] as const

/** Commands for accounts that only this front knows. */
const accountsOf = ({ execute, name }: Speaker) => {
  const id = (account: string) => `${account} of ${name}`
  const on = (account: string, command: Command["name"], fields: object, sent: Sent = {}) =>
    execute({ id: id(account), name: command, fields }, sent)
  return {
    id,
    open: (account: string, sent: Sent = {}) => on(account, "Open", { owner: "ann" }, sent),
    deposit: (account: string, cents: unknown, sent: Sent = {}) => on(account, "Deposit", { cents }, sent),
    withdraw: (account: string, cents: number, sent: Sent = {}) => on(account, "Withdraw", { cents }, sent),
    transfer: (from: string, to: string, cents: number, sent: Sent = {}) =>
      execute({ name: "Transfer", fields: { from: id(from), to: id(to), cents } }, sent)
  }
}

const clients = <A>(ask: Effect.Effect<A>): Effect.Effect<ReadonlyArray<A>> =>
  Effect.forEach(Array.from({ length: 100 }), () => ask, { concurrency: "unbounded" })

export const commands: Cases = {
  "a command is answered with its receipt, and what waits for the views finds it there": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { id, open } = accountsOf(speaker)
          for (const account of ["a", "b/1 ü", "c"]) {
            assert.deepStrictEqual<unknown>(yield* open(account, { waits: true }), {
              is: "receipt",
              version: 1,
              repeated: false,
              late: false,
              events: [{ type: "Opened", actor: null }]
            })
            const record = yield* speaker.record("Accounts", id(account), balance)
            assert.deepStrictEqual<unknown>(record, { owner: "ann", balance: 0 })
          }
        })
      )
    }),

  "a repeat under one id has the first receipt, another command is refused, and ids are the caller's own": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { deposit, open } = accountsOf(speaker)
          yield* open("a")
          const key = `key of ${speaker.name}`
          const first = yield* deposit("a", 5, { as: "ann", key })
          assert.deepInclude(first, { is: "receipt", version: 2, repeated: false })
          assert.deepStrictEqual(yield* deposit("a", 5, { as: "ann", key }), { ...first, repeated: true })
          assert.deepStrictEqual(yield* deposit("a", 6, { as: "ann", key }), { is: "CommandIdReused" })
          assert.deepInclude(yield* deposit("a", 5, { as: "bob", key }), { version: 3, repeated: false })
          assert.deepInclude(yield* deposit("a", 5, { as: "ann", key, version: 1 }), { version: 2, repeated: true })
        })
      )
    }),

  "an error of the domain is told apart, with its fields, also of a boundary": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { deposit, id, open, transfer, withdraw } = accountsOf(speaker)
          assert.deepStrictEqual(yield* withdraw("a", 1), { is: "NotOpen" })
          yield* open("a")
          yield* open("b")
          assert.deepStrictEqual(yield* open("a"), { is: "AlreadyOpen" })
          assert.deepStrictEqual(yield* withdraw("a", 7), { is: "Overdrawn", balance: 0 })
          assert.deepStrictEqual(yield* transfer("a", "b", 7), { is: "Overdrawn", balance: 0 })
          yield* deposit("a", 3_000_000_000)
          const moved = yield* transfer("a", "b", 2_999_999_999, { waits: true, key: `moved by ${speaker.name}` })
          assert.deepStrictEqual<unknown>(moved, {
            is: "receipt",
            repeated: false,
            late: false,
            events: [
              { type: "Withdrawn", actor: null },
              { type: "Deposited", actor: null }
            ]
          })
          const record = yield* speaker.record("Accounts", id("b"), balance)
          assert.deepStrictEqual<unknown>(record, { owner: "ann", balance: 2_999_999_999 })
          const again = yield* transfer("a", "b", 2_999_999_999, { key: `moved by ${speaker.name}` })
          assert.deepStrictEqual(again, { ...moved, repeated: true })
        })
      )
    }),

  "of a hundred clients with one expected version, one has a receipt and all others the present version": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { deposit, open, withdraw } = accountsOf(speaker)
          yield* open("a")
          assert.deepStrictEqual(yield* deposit("a", 1, { version: 0 }), {
            is: "VersionConflict",
            expected: 0,
            actual: 1
          })
          const answers = yield* clients(deposit("a", 1, { version: 1 }))
          const receipts = answers.filter(({ is }) => is === "receipt")
          assert.deepStrictEqual(
            receipts.map(({ version }) => version),
            [2]
          )
          const others = answers.filter(({ is }) => is !== "receipt")
          assert.strictEqual(others.length, 99)
          for (const other of others) assert.deepStrictEqual(other, { is: "VersionConflict", expected: 1, actual: 2 })
          assert.deepStrictEqual(yield* withdraw("a", 2), { is: "Overdrawn", balance: 1 })
        })
      )
    }),

  "a hundred clients with one id have one effect": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { deposit, open, withdraw } = accountsOf(speaker)
          yield* open("a")
          const answers = yield* clients(deposit("a", 1, { key: `once by ${speaker.name}` }))
          assert.strictEqual(answers.filter(({ repeated }) => repeated === false).length, 1)
          assert.isTrue(answers.every(({ is, version }) => is === "receipt" && version === 2))
          assert.deepStrictEqual(yield* withdraw("a", 2), { is: "Overdrawn", balance: 1 })
        })
      )
    }),

  "what is no command or no id is refused, and nothing is written": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(everybody), (speaker) =>
        Effect.gen(function* () {
          const { deposit, open } = accountsOf(speaker)
          const invalid = { is: "Invalid" }
          for (const id of ["\u0000", "x".repeat(1_001)]) {
            assert.deepStrictEqual(yield* speaker.execute({ id, name: "Open", fields: { owner: "ann" } }), invalid)
          }
          for (const owner of ["", 1, null, "a\u0000"]) {
            assert.deepStrictEqual(yield* speaker.execute({ id: "a", name: "Open", fields: { owner } }), invalid)
          }
          assert.deepStrictEqual(yield* open("a", { key: "" }), invalid)
          assert.deepStrictEqual(yield* open("a", { key: "x".repeat(10_000) }), invalid)
          for (const cents of ["x", -1, 0.5, 2 ** 60]) assert.deepStrictEqual(yield* deposit("a", cents), invalid)
          for (const version of [-1, 0.5, 1e21]) assert.deepStrictEqual(yield* open("a", { version }), invalid)
          const transfer = { name: "Transfer", fields: { from: "", to: "b", cents: 1 } } as const
          assert.deepStrictEqual(yield* speaker.execute(transfer), invalid)
          assert.deepInclude(yield* open("a"), { version: 1 })
        })
      )
    }),

  "views that are late answer their receipt: the command has happened": (open) =>
    Effect.gen(function* () {
      const front = yield* open(everybody, { projected: [], graphql: { wait: "20 millis" } })
      yield* each(front, (speaker) =>
        Effect.gen(function* () {
          const { open } = accountsOf(speaker)
          assert.deepInclude(yield* open("a", { waits: true }), { is: "receipt", version: 1, late: true })
          assert.deepStrictEqual(yield* open("a"), { is: "AlreadyOpen" })
        })
      )
    }),

  "events have the caller as their actor, and belong to the conversation that the request names": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(guarded), (speaker) =>
        Effect.gen(function* () {
          const { open } = accountsOf(speaker)
          const as = "ann:auditor"
          assert.deepInclude(yield* open("a", { as }), { events: [{ type: "Opened", actor: "ann" }] })
          // The headers of a socket are those of its first request.
          if (speaker.name.includes("socket")) return
          const told = yield* open("b", { as, correlationId: "journey-7" })
          assert.deepInclude(told, { events: [{ type: "Opened", actor: "ann", correlationId: "journey-7" }] })
          assert.deepStrictEqual(yield* open("c", { as, correlationId: "two words" }), { is: "Invalid" })
        })
      )
    })
}
