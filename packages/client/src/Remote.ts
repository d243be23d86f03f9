/**
 * An API elsewhere, called as if it were here: `execute` takes what `Executor.execute` takes and gives what it gives, with
 * the domain's own classes, and the same holds for queries, records and live results.
 */
import { type Aggregate, CommandCodec, type Executor, Query, type Receipt, type VersionConflict } from "@hexfold/core"
import { Context, Duration, Effect, Layer, Option, type Result, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { type Connection, jsonOf, problemOf, send, unreadable } from "./calls.ts"
import { RemoteError } from "./errors.ts"
import { followed } from "./following.ts"
import { answerOf, type AnyAggregate, type AnyBoundary, isBoundary } from "./receipts.ts"

/** The address of the API, and the headers that say who the caller is. */
export interface Options {
  /** The address of the API, with its prefix and without a slash at its end. */
  readonly url: string
  /** The headers of each request, such as `authorization`. An effect is run for each request. */
  readonly headers?: Readonly<Record<string, string>> | Effect.Effect<Readonly<Record<string, string>>, RemoteError>
  /** The aggregates whose events a receipt of a boundary can have. */
  readonly aggregates?: ReadonlyArray<Aggregate.Any>
}

/** An API elsewhere. */
export class Remote extends Context.Service<
  Remote,
  { readonly connection: Connection; readonly aggregates: ReadonlyMap<string, AnyAggregate> }
>()("@hexfold/client/Remote") {}

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
      const known = aggregates as ReadonlyArray<unknown> as ReadonlyArray<AnyAggregate>
      return {
        connection: { client, url, headers: Effect.isEffect(headers) ? headers : Effect.succeed(headers) },
        aggregates: new Map(known.map((aggregate) => [aggregate.name, aggregate]))
      }
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

/** How to execute a command elsewhere. */
export interface ExecuteOptions<Expected extends number = never> {
  /** Names the command, for its caller: a repeat has no second effect. */
  readonly commandId?: string
  /** The version at which the stream must be; 0 if it has no event. */
  readonly expectedVersion?: Expected
  /** For how long to wait until the views show the command. If they do not, the command has happened all the same. */
  readonly wait?: Duration.Input
}

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
  (isBoundary(target)
    ? executed(target, "", args[0], args[1] as ExecuteOptions<number> | undefined)
    : executed(
        target as unknown as AnyAggregate,
        args[0],
        args[1],
        args[2] as ExecuteOptions<number> | undefined
      )) as never

const executed = (
  target: AnyAggregate | AnyBoundary,
  id: unknown,
  command: unknown,
  { commandId, expectedVersion, wait }: ExecuteOptions<number> = {}
) =>
  Effect.gen(function* () {
    const { aggregates, connection } = yield* Remote
    const encoded = isBoundary(target)
      ? CommandCodec.ofBoundary(target).encode(command as never)
      : CommandCodec.of(target).encode(command as never)
    const body = yield* Effect.mapError(Effect.fromResult(encoded), invalid)
    const path = isBoundary(target) ? `/commands/${target.name}` : yield* addressOf(target, id, body)
    const response = yield* send(connection, {
      path,
      body,
      headers: {
        ...(commandId === undefined ? {} : { "idempotency-key": `"${commandId}"` }),
        ...(expectedVersion === undefined ? {} : { "if-match": `"${expectedVersion}"` }),
        ...(wait === undefined ? {} : { prefer: `wait=${Math.ceil(Duration.toSeconds(wait))}` })
      }
    })
    return yield* answerOf(target, aggregates, yield* jsonOf(response))
  })

const addressOf = (aggregate: AnyAggregate, id: unknown, body: Schema.Json): Effect.Effect<string, RemoteError> =>
  Effect.try({
    try: () => {
      const text = aggregate.streamId(id).slice(aggregate.name.length + 1)
      return `/aggregates/${aggregate.name}/${encodeURIComponent(text)}/${String((body as { readonly _tag: unknown })._tag)}`
    },
    catch: invalid
  })

// What breaks its own schema is not sent.
const invalid = (cause: unknown): RemoteError =>
  new RemoteError({
    status: 400,
    title: "InvalidRequest",
    detail: cause instanceof Error ? cause.message : String(cause),
    cause
  })

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
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Effect.Effect<Query.Page<Row>, RemoteError, Remote> =>
  Effect.gen(function* () {
    const { connection } = yield* Remote
    const { body, status } = yield* jsonOf(yield* send(connection, { path: `/views/${view.name}`, body: query }))
    return status === 200 ? yield* pageOf(view, query, body) : yield* problemOf(status, body)
  })

/**
 * The state of one record, or none if there is no record that the caller may see.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Query } from "@hexfold/core"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const balance = Remote.record(Balances, "a-1")
 * ```
 */
export const record = <State>(
  view: Query.Source<State>,
  key: string
): Effect.Effect<Option.Option<State>, RemoteError, Remote> =>
  Effect.gen(function* () {
    const { connection } = yield* Remote
    const path = `/views/${view.name}/${encodeURIComponent(key)}`
    const { body, status } = yield* jsonOf(yield* send(connection, { path }))
    if (status === 404 && body["title"] === "NotFound") return Option.none<State>()
    return status === 200 ? Option.some(yield* stateOf(view, body["state"])) : yield* problemOf(status, body)
  })

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
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Stream.Stream<Query.Page<Row>, RemoteError, Remote> =>
  Stream.unwrap(
    Effect.map(Remote, ({ connection }) =>
      Stream.mapEffect(followed(connection, { path: `/live/${view.name}`, body: query }), (page) =>
        pageOf(view, query, page)
      )
    )
  )

/**
 * The state of one record as it changes; none while there is no record that the caller may see. It behaves like
 * {@link live} otherwise.
 *
 * @example
 * ```ts
 * import { Remote } from "@hexfold/client"
 * import type { Query } from "@hexfold/core"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const balances = Remote.liveRecord(Balances, "a-1")
 * ```
 */
export const liveRecord = <State>(
  view: Query.Source<State>,
  key: string
): Stream.Stream<Option.Option<State>, RemoteError, Remote> =>
  Stream.unwrap(
    Effect.map(Remote, ({ connection }) =>
      Stream.mapEffect(
        followed(connection, { path: `/live/${view.name}/${encodeURIComponent(key)}` }),
        ({ state = null }) =>
          state === null ? Effect.succeed(Option.none<State>()) : Effect.asSome(stateOf(view, state))
      )
    )
  )

const pageOf = <Row>(view: Query.Source<unknown>, query: Query.Query<Row>, body: unknown) =>
  Effect.mapError(Effect.fromResult(Query.decoder(view, query)(asPage(body))), unreadable)

// The last page has no cursor, and JSON no undefined.
const asPage = (body: unknown): Query.Page<Schema.Json> => {
  const { rows = [], ...whole } = body as Partial<Query.Page<Schema.Json>>
  return { next: undefined, ...whole, rows }
}

const stateOf = <State>(view: Query.Source<State>, state: unknown) =>
  Effect.mapError(
    Effect.fromResult(Schema.decodeUnknownResult(Schema.toCodecJson(view.schemas.state))(state)),
    unreadable
  )
