/**
 * What every publisher does with a batch: it refuses what is not valid, keeps the order
 * of each key, repeats what may succeed, and ends in time. An adapter adds how one
 * message is sent once.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { idProblem, quote } from "../domain/texts.ts"
import { PublishError } from "./errors.ts"
import { copyJson, Problem } from "./jsonCopy.ts"
import type { Message, Outcome, Publisher } from "./Publisher.ts"
import { isRetryable, type Reason, Rejected, Timeout } from "./Reason.ts"

/** Why a message was not taken. */
export interface Failure {
  readonly reason: Reason
  /** The code of the receiver's answer. */
  readonly code?: number
  /** How long the receiver wants to be left alone. */
  readonly retryAfter?: Duration.Duration
}

/** How messages are sent. */
export interface Options {
  /**
   * Sends a message once. It succeeds when the receiver has said that it keeps the message. It can be interrupted, and
   * sends nothing after that. Messages of one key never overlap.
   */
  readonly send: (message: Message) => Effect.Effect<void, Failure>
  /** The most messages that are under way at the same time, in all calls together. */
  readonly concurrency: number
  /** How long a call may take. */
  readonly limit: Duration.Input
  /**
   * When a message is sent again within the call. A pause that the receiver asks for is kept, and ends the attempts if
   * it is longer than what is left of the call.
   */
  readonly retry: Schedule.Schedule<unknown, Failure>
}

/**
 * Makes a publisher of a function that sends one message.
 *
 * @example
 * ```ts
 * import { type Publisher, Reason } from "@hexfold/core"
 * import { PublisherBatch } from "@hexfold/core/adapter"
 * import { Effect, Schedule } from "effect"
 *
 * declare const write: (message: Publisher.Message) => Promise<void>
 *
 * const publisher = PublisherBatch.make({
 *   send: (message) =>
 *     Effect.tryPromise({
 *       try: () => write(message),
 *       catch: (cause) => ({ reason: new Reason.Unavailable({ detail: "the queue cannot be reached", cause }) })
 *     }),
 *   concurrency: 16,
 *   limit: "30 seconds",
 *   retry: Schedule.recurs(2)
 * })
 * ```
 */
export const make = (options: Options): Publisher["Service"] => {
  const { concurrency, send } = options
  const limit = Duration.fromInputUnsafe(options.limit)
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) throw new Error(`${concurrency} is not a concurrency`)
  if (!Duration.isFinite(limit) || Duration.toMillis(limit) <= 0) throw new Error("the limit of a call is not a time")
  const permits = Semaphore.makeUnsafe(concurrency)

  const publish = (given: ReadonlyArray<Message>): Effect.Effect<ReadonlyArray<Outcome>> =>
    Effect.gen(function* () {
      const messages = checked(given)
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(limit)
      const outcomes = new Array<Outcome | undefined>(given.length)
      // What is known of the messages that were begun.
      const attempts = new Array<number>(given.length).fill(0)
      const failures = new Map<number, Failure>()

      const failed = (index: number, failure: Failure): Outcome => ({
        _tag: "Failed",
        error: errorOf(given[index]!, failure, attempts[index]!)
      })

      const isInTime = ({ retryAfter }: Failure) =>
        retryAfter === undefined
          ? Effect.succeed(true)
          : Effect.map(Clock.currentTimeMillis, (now) => now + Duration.toMillis(retryAfter) < deadline)

      const sendOne = (message: Message, index: number): Effect.Effect<void, Failure> =>
        Effect.suspend(() => {
          attempts[index]!++
          return send(message)
        }).pipe(
          // A message that waits for its next attempt holds no permit.
          permits.withPermits(1),
          Effect.tapError((failure) => Effect.sync(() => failures.set(index, failure))),
          Effect.retry({
            schedule: patient(options.retry),
            while: (failure) => (isRetryable(failure.reason) ? isInTime(failure) : false)
          })
        )

      // The messages of a key one after the other: a later one begins after the one before was taken, and the first
      // failure ends the loop. Keys share nothing but the permits, so none stops for the failure of another one.
      const sendKey = (indexes: ReadonlyArray<number>) =>
        Effect.gen(function* () {
          for (const index of indexes) {
            const message = messages[index]!
            const failure =
              message instanceof Problem
                ? { reason: new Rejected({ detail: message.text }) }
                : yield* Effect.match(sendOne(message, index), {
                    onSuccess: () => undefined,
                    onFailure: (each) => each
                  })
            if (failure !== undefined) {
              outcomes[index] = failed(index, failure)
              return
            }
            outcomes[index] = { _tag: "Taken" }
          }
        })

      const keys = [...Map.groupBy(given.keys(), (index) => keyOf(given[index]!)).values()]
      yield* Effect.timeoutOption(Effect.forEach(keys, sendKey, { concurrency: "unbounded", discard: true }), limit)

      for (const indexes of keys) {
        let behind: number | undefined
        for (const index of indexes) {
          const isBegun = attempts[index]! > 0
          outcomes[index] ??=
            behind !== undefined
              ? { _tag: "Held", behind }
              : isBegun
                ? failed(index, failures.get(index) ?? { reason: lateAfter(limit) })
                : { _tag: "Held" }
          if (outcomes[index]._tag !== "Taken") behind ??= index
        }
      }
      return outcomes.map((outcome) => outcome!)
    })

  return { publish }
}

