/** Commands and live results over GraphQL, as a client without a library asks for them. */
import { RemoteError } from "@hexfold/client"
import { VersionConflict } from "@hexfold/core"
import { Effect, Schedule, Stream } from "effect"
import { Sse } from "effect/encoding"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { SameTally } from "./bank.ts"
import type { Sent } from "./check.ts"

interface Answer {
  readonly data?: {
    readonly result: { readonly __typename: string; readonly expected?: number; readonly actual?: number } | null
  } | null
  readonly errors?: ReadonlyArray<{ readonly message: string; readonly extensions: { readonly code: string } }>
}

const result = `{ __typename ... on VersionConflict { expected actual } ... on Rejection { message } }`

const posted = (origin: string, as: string, accept: string, query: string, variables: object) =>
  HttpClientRequest.post(`${origin}/graphql`).pipe(
    HttpClientRequest.setHeaders({ authorization: `Bearer ${as}`, accept }),
    HttpClientRequest.bodyJsonUnsafe({ query, variables })
  )

const noAnswer = (cause: unknown) => new RemoteError({ status: 0, title: "NoAnswer", detail: String(cause), cause })

/** Executes a command, as `Remote.execute` does. */
export const mutate = (
  origin: string,
  as: string,
  { expected, ids, token }: Sent
): Effect.Effect<void, RemoteError | SameTally | VersionConflict> =>
  Effect.gen(function* () {
    const [id, other] = ids
    const query =
      other === undefined
        ? `mutation($id: String!, $token: String!, $key: ID, $expected: Int) { result: tallyAdd(id: $id, input: { token: $token }, commandId: $key, expectedVersion: $expected) ${result} }`
        : `mutation($id: String!, $other: String!, $token: String!, $key: ID) { result: addBoth(input: { one: $id, other: $other, token: $token }, commandId: $key) { __typename } }`
    const client = yield* HttpClient.HttpClient
    const request = posted(origin, as, "application/json", query, { id, other, token, key: token, expected })
    const response = yield* Effect.mapError(client.execute(request), noAnswer)
    const { data, errors } = (yield* Effect.mapError(response.json, noAnswer)) as Answer
    const answer = data?.result
    if (answer === undefined || answer === null) {
      const { extensions, message } = errors![0]!
      const status = extensions.code === "UNAVAILABLE" ? 503 : 500
      return yield* new RemoteError({ status, title: extensions.code, detail: message })
    }
    if (answer.__typename === "SameTally") return yield* new SameTally({ id })
    if (answer.__typename === "VersionConflict") {
      return yield* new VersionConflict({ stream: "Tally", expected: answer.expected!, actual: answer.actual! })
    }
    if (!answer.__typename.endsWith("Receipt")) {
      return yield* new RemoteError({ status: 409, title: answer.__typename, detail: "not a receipt" })
    }
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** The counts of the tallies as they change, over all ends of the connection. */
export const watched = (origin: string, as: string): Stream.Stream<Readonly<Record<string, number>>> => {
  const query = `subscription { tallies(orderBy: [{ field: last, direction: ASC }], first: 100) { nodes { key count } } }`
  const once = Stream.unwrap(
    Effect.map(
      Effect.flatMap(HttpClient.HttpClient, (client) =>
        client.execute(posted(origin, as, "text/event-stream", query, {}))
      ),
      ({ stream }) => stream
    )
  ).pipe(
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decode()),
    Stream.flatMap(({ data, event }) => {
      const { data: found } = (event === "next" ? JSON.parse(data) : {}) as {
        readonly data?: {
          readonly tallies: { readonly nodes: ReadonlyArray<{ readonly key: string; readonly count: number }> }
        }
      }
      return found === undefined
        ? Stream.empty
        : Stream.succeed(Object.fromEntries(found.tallies.nodes.map(({ count, key }) => [key, count])))
    })
  )
  const again = Schedule.jittered(Schedule.spaced("200 millis"))
  // The end of a stream is one more reason to ask again.
  return Stream.concat(once, Stream.fail("ended")).pipe(
    Stream.retry(again),
    Stream.orDie,
    Stream.provide(FetchHttpClient.layer)
  )
}
