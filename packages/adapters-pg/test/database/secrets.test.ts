import { inspect } from "node:util"
import { assert, it } from "@effect/vitest"
import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStoreError, StreamId } from "@hexfold/core"
import { Cause, ConfigProvider, Deferred, Effect, Exit, Layer, Logger, Redacted, References, Tracer } from "effect"
import type { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, openStore, url } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { wire } from "../support/wire.ts"
import { appendOne } from "../support/appendOne.ts"

const secret = "S3cr3t-and-personal"
const account = StreamId.make("Account", "1")

/** All that may be written of a failure somewhere. */
const sinks = (exit: Exit.Exit<unknown, unknown>) =>
  Effect.gen(function* () {
    assert.isTrue(Exit.isFailure(exit))
    const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
    const error = Cause.squash(cause)
    const lines: Array<string> = []
    const loggers = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple]
    yield* Effect.logError("failed", error, cause).pipe(
      Effect.provide(
        Logger.layer(loggers.map((logger) => Logger.make((options) => void lines.push(String(logger.log(options))))))
      )
    )
    return {
      String: String(error),
      "JSON.stringify": JSON.stringify(error),
      "JSON.stringify of the cause": JSON.stringify(cause),
      inspect: inspect(error, { depth: 20, showHidden: true }),
      "inspect of the cause": inspect(cause, { depth: 20, showHidden: true }),
      "Cause.pretty": Cause.pretty(cause),
      logs: lines.join("\n")
    }
  })

/** All texts that can be reached from an error, whatever is shown of it: a program may write a cause of its own accord. */
const textsIn = (value: unknown, seen = new Set<unknown>()): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null || seen.has(value)) return []
  seen.add(value)
  if (value instanceof Uint8Array) return [Buffer.from(value).toString("latin1")]
  return Reflect.ownKeys(value).flatMap((key) => [String(key), ...textsIn(Reflect.get(value, key), seen)])
}

const expectClean = (exit: Exit.Exit<unknown, unknown>, reason: string) =>
  Effect.gen(function* () {
    for (const [sink, text] of Object.entries(yield* sinks(exit))) assert.notInclude(text, "S3cr3t", sink)
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    for (const text of textsIn(error)) assert.notInclude(text, "S3cr3t", "a text in the error")
    assert.instanceOf(error, EventStoreError)
    assert.strictEqual(error.reason._tag, reason)
    assert.strictEqual(error.isRetryable, reason === "Unavailable" || reason === "Timeout")
    return error
  })

/** What the server itself says of a statement that fails. */
const raw = (sql: SqlClient.SqlClient, statement: string, binds: ReadonlyArray<unknown>) =>
  Effect.map(Effect.flip(sql.unsafe(statement, binds)), ({ reason }) => ({ where: "", ...(reason.cause as object) }))

const at = (change: (url: URL) => void): string => {
  const to = new URL(Redacted.value(url()))
  change(to)
  return to.href
}

const opening: ReadonlyArray<readonly [what: string, url: () => string, reason: string, says: RegExp]> = [
  [
    "a slash in the password",
    () => `postgres://app:pa/${secret}@db.example:5432/shop`,
    "Rejected",
    /URL .* percent-encoded/
  ],
  ["a space in the password", () => `postgres://app:pa ${secret}@db.example:99999/shop`, "Rejected", /URL/],
  ["a port out of range", () => `postgres://app:${secret}@db.example:99999/shop`, "Rejected", /URL/],
  ["a percent sign that encodes nothing", () => `postgres://app:%zz${secret}@db.example/shop`, "Rejected", /URL/],
  [
    "an unknown sslmode",
    () => at((to) => ((to.password = secret), (to.search = `sslmode=${secret}`))),
    "Rejected",
    /sslmode/
  ],
  ["a server without TLS", () => at((to) => (to.search = "sslmode=require")), "Rejected", /TLS/],
  ["a wrong password", () => at((to) => (to.password = secret)), "Rejected", /password/],
  ["a missing database", () => at((to) => (to.pathname = "/missing")), "Rejected", /does not exist/],
  ["a server that is not there", () => `postgres://app:${secret}@127.0.0.1:1/shop`, "Unavailable", /ECONNREFUSED/]
]

