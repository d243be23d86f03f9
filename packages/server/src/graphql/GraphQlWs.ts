/** An API over GraphQL by WebSocket, with the protocol `graphql-transport-ws` of the package `graphql-ws`. */
import type { Api, EventStore, ViewStore } from "@hexfold/core"
import { type Context, Deferred, Duration, Effect, FiberSet, type Layer, Semaphore, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Socket } from "effect/socket"
import type { ExecutionResult, FormattedExecutionResult } from "graphql"
import { handleProtocols, makeServer, type SubscribePayload } from "graphql-ws"
import type { Authenticator } from "../Authenticator.ts"
import { answeringBelow } from "../web/addresses.ts"
import { correlationIn, type Identified, identified } from "../web/identity.ts"
import { endOf } from "../web/liveStreams.ts"
import { type Closing, provideServices, servicesUntilClosed } from "../web/services.ts"
import { answeringAll } from "../web/problems.ts"
import type { Services } from "./context.ts"
import { errorOf, errorWith, presented } from "./errors.ts"
import { type Operations, operationsOf, type Prepared } from "./operations.ts"
import { developing, type Given, optionsOf } from "./documents/options.ts"

/** How an API is served. */
export interface Options extends Given {
  /** The address of the socket. `/graphql/ws` by default. */
  readonly path?: `/${string}`
  /** The most bytes of a message. 1 MiB by default. A longer one closes the socket with the code 1009. */
  readonly maxMessageBytes?: number
  /**
   * The most operations that one socket may have running. 100 by default. One more is answered with an error. An operation
   * that the client has completed counts until it has ended.
   */
  readonly maxOperations?: number
  /**
   * For how long a socket may be open before its client sends `connection_init`. 3 seconds by default. Then it is closed with
   * the code 4408.
   */
  readonly connectionInitTimeout?: Duration.Input
  /**
   * How often a client is sent a `ping`. 12 seconds by default. A client that has sent nothing at all since the one before,
   * not even a `pong`, has gone or does not read: its socket is closed with the code 1013, and what waited for it is let go.
   */
  readonly keepAlive?: Duration.Input
  /**
   * The origins of pages that may open a socket, such as `https://app.example`. By default those of the host itself: a
   * browser sends cookies with a socket to any host.
   */
  readonly origins?: ReadonlyArray<string>
}

/**
 * Adds a socket for GraphQL to the router. A client sends its token as `authorization` in the parameters of the
 * connection, or as the header of the request that opens the socket. The socket is closed when the token ends. What still
 * runs when a socket closes is interrupted.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { GraphQl } from "@hexfold/server/graphql"
 * import { GraphQlWs } from "@hexfold/server/graphql/ws"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Routes = Layer.mergeAll(GraphQl.layer(api), GraphQlWs.layer(api)).pipe(Layer.provide(Authenticator.layerNobody))
 * ```
 */
export const layer = (
  api: Api.Any,
  options: Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | EventStore.EventStore | ViewStore.ViewStore | Authenticator> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const operations = operationsOf(api, optionsOf(options, yield* developing))
      const provided = provideServices(yield* servicesUntilClosed<Services | Authenticator>())
      const handle = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        isOwnOrigin(request, options.origins)
          ? Effect.scoped(connected(operations, request, options))
          : Effect.succeed(HttpServerResponse.empty({ status: 403 }))
      )
      const answered = answeringAll(
        // A client that does not ask for a socket, or whose socket has gone before it was open.
        Effect.orElseSucceed(handle, () => HttpServerResponse.empty({ status: 426 }))
      )
      const { path = "/graphql/ws" } = options
      yield* answeringBelow(router, { roots: [path], taken: [{ method: "GET", path }] })
      yield* router.add("GET", path, provided(answered))
    })
  )

// A program sends no origin, and a page always does.
const isOwnOrigin = ({ headers }: HttpServerRequest.HttpServerRequest, origins: Options["origins"]): boolean => {
  const origin = headers["origin"]
  if (origin === undefined) return true
  if (origins !== undefined) return origins.includes(origin)
  return URL.canParse(origin) && new URL(origin).host === headers["host"]
}

