/** Calls of an API over HTTP. */
import { Query } from "@hexfold/core"
import { Duration, Effect, Option, Schema, Stream } from "effect"
import type { AnyVersioned, Calls, ExecuteOptions } from "./calls.ts"
import { encoded, invalid } from "./commands.ts"
import type { RemoteError } from "../errors.ts"
import { followed } from "./following.ts"
import { answerOf, type AnyAggregate, type AnyBoundary, isBoundary } from "./receipts.ts"
import { type Connection, jsonOf, problemOf, send, unreadable } from "./requests.ts"

/** Calls of an API over HTTP. Receipts of boundaries have the events of the aggregates that are known. */
export const httpCalls = (connection: Connection, known: ReadonlyMap<string, AnyAggregate>): Calls => ({
  execute: (target, id, command, { commandId, expectedVersion, wait }: ExecuteOptions<number>) =>
    Effect.gen(function* () {
      const body = yield* encoded(target, command)
      const { path, stream } = isBoundary(target)
        ? { path: `/commands/${target.name}`, stream: target.name }
        : yield* addressOf(target, id, body)
      const response = yield* send(connection, {
        path,
        body,
        headers: {
          ...(commandId === undefined ? {} : { "idempotency-key": yield* headerOf(commandId) }),
          ...(expectedVersion === undefined ? {} : { "if-match": `"${expectedVersion}"` }),
          ...(wait === undefined ? {} : { prefer: `wait=${Math.ceil(Duration.toSeconds(wait))}` })
        }
      })
      return yield* answerOf({ target, stream }, known, yield* jsonOf(response))
    }),

  query: (view, query) =>
    Effect.gen(function* () {
      const { body, status } = yield* jsonOf(yield* send(connection, { path: `/views/${view.name}`, body: query }))
      return status === 200 ? yield* pageOf(view, query, body) : yield* problemOf(status, body)
    }),

  record: (view, key) =>
    Effect.gen(function* () {
      const path = `/views/${view.name}/${yield* keyOf(key)}`
      const { body, status } = yield* jsonOf(yield* send(connection, { path }))
      if (status === 404 && body["title"] === "NotFound") return Option.none()
      return status === 200 ? Option.some(yield* stateOf(view, body["state"])) : yield* problemOf(status, body)
    }),

  live: (view, query) =>
    Stream.mapEffect(followed(connection, { path: `/live/${view.name}`, body: query }), (page) =>
      pageOf(view, query, page)
    ),

  liveRecord: (view, key) =>
    Stream.unwrap(
      Effect.map(keyOf(key), (last) =>
        Stream.mapEffect(followed(connection, { path: `/live/${view.name}/${last}` }), ({ state = null }) =>
          state === null ? Effect.succeedNone : Effect.asSome(stateOf(view, state))
        )
      )
    )
})

const refused = (text: string): Effect.Effect<never, RemoteError> =>
  Effect.fail(invalid(new Error(`${JSON.stringify(text)} can stand in no address`)))

// However it is encoded, an address takes these for steps to somewhere else.
const segment = (text: string): Effect.Effect<string, RemoteError> =>
  text === "." || text === ".." ? refused(text) : Effect.try({ try: () => encodeURIComponent(text), catch: invalid })

// Without a key the address is that of the whole view.
const keyOf = (key: string): Effect.Effect<string, RemoteError> => (key === "" ? refused(key) : segment(key))

const addressOf = (
  aggregate: Exclude<AnyAggregate, AnyBoundary>,
  id: unknown,
  body: Schema.Json
): Effect.Effect<{ readonly path: string; readonly stream: string }, RemoteError> =>
  Effect.gen(function* () {
    const stream = yield* Effect.try({ try: () => aggregate.streamId(id), catch: invalid })
    const text = yield* segment(stream.slice(aggregate.name.length + 1))
    const tag = yield* segment(String((body as { readonly _tag: unknown })._tag))
    return { path: `/aggregates/${aggregate.name}/${text}/${tag}`, stream }
  })

// A header has printable ASCII only. Other ids are sent as a display string of RFC 9651.
const headerOf = (commandId: string): Effect.Effect<string, RemoteError> =>
  /^[\x20-\x7e]*$/.test(commandId)
    ? Effect.succeed(`"${commandId}"`)
    : Effect.try({ try: () => `%"${encodeURIComponent(commandId).toLowerCase()}"`, catch: invalid })

const pageOf = <Row>(view: AnyVersioned, query: Query.Query<Row>, body: unknown) =>
  Effect.mapError(Effect.fromResult(Query.decoder(view, query)(asPage(body))), unreadable)

// The last page has no cursor, and JSON no undefined.
const asPage = (body: unknown): Query.Page<Schema.Json> => {
  const { rows = [], ...whole } = body as Partial<Query.Page<Schema.Json>>
  return { next: undefined, ...whole, rows }
}

const stateOf = (view: AnyVersioned, state: unknown) =>
  Effect.mapError(
    Effect.fromResult(Schema.decodeUnknownResult(Schema.toCodecJson(view.schemas.state))(state)),
    unreadable
  )