describe("errors without secrets", () => {
  for (const [what, makeUrl, reason, says] of opening) {
    it.live(`opening with ${what} is ${reason}, and shows no secret`, () =>
      Effect.gen(function* () {
        const given = makeUrl()
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(PgEventStore.layerUrl(Redacted.make(given)))))
        assert.match((yield* expectClean(exit, reason)).message, says)
        const configured = yield* Effect.exit(Effect.scoped(Layer.build(PgEventStore.layerConfig()))).pipe(
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { DATABASE_URL: given } })))
        )
        yield* expectClean(configured, reason)
      })
    )
  }

  for (const [what, rule, reason] of [
    ["a check that fails", `alter table SCHEMA.events add check (data->>'name' is null)`, "Rejected"],
    ["a unique index", `create unique index on SCHEMA.events ((data->>'name'))`, "Rejected"],
    [
      "a cast that fails",
      `alter table SCHEMA.events add n int generated always as ((data->>'name')::int) stored`,
      "Rejected"
    ],
    [
      "a trigger whose message has a URL",
      `create function SCHEMA.tell_url() returns trigger language plpgsql as
         $$ begin raise exception 'no answer from postgres://app:${secret}@db/shop'; end $$;;
       create trigger tell_url before insert on SCHEMA.events for each row execute function SCHEMA.tell_url()`,
      "Unknown"
    ]
  ] as const) {
    it.live(`${what} shows no row`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { sql, store, transaction } = yield* openStore({ schema })
        for (const statement of rule.replaceAll("SCHEMA", schema).split(";;")) yield* sql.unsafe(statement)
        const named = { ...event(), data: { name: secret } }
        const twice = appendOne(store, {
          writes: [{ streamId: account, events: [named, { ...named, id: event().id }] }],
          conditions: []
        })
        yield* expectClean(yield* Effect.exit(twice), reason)
        yield* expectClean(yield* Effect.exit(transaction(twice)), reason)
      })
    )
  }

  it.live("a number that is out of range shows no row", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* sql.unsafe(`alter table ${schema}.events add n int generated always as ((data->>'number')::int) stored`)
      const number = "31415926535897"
      const wanting = appendOne(store, {
        writes: [{ streamId: account, events: [{ ...event(), data: { number } }] }],
        conditions: []
      })
      const exit = yield* Effect.exit(wanting)
      const error = yield* expectClean(exit, "Rejected")
      for (const text of [...Object.values(yield* sinks(exit)), ...textsIn(error)]) assert.notInclude(text, number)
    })
  )

  it.live("an answer that is too large for the driver is Corrupt, and not called retryable", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { store } = yield* openStore({ schema })
      const large = { ...event(), data: { name: secret.repeat(2_000) } }
      yield* appendOne(store, { writes: [{ streamId: account, events: [large] }], conditions: [] })
      const small = yield* openStore({ schema }, { maxMessageSize: 4_096 })
      yield* expectClean(yield* Effect.exit(small.store.readStreams([{ streamId: account }])), "Corrupt")
    })
  )

  it.live("a server that repeats the parameters of a statement that failed shows no row", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore(
        { schema },
        { startupParameters: { log_parameter_max_length_on_error: "-1" } }
      )
      yield* sql.unsafe(`alter table ${schema}.events add check (data->>'name' is null)`)
      const named = { ...event(), data: { name: secret } }
      const appending = store.append({ conditions: [], parts: [{ writes: [{ streamId: account, events: [named] }] }] })
      const { where } = yield* raw(sql, `select $1::int`, [secret])
      assert.include(where, secret)
      yield* expectClean(yield* Effect.exit(appending), "Rejected")
    })
  )

  it.live("the spans of statements that failed show no row", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const { sql, store, transaction } = yield* Effect.withTracer(openStore({ schema }), tracer)
      yield* sql.unsafe(`alter table ${schema}.events add check (data->>'name' is null)`)
      const named = { ...event(), data: { name: secret } }
      const appending = store.append({ conditions: [], parts: [{ writes: [{ streamId: account, events: [named] }] }] })
      for (const each of [appending, transaction(appending)]) {
        spans.length = 0
        yield* each.pipe(Effect.withSpan("caller"), Effect.withTracer(tracer), Effect.exit)
        const failed = spans.filter(({ status }) => status._tag === "Ended" && Exit.isFailure(status.exit))
        assert.isAbove(failed.length, 1)
        for (const { attributes, events, name, status } of failed) {
          assert.notInclude(inspect({ attributes, events, status }, { depth: 20, showHidden: true }), "S3cr3t", name)
        }
      }
    })
  )

  it.live("a sweep of command ids that fails logs no row", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* store.append({ conditions: [], parts: [{ writes: [], command: { id: secret, fingerprint: "f" } }] })
      yield* sql.unsafe(`create table ${schema}.kept (key text references ${schema}.commands)`)
      yield* sql.unsafe(`insert into ${schema}.kept select key from ${schema}.commands`)
      yield* sql.unsafe(`update ${schema}.commands set recorded_at = now() - interval '2 hours'`)
      const logged = yield* Deferred.make<unknown>()
      const formats = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple]
      const logger = Logger.make<unknown, void>((options) => {
        const texts = formats.map((format) => String(format.log(options)))
        const shown = [...texts, ...[options.message, options.cause].map((given) => inspect(given, { depth: 20 }))]
        Deferred.doneUnsafe(logged, Effect.succeed(shown.join("\n")))
      })
      yield* openStore({ schema, commandRetention: "1 hour" }).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "All")
      )
      const text = yield* Deferred.await(logged)
      assert.include(text, "foreign key")
      assert.notInclude(text, "S3cr3t")
    })
  )

  it.live("a wait for a lock and a cut connection show no secret", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const holder = yield* openStore({ schema })
      const { cut, url } = yield* wire
      const { store } = yield* openStore({ schema, lockTimeout: "50 millis" }, { url })
      yield* append(store, account, 1)
      const named = { ...event(), data: { name: secret } }
      const wanting = appendOne(store, { writes: [{ streamId: account, events: [named] }], conditions: [] })
      const exit = yield* holder.transaction(
        Effect.andThen(Effect.orDie(append(holder.store, account, 1)), Effect.exit(wanting))
      )
      yield* expectClean(exit, "Timeout")
      cut()
      yield* expectClean(yield* Effect.exit(wanting), "Unavailable")
    })
  )
})
