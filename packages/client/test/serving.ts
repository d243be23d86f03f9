/** An API in this process: elsewhere by requests, and here by its stores. */
import { MemoryStores } from "@hexfold/adapters-memory"
import { Remote } from "@hexfold/client"
import { Api, EventStore, Executor, Policy, Projection, ViewStore } from "@hexfold/core"
import { Authenticator, Unauthenticated } from "@hexfold/server"
import { Http } from "@hexfold/server/http"
import { Context, Effect, Layer, Logger, Schedule } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { Account, Accounts, Transfer } from "../../server/test/http/bank.ts"
import { Vault, Vaults } from "./vault.ts"

export const bankApi: Api.Any = Api.make("bank", {
  aggregates: [Account, Vault],
  boundaries: [Transfer],
  views: [Accounts, Vaults],
  limits: { Accounts: { fields: "all", scan: true } },
  policies: {
    Account: { Open: "signed in", Deposit: "anyone", Withdraw: "anyone", events: "anyone" },
    Vault: { Lock: "anyone", events: "anyone" },
    Transfer: "anyone",
    Accounts: { read: "anyone" },
    Vaults: { read: "anyone" }
  }
})

const tokens = Layer.succeed(Authenticator.Authenticator, {
  identify: ({ authorization }) =>
    authorization === undefined
      ? Effect.succeed(undefined)
      : authorization === "Bearer ann"
        ? Effect.succeed({ caller: Policy.caller("ann") })
        : Effect.fail(new Unauthenticated({}))
})

/** Stores that are changed for those who ask. What the projections of the views do is as it was. */
export interface Changes {
  readonly events?: (store: EventStore.EventStore["Service"]) => EventStore.EventStore["Service"]
  readonly records?: (store: ViewStore.ViewStore["Service"]) => ViewStore.ViewStore["Service"]
}

const same = <A>(value: A): A => value

/** A server in this process that can be stopped and started, and clients of it. */
export const serving = (
  api: Api.Any,
  { events = same, records = same }: Changes = {},
  known: Remote.Options["aggregates"] = [Account, Vault]
) =>
  Effect.gen(function* () {
    const stores = yield* Layer.build(MemoryStores.layer())
    const changed = stores.pipe(
      Context.add(EventStore.EventStore, events(Context.get(stores, EventStore.EventStore))),
      Context.add(ViewStore.ViewStore, records(Context.get(stores, ViewStore.ViewStore)))
    )
    const asked = Layer.merge(
      Layer.succeedContext(changed),
      // A conflict is reported at once.
      Layer.succeed(Executor.CurrentRetryPolicy, Schedule.recurs(0))
    )
    const start = () =>
      HttpRouter.toWebHandler(
        Http.layer(api).pipe(
          Layer.provide(tokens),
          Layer.provide(asked),
          Layer.provide(Projection.layer(api.views)),
          Layer.provide(Layer.succeedContext(stores)),
          Layer.provide(Logger.layer([])),
          Layer.provideMerge(HttpServer.layerServices)
        ),
        { disableLogger: true }
      )
    let running: ReturnType<typeof start> | undefined = start()
    const stop = Effect.promise(async () => {
      const { dispose } = running!
      running = undefined
      await dispose()
    })
    yield* Effect.addFinalizer(() => (running === undefined ? Effect.void : stop))
    const fetch = async (input: Request | string | URL, init?: RequestInit) => {
      if (running === undefined) throw new TypeError("nobody listens")
      return running.handler(new Request(input, init))
    }
    const here = Remote.layerLocal(api).pipe(Layer.provide(asked))
    const as = (token: string | undefined) =>
      Remote.layerFetch({
        url: "http://bank.example",
        ...(known === undefined ? {} : { aggregates: known }),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
      }).pipe(Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch as typeof globalThis.fetch)))
    return { as, here, stop, restart: Effect.sync(() => (running = start())) }
  })