/** The codes with which a socket is closed, as graphql-ws and WebSocket define them. */
const codes = { away: 1001, tooBig: 1009, internal: 1011, later: 1013, unauthorized: 4401 }

const connected = (operations: Operations, request: HttpServerRequest.HttpServerRequest, options: Options) =>
  Effect.gen(function* () {
    const { connectionInitTimeout = "3 seconds", keepAlive = "12 seconds" } = options
    const { maxMessageBytes = 1 << 20, maxOperations = 100 } = options
    const protocol = handleProtocols(request.headers["sec-websocket-protocol"] ?? "")
    const socket = yield* request.upgrade
    const { write } = yield* socket.writer
    const pull = yield* Socket.readerString(socket)
    const services = yield* Effect.context<Services | Authenticator | Closing>()
    const fibers = yield* FiberSet.make()
    const run = yield* FiberSet.runtimePromise(fibers)<Services | Authenticator | Closing>()
    const identity = yield* Deferred.make<Identified>()
    const correlationId = yield* Effect.orElseSucceed(correlationIn(request.headers), () => undefined)
    const gone = yield* Deferred.make<void>()
    let isOpen = true
    const close = (code: number, reason: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (!isOpen) return Effect.void
        isOpen = false
        const written = Effect.ignore(write(new Socket.CloseEvent(code, reason)))
        return Effect.andThen(written, Effect.asVoid(Deferred.succeed(gone, undefined)))
      })
    const prepared = new WeakMap<object, Prepared>()
    let running = 0
    const ended = Effect.sync(() => {
      running--
    })

    const server = makeServer<Readonly<Record<string, unknown>>, undefined>({
      schema: operations.schema,
      connectionInitWaitTimeout: Duration.toMillis(connectionInitTimeout),
      onConnect: ({ connectionParams }) =>
        run(
          identified({ headers: headersWith(request, connectionParams) }).pipe(
            Effect.flatMap((found) => Deferred.succeed(identity, found)),
            Effect.catch((failure) =>
              failure._tag === "Unauthenticated"
                ? Effect.as(close(codes.unauthorized, "the credentials are refused"), false)
                : Effect.as(close(codes.later, "try again"), false)
            )
          )
        ),
      onSubscribe: async ({ connectionParams }, _, payload) => {
        if (running >= maxOperations) {
          return [errorWith("BAD_USER_INPUT", `a socket has up to ${maxOperations} operations`)]
        }
        running++
        // As over HTTP, each operation is one request of the caller, who may ask too often.
        const found = await run(
          identified({ headers: headersWith(request, connectionParams) }).pipe(
            Effect.catch((failure) => Effect.flatMap(errorOf(failure), (error) => Effect.fail([error]))),
            Effect.flatMap((found) => operations.prepare(requestIn(payload), { ...found, correlationId })),
            Effect.result
          )
        )
        if (found._tag === "Failure") {
          running--
          return found.failure
        }
        const { document, operationName } = found.success
        const args = { schema: operations.schema, document, ...(operationName === undefined ? {} : { operationName }) }
        prepared.set(args, found.success)
        return args
      },
      execute: (args) => run(Effect.ensuring(prepared.get(args)!.execute, ended)) as Promise<ExecutionResult>,
      subscribe: async (args) => {
        const results = await run(prepared.get(args)!.subscribe)
        if (Stream.isStream(results)) return iterated(results, services, () => running--) as never
        running--
        return results as ExecutionResult
      },
      onError: (_, __, ___, errors) => run(presented(errors)),
      // What is answered has been made for clients already.
      onNext: (_, __, ___, ____, result) => result as FormattedExecutionResult
    })

    let receive: (message: string) => Promise<void> = () => Promise.resolve()
    const closed = server.opened(
      {
        protocol: protocol || "",
        send: (data) => run(Effect.ignore(write(data))),
        close: (code, reason) => Effect.runPromise(close(code ?? 1000, reason ?? "")),
        onMessage: (listener) => {
          receive = listener
        }
      },
      undefined
    )
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        FiberSet.clear(fibers),
        Effect.promise(() => closed())
      )
    )
    // Operations that run leave room for short messages: with them a client completes operations.
    const room = yield* Semaphore.make(maxOperations + shortMessages)
    const handled = (message: string) =>
      Effect.tryPromise(() => receive(message)).pipe(
        Effect.catch((failure) =>
          Effect.andThen(
            Effect.logError("hexfold: a message of a socket could not be handled", failure),
            close(codes.internal, "the service has failed")
          )
        ),
        Effect.ensuring(Semaphore.release(room, 1))
      )
    let isHeard = true
    let isFull = false
    const roomForOne = Effect.suspend(() => {
      isFull = true
      return Effect.andThen(
        Semaphore.take(room, 1),
        Effect.sync(() => {
          isFull = false
        })
      )
    })
    const received = (message: string) => {
      isHeard = true
      return isLonger(message, maxMessageBytes)
        ? close(codes.tooBig, "the message is too long")
        : // Whoever sends more than is handled is not read meanwhile.
          Effect.andThen(roomForOne, Effect.forkScoped(handled(message)))
    }
    // A socket takes all that is written, and keeps it while its client does not read. A client that reads answers a ping,
    // which is not seen while there is no room for messages.
    const pinging = Effect.gen(function* () {
      while (isHeard || isFull) {
        isHeard = false
        yield* Effect.timeoutOption(Effect.ignore(write(ping)), keepAlive)
        yield* Effect.sleep(keepAlive)
      }
      yield* close(codes.later, "there is no answer to a ping")
    })
    const reading = Effect.forever(
      Effect.flatMap(pull, (messages) => Effect.forEach(messages, received, { discard: true }))
    )
    const ending = Effect.flatMap(Deferred.await(identity), ({ until }) => Effect.flatten(endOf(until)))
    const closing = Effect.flatten(endOf(undefined))
    yield* Effect.raceFirst(
      Effect.raceFirst(
        Effect.raceFirst(Effect.ignore(reading), Effect.andThen(pinging, Effect.never)),
        Deferred.await(gone)
      ),
      Effect.race(
        Effect.andThen(closing, close(codes.away, "the server goes away")),
        Effect.andThen(ending, close(codes.unauthorized, "the credentials have ended"))
      )
    )
    return HttpServerResponse.empty()
  })

