/**
 * An API elsewhere, called as if it were here: `execute` takes what `Executor.execute` takes and gives what it gives, with
 * the domain's own classes, and the same holds for queries, records and live results.
 */
import type {
  Aggregate,
  Api,
  EventStore,
  Executor,
  Query,
  Receipt,
  VersionConflict,
  View,
  ViewStore
} from "@hexfold/core"
import { Context, Effect, Layer, type Option, type Result, Stream } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import type { Calls, ExecuteOptions } from "./calls/calls.ts"
import type { RemoteError } from "./errors.ts"
import { httpCalls } from "./calls/http.ts"
import { localCalls } from "./calls/local.ts"
import { isBoundary } from "./calls/receipts.ts"

/** The address of the API, and the headers that say who the caller is. */
export interface Options {
  /** The address of the API, with its prefix and without a slash at its end. */
  readonly url: string
  /** The headers of each request, such as `authorization`. An effect is run for each request; if it fails, so does the call. */
  readonly headers?: Readonly<Record<string, string>> | Effect.Effect<Readonly<Record<string, string>>, RemoteError>
  /** The aggregates whose events a receipt of a boundary can have. */
  readonly aggregates?: ReadonlyArray<Aggregate.Any>
}

/** An API: elsewhere, or in this process. */
export class Remote extends Context.Service<Remote, Calls>()("@hexfold/client/Remote") {}

/**
 * Supplies an API elsewhere, over any HTTP client of Effect.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const Bank = Remote.layer({ url: "https://bank.example/api" }).pipe(Layer.provide(FetchHttpClient.layer))
 * ```
 */
export const layer = (options: Options): Layer.Layer<Remote, never, HttpClient.HttpClient> =>
  Layer.effect(
    Remote,
    Effect.map(HttpClient.HttpClient, (client) => {
      const { aggregates = [], headers = {}, url } = options
      const known = aggregates as ReadonlyArray<unknown> as ReadonlyArray<Aggregate.Untyped>
      return httpCalls(
        { client, url, headers: Effect.isEffect(headers) ? headers : Effect.succeed(headers) },
        { aggregates: new Map(known.map((aggregate) => [aggregate.name, aggregate])), missed: new Set() }
      )
    })
  )

/**
 * Supplies an API elsewhere, over the platform's `fetch`.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 *
 * const Bank = Remote.layerFetch({ url: "https://bank.example/api", headers: { authorization: "Bearer …" } })
 * ```
 */
export const layerFetch = (options: Options): Layer.Layer<Remote> =>
  Layer.provide(layer(options), FetchHttpClient.layer)

/** What {@link layerLocal} serves. */
export interface LocalOptions {
  readonly views: ReadonlyArray<View.Any>
  /**
   * What queries may ask, by the names of views, as in the `limits` of an API. A query that goes beyond is refused, and one
   * without a limit has that of the API. Without this option queries may ask for everything.
   */
  readonly limits?: Api.Any["limits"]
}

/**
 * Supplies the stores of this process under the same service, so that one program runs elsewhere and here. No rule of a
 * policy is asked: the program itself is the caller. A command that waits, waits for those of the views that follow its
 * target. Everything else than the errors of the domain is a `RemoteError` with the status and the title that an API over
 * HTTP would answer with, and the error itself as the cause. That holds for what the program throws, too.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Api } from "@hexfold/core"
 *
 * declare const api: Api.Any
 *
 * const Here = Remote.layerLocal(api)
 * ```
 */
export const layerLocal = ({
  limits,
  views
}: LocalOptions): Layer.Layer<Remote, never, EventStore.EventStore | ViewStore.ViewStore> =>
  Layer.effect(
    Remote,
    Effect.map(Effect.context<EventStore.EventStore | ViewStore.ViewStore>(), (stores) =>
      localCalls(stores, { limits, views })
    )
  )

export type { ExecuteOptions } from "./calls/calls.ts"

