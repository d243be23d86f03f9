/** How operations of GraphQL are sent: by POST with server-sent events, and by a socket with the client of graphql-ws. */
import { Effect, Option, type Scope } from "effect"
import { type Client, createClient } from "graphql-ws"
import type { Result } from "../../graphql/web.ts"
import type { Front } from "../Front.ts"
import { framesOf } from "../frames.ts"
import type { Followed } from "./Speaker.ts"
import type { Sending, Transport } from "./graphql.ts"

/** GraphQL by POST. */
export const byPost = ({ ask, json }: Front): Transport => {
  const sent = ({ as, headers = {}, query, variables }: Sending) => ({
    ...(as === undefined ? {} : { as }),
    body: { query, variables },
    headers
  })
  return {
    name: "GraphQL",
    ask: (sending) => Effect.map(json("/graphql", sent(sending)), ({ body }) => body as Result),
    follow: (sending) =>
      Effect.gen(function* () {
        const response = yield* ask("/graphql", sent({ ...sending, headers: { accept: "text/event-stream" } }))
        if (response.headers.get("content-type") !== "text/event-stream") {
          return (yield* Effect.promise(() => response.json())) as Result
        }
        const { cancel, frame } = framesOf(response)
        yield* Effect.addFinalizer(() => Effect.promise(cancel))
        return { next: resultOf(frame) }
      })
  }
}

const resultOf = (frame: ReturnType<typeof framesOf>["frame"]): Effect.Effect<Result | undefined> =>
  Effect.gen(function* () {
    for (;;) {
      const { data, event } = Option.getOrThrowWith(yield* frame, () => new Error("the stream has no proper end"))
      if (event === "next") return JSON.parse(data!) as Result
      if (event === "complete") {
        if (Option.isSome(yield* frame)) throw new Error("the stream goes on after its end")
        return undefined
      }
    }
  })

/** GraphQL by a socket, one for each caller. They are closed with the scope. */
export const bySocket = ({ url }: Front): Effect.Effect<Transport, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clients = new Map<string | undefined, Client>()
    yield* Effect.addFinalizer(() =>
      Effect.promise(async () => {
        for (const client of clients.values()) await client.dispose()
      })
    )
    const clientOf = (as: string | undefined): Client => {
      const client = clients.get(as) ?? socketClient(url, as)
      clients.set(as, client)
      return client
    }
    const iterate = ({ as, query, variables }: Sending) =>
      clientOf(as).iterate<Result["data"]>({ query, ...(variables === undefined ? {} : { variables }) })
    return {
      name: "GraphQL by a socket",
      ask: (sending) => Effect.suspend(() => Effect.map(following(iterate(sending)).next, (result) => result!)),
      follow: (sending) =>
        Effect.gen(function* () {
          const results = iterate(sending)
          yield* Effect.addFinalizer(() => Effect.promise(async () => void (await results.return!())))
          return following(results)
        })
    }
  })

/** A client of graphql-ws that does not connect again. */
export const socketClient = (url: string, as: string | undefined): Client =>
  createClient({
    url: `${url.replace("http", "ws")}/graphql/ws`,
    retryAttempts: 0,
    // It stays open between operations, as that of a page does.
    lazyCloseTimeout: 60_000,
    ...(as === undefined ? {} : { connectionParams: { authorization: `Bearer ${as}` } })
  })

/** The codes of closed sockets, as codes of errors. */
const closings: Readonly<Record<number, string>> = { 4401: "UNAUTHENTICATED", 1013: "UNAVAILABLE", 1001: "AWAY" }

const following = (results: AsyncIterableIterator<unknown>): Followed<Result> => ({
  next: Effect.promise(async () => {
    try {
      const { done, value } = await results.next()
      return done === true ? undefined : (value as Result)
    } catch (error) {
      if (Array.isArray(error)) return { errors: error as NonNullable<Result["errors"]> }
      const { code } = error as { readonly code: number }
      return { errors: [{ message: "closed", extensions: { code: closings[code] ?? String(code) } }] }
    }
  })
})