const lateAfter = (limit: Duration.Duration) =>
  new Timeout({ detail: `the receiver did not answer before the call had taken ${Duration.format(limit)}` })

/** The schedule with the pauses that the receiver asks for. */
const patient = (schedule: Schedule.Schedule<unknown, Failure>): Schedule.Schedule<unknown, Failure> =>
  Schedule.fromStep(
    Effect.map(
      Schedule.toStep(schedule),
      (step) => (now: number, failure: Failure) =>
        Effect.map(step(now, failure), ([output, delay]) => [
          output,
          failure.retryAfter === undefined ? delay : Duration.max(delay, failure.retryAfter)
        ])
    )
  )

const errorOf = ({ id, publication }: Message, failure: Failure, attempts: number): PublishError =>
  new PublishError({ publication: String(publication), messageId: String(id), attempts, ...failure })

// A publication that is valid has no space.
const keyOf = ({ key, publication }: Message): string => `${publication} ${key}`

/** The messages as they are sent, or what is wrong with them. */
const checked = (messages: ReadonlyArray<Message>): ReadonlyArray<Message | Problem> => {
  const seen = new Map<string, number>()
  return messages.map((message, index) => {
    const problem = problemOf(message)
    if (problem !== undefined) return new Problem(problem)
    const name = `${message.source} ${message.id}`
    const first = seen.get(name)
    if (first !== undefined) return new Problem(`its id is that of the message with the index ${first}`)
    seen.set(name, index)
    const body = copyJson(message.body, 0)
    return body instanceof Problem ? new Problem(`the body${body.text}`) : { ...message, body }
  })
}

const problemOf = (message: Message): string | undefined => {
  const { id, publication, schemaVersion, source } = message
  if (!isText(id, /^[!-~]{1,200}$/) || id.includes(".")) {
    return `the id ${quote(id)} is not 1 to 200 visible characters of ASCII without "."`
  }
  if (!isText(source, /^[!-~]{1,1000}$/)) {
    return `the source ${quote(source)} is not 1 to 1,000 visible characters of ASCII`
  }
  if (!isText(publication, /^[A-Za-z][\w-]*(?:\.[\w-]+)*$/) || publication.length > 100) {
    return `the publication ${quote(publication)} is not up to 100 letters, digits, "_" and "-" with "." between them, beginning with a letter`
  }
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1 || schemaVersion > 32_767) {
    return `the schema version ${schemaVersion} is not a whole number from 1 to 32,767`
  }
  for (const name of ["type", "key", "correlationId", "causationId"] as const) {
    const problem = idProblem(name, message[name])
    if (problem !== undefined) return problem
  }
  return undefined
}

const isText = (text: string, pattern: RegExp): boolean => typeof text === "string" && pattern.test(text)