const ping = JSON.stringify({ type: "ping" })

/** How many messages of a socket may be handled besides its operations. */
const shortMessages = 16

// A character has up to three bytes.
const isLonger = (message: string, bytes: number): boolean =>
  message.length > bytes || (message.length * 3 > bytes && new TextEncoder().encode(message).length > bytes)

// A subscription ends once: by itself, or because its client completes it, which may be before it has begun.
const iterated = <A, R>(
  results: Stream.Stream<A, never, R>,
  services: Context.Context<R>,
  ended: () => void
): AsyncIterableIterator<A> => {
  const iterator = Stream.toAsyncIterableWith(results, services)[Symbol.asyncIterator]()
  let isRunning = true
  const watched = async (step: Promise<IteratorResult<A>>): Promise<IteratorResult<A>> => {
    let isLast = true
    try {
      const result = await step
      isLast = result.done === true
      return result
    } finally {
      if (isLast && isRunning) {
        isRunning = false
        ended()
      }
    }
  }
  const generator = {
    ...iterator,
    next: () => watched(iterator.next()),
    return: (value?: unknown) => watched(iterator.return!(value)),
    [Symbol.asyncIterator]: () => generator
  } as AsyncIterableIterator<A>
  return generator
}

// A proxy may set headers that a client must not. So of the parameters only the token counts.
const headersWith = (
  { headers }: HttpServerRequest.HttpServerRequest,
  params: Readonly<Record<string, unknown>> = {}
): Readonly<Record<string, string | undefined>> => {
  const given = Object.entries(params).find(([name]) => name.toLowerCase() === "authorization")?.[1]
  return typeof given === "string" ? { ...headers, authorization: given } : headers
}

const requestIn = ({ operationName, query, variables }: SubscribePayload) => ({
  query,
  ...(typeof operationName === "string" ? { operationName } : {}),
  ...(typeof variables === "object" && variables !== null ? { variables } : {})
})
