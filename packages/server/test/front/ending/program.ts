/**
 * A server in a process of its own. It says where it listens, and ends as a program ends: by SIGTERM. The first argument is
 * the URL of a database, or `memory`; the second is the name of a schema.
 *
 * A command for the account `held` is not written before the process has been told to end.
 */
import { createServer } from "node:http"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { MemoryStores } from "@hexfold/adapters-memory"
import { PgStores } from "@hexfold/adapters-pg"
import { EventStore, Projection, StreamId } from "@hexfold/core"
import { HttpShutdown } from "@hexfold/server/http"
import { Deferred, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { open } from "../../http/bank.ts"
import { routesOf, tokens } from "../../http/web.ts"

const [store = "memory", schema = "public"] = process.argv.slice(2)

const say = (said: object) => Effect.sync(() => process.stdout.write(`${JSON.stringify(said)}\n`))

const told = Deferred.makeUnsafe<void>()
process.once("SIGTERM", () => Effect.runSync(Deferred.succeed(told, undefined)))

const holding = Layer.effect(
  EventStore.EventStore,
  Effect.map(EventStore.EventStore, (events) => ({
    ...events,
    append: (given: Parameters<typeof events.append>[0]) =>
      given.parts.some(({ writes }) => writes.some(({ streamId }) => streamId === StreamId.make("Account", "held")))
        ? say({ held: true }).pipe(
            Effect.andThen(Deferred.await(told)),
            Effect.andThen(say({ told: true })),
            // So long that everything that does not wait for the command has ended.
            Effect.andThen(Effect.yieldNow.pipe(Effect.repeat({ times: 1_000 }))),
            Effect.andThen(events.append(given)),
            Effect.tap(say({ written: true }))
          )
        : events.append(given)
  }))
)

const stores =
  store === "memory"
    ? MemoryStores.layer({ views: open.views })
    : PgStores.layerUrl(Redacted.make(store), { schema, views: open.views })

const routes = routesOf(open).pipe(Layer.provide(tokens), Layer.provide(Projection.layer(open.views)))

const listening = Layer.effectDiscard(
  Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
    say({ port: address._tag === "UnixPathAddress" ? 0 : address.port })
  )
)

listening.pipe(
  Layer.provide(
    HttpShutdown.serve(
      routes,
      NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }),
      {
        disableLogger: true,
        disableListenLog: true
      }
    )
  ),
  Layer.provide(Layer.provideMerge(holding, stores)),
  Layer.launch,
  NodeRuntime.runMain
)
