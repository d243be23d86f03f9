/** What a request can say: the addresses and headers of calls. What cannot be said is refused before anything is asked. */
import type { Aggregate } from "@hexfold/core"
import { Duration, Effect, type Schema } from "effect"
import type { RemoteError } from "../errors.ts"
import type { ExecuteOptions } from "./calls.ts"
import { invalid } from "./commands.ts"

const refused = (text: string): Effect.Effect<never, RemoteError> =>
  Effect.fail(invalid(new Error(`${JSON.stringify(text)} can stand in no address`)))

// However it is encoded, an address takes these for steps to somewhere else.
const segment = (text: string): Effect.Effect<string, RemoteError> =>
  text === "." || text === ".." ? refused(text) : Effect.try({ try: () => encodeURIComponent(text), catch: invalid })

/** The key of a record in an address. Without one the address would be that of the whole view. */
export const keyOf = (key: string): Effect.Effect<string, RemoteError> => (key === "" ? refused(key) : segment(key))

/** The address of a command to an aggregate, and the id of its stream. */
export const addressOf = (
  aggregate: Aggregate.Untyped,
  id: unknown,
  body: Schema.Json
): Effect.Effect<{ readonly path: string; readonly stream: string }, RemoteError> =>
  Effect.gen(function* () {
    const stream = yield* Effect.try({ try: () => aggregate.streamId(id), catch: invalid })
    const text = yield* segment(stream.slice(aggregate.name.length + 1))
    const tag = yield* segment(String((body as { readonly _tag: unknown })._tag))
    return { path: `/aggregates/${aggregate.name}/${text}/${tag}`, stream }
  })

/** The headers of a command. */
export const headersOf = ({
  commandId,
  expectedVersion,
  wait
}: ExecuteOptions<number>): Effect.Effect<Readonly<Record<string, string>>, RemoteError> =>
  Effect.gen(function* () {
    return {
      ...(commandId === undefined ? {} : { "idempotency-key": yield* headerOf(commandId) }),
      ...(expectedVersion === undefined ? {} : { "if-match": `"${yield* versionOf(expectedVersion)}"` }),
      ...(wait === undefined ? {} : { prefer: `wait=${Math.min(longestWait, Math.ceil(Duration.toSeconds(wait)))}` })
    }
  })

/** The longest wait that a header can say, in seconds. An API waits less. */
const longestWait = 999_999

// A header has printable ASCII only. Other ids are sent as a display string of RFC 9651.
const headerOf = (commandId: string): Effect.Effect<string, RemoteError> =>
  /^[\x20-\x7e]*$/.test(commandId)
    ? Effect.succeed(`"${commandId}"`)
    : Effect.try({ try: () => `%"${encodeURIComponent(commandId).toLowerCase()}"`, catch: invalid })

const versionOf = (version: number): Effect.Effect<number, RemoteError> =>
  Number.isSafeInteger(version) && version >= 0
    ? Effect.succeed(version)
    : Effect.fail(invalid(new Error("the expected version is no whole number from 0 on")))