/** What {@link execute} takes after its target: the id of an aggregate, the command, and options. */
export type Arguments<T, Expected extends number = never> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: infer Command, states: never) => unknown
}
  ? [command: Command, options?: Omit<ExecuteOptions, "expectedVersion">]
  : T extends {
        readonly streamId: (id: infer Id) => unknown
        readonly decide: (command: infer Command, state: never) => unknown
      }
    ? [id: Id, command: Command, options?: ExecuteOptions<Expected>]
    : never

/** The execution of a command elsewhere. */
export type Execution<T, Expected = never> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: never, states: never) => Result.Result<infer Emitted, infer Error>
}
  ? Effect.Effect<Receipt.BoundaryReceipt<EventIn<Emitted>>, Error | RemoteError, Remote>
  : T extends {
        readonly decide: (command: never, state: never) => Result.Result<ReadonlyArray<infer Event>, infer Error>
      }
    ? Effect.Effect<
        Receipt.Receipt<Event>,
        Error | RemoteError | ([Expected] extends [never] ? never : VersionConflict),
        Remote
      >
    : never

type EventIn<Emitted> = Emitted extends { readonly [role: string]: infer Each } ? Leaf<Each> : never
type Leaf<Each> = Each extends ReadonlyArray<infer Inner> ? Leaf<Inner> : Each

/**
 * Executes a command elsewhere: `execute(aggregate, id, command, options?)` or `execute(boundary, command, options?)`.
 *
 * It fails with the error for which the domain rejects the command, an instance of the domain's own class, or with a
 * `RemoteError`. The receipt has the events that the caller may read.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Aggregate } from "@hexfold/core"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, never, never>
 *
 * const program = Remote.execute(Counter, "visits", { _tag: "Increment", by: 1 }, { commandId: "request-17" })
 * ```
 */
export const execute: <T extends Executor.Target, Expected extends number = never>(
  target: T,
  ...args: Arguments<T, Expected>
) => Execution<T, Expected> = (target: Executor.Target, ...args: ReadonlyArray<unknown>): never =>
  Effect.flatMap(Remote, ({ execute }) =>
    isBoundary(target)
      ? execute(target, "", args[0], options(args[1]))
      : execute(target as unknown as Aggregate.Untyped, args[0], args[1], options(args[2]))
  ) as never

const options = (given: unknown): ExecuteOptions<number> => (given ?? {}) as ExecuteOptions<number>

/**
 * The page of records that a query asks for.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import { Query } from "@hexfold/core"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const richest = Remote.query(Balances, Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 20 }))
 * ```
 */
export const query = <Row, Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Effect.Effect<Query.Page<Row>, RemoteError, Remote> => Effect.flatMap(Remote, (calls) => calls.query(view, query))

/**
 * The state of one record, or none if there is no record that the caller may see.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Query } from "@hexfold/core"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const balance = Remote.record(Balances, "a-1")
 * ```
 */
export const record = <State>(
  view: Query.Versioned<State>,
  key: string
): Effect.Effect<Option.Option<State>, RemoteError, Remote> =>
  Effect.flatMap(Remote, (calls) => calls.record(view, key) as Effect.Effect<Option.Option<State>, RemoteError>)

/**
 * The results of a query: the present one at once, then each new one. Each differs from the one before. While the API
 * cannot be reached, the stream waits and asks again. It fails if the API refuses the question.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import { Query } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const richest = Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 3 })
 * const printing = Remote.live(Balances, richest).pipe(
 *   Stream.runForEach(({ rows }) => Effect.log(rows.map(({ key }) => key)))
 * )
 * ```
 */
export const live = <Row, Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Stream.Stream<Query.Page<Row>, RemoteError, Remote> =>
  Stream.unwrap(Effect.map(Remote, (calls) => calls.live(view, query)))

/**
 * The state of one record as it changes; none while there is no record that the caller may see. It behaves like
 * {@link live} otherwise.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Query } from "@hexfold/core"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const balances = Remote.liveRecord(Balances, "a-1")
 * ```
 */
export const liveRecord = <State>(
  view: Query.Versioned<State>,
  key: string
): Stream.Stream<Option.Option<State>, RemoteError, Remote> =>
  Stream.unwrap(
    Effect.map(Remote, (calls) => calls.liveRecord(view, key) as Stream.Stream<Option.Option<State>, RemoteError>)
  )
