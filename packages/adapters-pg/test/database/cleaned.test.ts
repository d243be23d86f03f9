import { inspect } from "node:util"
import { assert, it } from "@effect/vitest"
import { EventStoreError, Reason } from "@hexfold/core"
import { Cause, Effect, Exit } from "effect"
import { SqlError } from "effect/sql"
import { describe } from "vitest"
// Most of these errors need a server in a state of its own, so they are made here.
// oxlint-disable-next-line no-restricted-imports
import { translated, translatedOf } from "../../src/database/errors.ts"

const secret = "S3cr3t"

/** An error of the server that has a secret in every place where the server or the network may put one. */
const ofServer = (code: string, message: string) =>
  Object.assign(new Error(message, { cause: new Error(secret) }), {
    code,
    severity: "ERROR",
    detail: `Failing row contains (${secret}).`,
    hint: secret,
    where: `unnamed portal with parameters: $1 = '${secret}'`,
    internalQuery: secret,
    column: secret,
    dataType: secret,
    input: `postgres://app:${secret}@db.example/shop`,
    options: { password: secret },
    constraint: "named"
  })

const codes: ReadonlyArray<readonly [code: string, message: string]> = [
  ["23505", 'duplicate key value violates unique constraint "named"'],
  ["22P02", `invalid input syntax for type integer: "${secret}"`],
  ["22P02", `ungültige Eingabesyntax für Typ integer: „${secret}“`],
  ["22003", `value ${secret} is out of range for type integer`],
  ["42703", `column reference: "${secret}" is ambiguous`],
  ["XX000", `cache lookup failed: "${secret}\n${secret}"`],
  ["XX000", `cache lookup failed: "a" ${secret}${"x".repeat(2_000)}"`],
  ["08006", `connect to postgres://app:${secret}@db.example/shop: refused`],
  ["ERR_INVALID_URL", `Invalid URL: POSTGRESQL://app:${secret}@db.example:x/shop`],
  ["CERT_HAS_EXPIRED", `certificate has expired: postgres://app:${secret}@db.example/shop`],
  ["55P03", `canceling statement due to lock timeout: "${secret}"`],
  ["57014", `canceling statement due to statement timeout: "${secret}"`],
  ["", `Failed to decode row: "${secret}"`]
]

type Props = { readonly cause: unknown; readonly message: string; readonly operation: string }

const kinds: ReadonlyArray<(props: Props) => SqlError.SqlError["reason"]> = [
  (props) => new SqlError.ConnectionError(props),
  (props) => new SqlError.AuthenticationError(props),
  (props) => new SqlError.AuthorizationError(props),
  (props) => new SqlError.SqlSyntaxError(props),
  (props) => new SqlError.UniqueViolation({ ...props, constraint: "named" }),
  (props) => new SqlError.ConstraintError(props),
  (props) => new SqlError.DeadlockError(props),
  (props) => new SqlError.SerializationError(props),
  (props) => new SqlError.LockTimeoutError(props),
  (props) => new SqlError.StatementTimeoutError(props),
  (props) => new SqlError.UnknownError(props)
]

const errors = kinds.flatMap((make) =>
  codes.map(([code, message]) => {
    const said = `execute: "${secret}" at postgres://app:${secret}@db.example/shop`
    return new SqlError.SqlError({
      reason: make({ cause: ofServer(code, message), message: said, operation: "execute" })
    })
  })
)

const expectClean = (exit: Exit.Exit<unknown, unknown>) => {
  assert.isTrue(Exit.isFailure(exit))
  const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
  const texts = [
    inspect(cause, { depth: 20, showHidden: true }),
    JSON.stringify(cause),
    Cause.pretty(cause),
    ...cause.reasons.map((reason) => String(Cause.isFailReason(reason) ? reason.error : ""))
  ]
  for (const text of texts) assert.notInclude(text, secret)
}

const storeError = (cause: SqlError.SqlError) =>
  new EventStoreError({ operation: "append", reason: new Reason.Timeout({ detail: "it waited", cause }) })

describe("an error of the driver of every kind, with data in every place, shows none of them", () => {
  for (const [what, failing] of [
    ["as a failure", Effect.fail],
    ["as a defect", Effect.die],
    ["as the cause of an error of the store", (error) => Effect.fail(storeError(error))],
    ["beside a defect", (error) => Effect.failCause(Cause.combine(Cause.die(new Error("defect")), Cause.fail(error)))],
    ["beside an interruption", (error) => Effect.failCause(Cause.combine(Cause.fail(error), Cause.interrupt(1)))],
    [
      "beside an interruption, as the cause of an error of the store",
      (error) => Effect.failCause(Cause.combine(Cause.interrupt(1), Cause.fail(storeError(error))))
    ],
    [
      "as a defect beside an interruption",
      (error) => Effect.failCause(Cause.combine(Cause.interrupt(1), Cause.die(error)))
    ]
  ] as ReadonlyArray<readonly [string, (error: SqlError.SqlError) => Effect.Effect<never, unknown>]>) {
    it.effect(what, () =>
      Effect.gen(function* () {
        for (const error of errors) {
          expectClean(yield* Effect.exit(translated("append")(failing(error))))
          expectClean(yield* Effect.exit(translatedOf("commit", "View")(failing(error))))
        }
      })
    )
  }

  it.effect("and its kind, code and constraint are kept", () =>
    Effect.gen(function* () {
      for (const error of errors) {
        const failed = yield* Effect.flip(translated("append")(Effect.fail(error)))
        const { cause } = failed.reason
        assert.isTrue(SqlError.isSqlError(cause))
        if (!SqlError.isSqlError(cause)) continue
        assert.strictEqual(cause.reason._tag, error.reason._tag)
        assert.strictEqual(cause.reason.operation, "execute")
        const { code, constraint } = error.reason.cause as { readonly code: string; readonly constraint: string }
        assert.deepInclude(cause.reason.cause, { code, constraint })
      }
    })
  )

  // The last one takes minutes if a search begins again at each of its words.
  for (const [what, text] of [
    ["one word", "x".repeat(1_000_000)],
    ["names", Array.from({ length: 50_000 }, (_, i) => `DNS:host${i}.example.com`).join(", ")],
    ["a name with many dots", "a.".repeat(500_000)]
  ] as const) {
    it.effect(`what the server says has a bound: ${what}`, () =>
      Effect.gen(function* () {
        for (const code of ["P0001", "23505", "ERR_TLS_CERT_ALTNAME_INVALID", `CERT${text}`, `22${text}`]) {
          const cause = Object.assign(ofServer(code, text), {
            severity: text,
            schema: text,
            table: text,
            constraint: text,
            routine: text
          })
          for (const reason of [
            new SqlError.UnknownError({ cause, message: text, operation: "execute" }),
            new SqlError.UniqueViolation({ cause, message: text, operation: "execute", constraint: text })
          ]) {
            const failed = yield* Effect.flip(translated("append")(Effect.fail(new SqlError.SqlError({ reason }))))
            assert.isBelow(failed.message.length, 2_000)
            const error = failed.reason.cause
            assert.isTrue(SqlError.isSqlError(error))
            if (!SqlError.isSqlError(error)) continue
            assert.isBelow(error.message.length, 2_000)
            for (const value of Object.values({ ...error.reason, ...(error.reason.cause as object) })) {
              if (typeof value === "string") assert.isBelow(value.length, 2_000)
            }
            assert.isBelow(inspect(failed, { depth: 20 }).length, 50_000)
          }
        }
      })
    )
  }
})
