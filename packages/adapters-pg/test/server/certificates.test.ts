import { inspect } from "node:util"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgEventStore, PgStores } from "@hexfold/adapters-pg"
import { EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { describe } from "vitest"
import { url as urlWithoutTls } from "../support/database.ts"
import { append } from "../support/events.ts"
import { clientOf, ownServer } from "../support/ownServer.ts"
import { certificates, isInstalled } from "./certificates.ts"

if (!isInstalled) console.warn("SKIPPED: there is no openssl here, so no server with TLS is tested")

/** A URL with a mode, and maybe with another host. */
const varied = (url: Redacted.Redacted, sslmode: string, host?: string) => {
  const at = new URL(Redacted.value(url))
  at.searchParams.set("sslmode", sslmode)
  if (host !== undefined) at.hostname = host
  return Redacted.make(at.href)
}

/** What a store says that cannot be opened. */
const refusalOf = (layer: Layer.Layer<never, unknown>) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(layer))), (error) => {
    assert.instanceOf(error, EventStoreError)
    assert.deepStrictEqual([error.reason._tag, error.isRetryable, error.operation], ["Rejected", false, "open"])
    for (const text of [error.message, JSON.stringify(error), inspect(error, { depth: 20 })]) {
      assert.notMatch(text, /postgres:\/\/|postgres:postgres|PRIVATE KEY|BEGIN CERTIFICATE/)
    }
    return error.message
  })

describe.skipIf(!isInstalled)("a server with TLS", () => {
  it.live("is used with the right authority; a certificate that is refused is Rejected in plain words", () =>
    Effect.gen(function* () {
      const { authority, parameters, use } = yield* certificates
      const server = yield* ownServer(parameters)
      const stores = (ca: string, host?: string) =>
        PgEventStore.layer().pipe(
          Layer.provide(PgClient.layer({ url: varied(server.url, "verify-full", host), ssl: { ca } }))
        )

      const { store } = yield* Effect.gen(function* () {
        const services = yield* Layer.build(stores(authority))
        return { store: Context.get(services, EventStore.EventStore) }
      })
      assert.strictEqual((yield* append(store, StreamId.make("Account", "1"), 1)).events[0]!.version, 1)
      const plain = yield* clientOf(server)
      const encrypted = "select from pg_stat_ssl join pg_stat_activity using (pid) where ssl and datname is not null"
      assert.isNotEmpty(yield* plain.unsafe(encrypted))

      for (const open of [PgEventStore.layerUrl, PgStores.layerUrl]) {
        for (const sslmode of ["require", "verify-full", "prefer"]) {
          const message = yield* refusalOf(open(varied(server.url, sslmode)))
          assert.match(
            message,
            /the server's certificate is refused: no authority that this process trusts has signed it/
          )
          assert.include(message, "NODE_EXTRA_CA_CERTS")
        }
      }
      assert.match(
        yield* refusalOf(stores(authority, "localhost")),
        /the server's certificate is refused: it is for another host.*Use a host in the URL that the certificate names/
      )

      const loadedAt = "select pg_conf_load_time()::text as at"
      const serve = (name: "expired" | "crowded") =>
        Effect.gen(function* () {
          const [before] = yield* plain.unsafe(loadedAt)
          use(name)
          yield* plain.unsafe("select pg_reload_conf()")
          yield* plain.unsafe(loadedAt).pipe(
            Effect.repeat({
              until: ([row]) => JSON.stringify(row) !== JSON.stringify(before),
              schedule: Schedule.spaced("10 millis")
            })
          )
        })
      yield* serve("crowded")
      const crowded = yield* refusalOf(stores(authority, "localhost"))
      assert.match(crowded, /it is for another host.*host0\.a\.a\.a\.example\.com/)
      assert.isBelow(crowded.length, 2_000)

      yield* serve("expired")
      assert.match(
        yield* refusalOf(stores(authority)),
        /the server's certificate is refused: it has expired.*Renew it at the server/
      )
    })
  )
})

describe("a server without TLS", () => {
  it.live("is refused in plain words if the client demands TLS", () =>
    Effect.gen(function* () {
      for (const layer of [
        PgEventStore.layerUrl(varied(urlWithoutTls(), "require")),
        PgEventStore.layer().pipe(Layer.provide(PgClient.layer({ url: urlWithoutTls(), ssl: true })))
      ]) {
        assert.match(
          yield* refusalOf(layer),
          /the server does not support TLS, and the client demands it.*Turn TLS on at the server/
        )
      }
    })
  )
})
