/** Handles parked events again. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { aggregateOf, type StreamId } from "../../../domain/StreamId.ts"
import type { Consumer } from "../../../domain/view/consumer.ts"
import type { DeadLetter, DeadLetterOptions } from "../../../ports/deadLetter.ts"
import { type CommitConflict, EventStoreError, type ViewStoreError } from "../../../ports/errors.ts"
import { EventStore, type Position, type RecordedEvent } from "../../../ports/EventStore.ts"
import { currentOf, isOfAnother } from "../../../ports/generation.ts"
import { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import { Corrupt } from "../../../ports/Reason.ts"
import { ViewStore } from "../../../ports/ViewStore.ts"
import { decodeCandidate } from "../../views/decoding.ts"
import { DefinitionDiffers } from "../../views/errors.ts"
import { partOf } from "../../views/partOf.ts"
import * as Appended from "../../events/appended.ts"
import { soonAgain } from "../../projections/retryKey.ts"
import { warnOfDeadLetter } from "../../projections/worker/reports.ts"
import type { ReactionFailed } from "../errors.ts"
import { deliver, type Delivering } from "./delivery.ts"
import * as metrics from "./metrics.ts"
import type { Settings } from "./options.ts"
import type { Reaction } from "./reaction.ts"

/** The dead letters of a consumer, by position and key. They are read page by page, each page as it is at that moment. */
export const deadLetters = (
  consumer: Consumer,
  options: Omit<DeadLetterOptions, "limit"> = {}
): Stream.Stream<DeadLetter, ViewStoreError, ProjectionStore | ViewStore> =>
  Stream.paginate(options.after, (after) =>
    Effect.gen(function* () {
      const { deadLetters } = yield* ProjectionStore
      const current = currentOf(consumer, yield* (yield* ViewStore).status)
      if (current === undefined) return [[], Option.none()] as const
      const place = after === undefined ? {} : { after }
      const page = yield* deadLetters(current, { ...options, ...place, limit: pageSize })
      const next = page.length < pageSize ? Option.none<DeadLetter | undefined>() : Option.some(page.at(-1))
      return [page, next] as const
    })
  )

const pageSize = 1_000

/** Whether events of a key are parked. */
export const isParked = (
  consumer: Consumer,
  key: string
): Effect.Effect<boolean, ViewStoreError, ProjectionStore | ViewStore> =>
  Effect.map(Stream.runHead(deadLetters(consumer, { key, parked: true })), Option.isSome)

/**
 * Handles an event once more, wherever the owner has come to. Gives why it cannot be handled. It is for a handler that does
 * nothing if it has handled the event before.
 */
export const handleNow = (
  reaction: Reaction,
  recorded: RecordedEvent,
  settings: Pick<Settings, "retry">
): Effect.Effect<ReactionFailed | undefined> => {
  const { decoded } = decodeCandidate(reaction.consumer, recorded)
  const parts = Result.isFailure(decoded) ? [] : decoded.success.parts
  const failure = Result.isFailure(decoded) ? decoded.failure : undefined
  return deliver(
    { recorded, parts, isSplit: parts.length > 1, keys: parts.flatMap(({ keys }) => keys), failure },
    {
      ...besideTheOwner,
      reaction: { ...reaction, onPoison: "stop" },
      settings,
      history: 1
    }
  ).pipe(Effect.map(({ failed }) => failed))
}

/** How an event is delivered outside of the order of the owner: at once, and its caller gets the failure. */
const besideTheOwner: Pick<Delivering, "isParked" | "attempt" | "failing"> = {
  isParked: () => false,
  attempt: (handling) => handling,
  failing: () => Effect.void
}

/** What another try for the parked events of a key has come to. */
export interface Retried {
  readonly handled: number
  /** The first event that still cannot be handled. */
  readonly failed: DeadLetter | undefined
}

/** Why parked events cannot be tried again. */
export type RetryFailure = CommitConflict | DefinitionDiffers | EventStoreError | ViewStoreError

/**
 * Handles the parked events of a key, in order, up to the first one that fails again or to the end.
 *
 * Why the key's order is kept. (1) While a dead letter of the key is there, the owner handles no event of the key: later
 * ones wait behind it. (2) A dead letter is removed when its handler has succeeded, one after the other. (3) A commit of
 * the owner that lets an event wait behind a dead letter that has just gone is refused. Of two retries at once, one finds
 * that the dead letter has gone.
 */
export const retryKey = (
  reaction: Reaction,
  key: string,
  settings: Pick<Settings, "retry">
): Effect.Effect<Retried, RetryFailure, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const { consumer } = reaction
    const store = yield* ProjectionStore
    const views = yield* ViewStore
    const presentOf = Effect.flatMap(views.status, (all) => {
      const current = currentOf(consumer, all)
      if (!isOfAnother(consumer, current)) return Effect.succeed(current)
      const { fingerprint: own, name: view, version } = consumer
      return Effect.fail(new DefinitionDiffers({ view, version, stored: current!.fingerprint!, own }))
    })
    const first = Effect.gen(function* () {
      const current = yield* presentOf
      if (current === undefined) return undefined
      // An order may be what lets the events before it be handled.
      const isOrder = ({ stream }: DeadLetter) => aggregateOf(stream as StreamId) === reaction.orders
      const limit = reaction.orders === undefined ? 1 : pageSize
      const letters = yield* store.deadLetters(current, { key, parked: true, limit })
      return letters.find(isOrder) ?? letters[0]
    })
    /** Replaces the dead letter, or removes it, wherever the owner has come to meanwhile. False if it has gone. */
    const settle = (letter: DeadLetter, { appended, still }: Again) =>
      Effect.gen(function* () {
        const current = yield* presentOf
        const present = yield* first
        if (current === undefined || present?.position !== letter.position) return false
        const part = partOf(key, current.parts.length)
        const { epoch, position } = current.parts[part]!
        const records = Appended.changesOfRetry(yield* store.load(current, Appended.keysOfRetry), appended)
        yield* store.commit({
          owner: { generation: current, part, epoch },
          from: position,
          to: position,
          records,
          deadLetters: still === undefined ? { put: [], remove: [letter] } : { put: [still], remove: [] }
        })
        return true
      }).pipe(Effect.retry({ schedule: soonAgain, while: (error) => error._tag === "CommitConflict" }))

    let handled = 0
    for (;;) {
      const letter = yield* first
      if (letter === undefined) return { handled, failed: undefined }
      const again = yield* handleAgain(reaction, letter, settings)
      const { still } = again
      const isSettled = yield* settle(letter, again)
      if (still !== undefined) {
        if (isSettled) yield* warnOfDeadLetter(consumer, still)
        return { handled, failed: still }
      }
      if (isSettled) handled++
      metrics.of(consumer.name).commit({ handled: isSettled ? 1 : 0, skipped: 0, parked: 0 }, yield* Effect.context())
    }
  })

/** What the handling of a parked event has come to. */
interface Again {
  /** The dead letter that stays if it has failed again. */
  readonly still: DeadLetter | undefined
  /** The last event that its handler has appended. */
  readonly appended: Position | undefined
}

/** Handles the event of a dead letter. */
const handleAgain = (reaction: Reaction, letter: DeadLetter, settings: Pick<Settings, "retry">) =>
  Effect.gen(function* (): Effect.fn.Return<Again, EventStoreError, EventStore> {
    const { consumer } = reaction
    const { error, history, key, stream, streamVersion } = letter
    const store = yield* EventStore
    const found = yield* Stream.runHead(store.readStream(stream as StreamId, { after: streamVersion - 1, limit: 1 }))
    if (Option.isNone(found)) {
      const detail = `${consumer.name}: event ${streamVersion} of ${stream} is parked, but the store does not have it`
      return yield* new EventStoreError({ operation: "readStream", reason: new Corrupt({ detail }) })
    }
    const { decoded, recorded } = decodeCandidate(consumer, found.value)
    const all = Result.isFailure(decoded) ? [] : decoded.success.parts
    const isSplit = all.length > 1
    const own = all.filter(({ keys }) => keys.includes(key))
    // In a version with other keys the event is of another one. If it has become several, nobody knows which of them wait.
    const isRekeyed = own.length === 0 && all.some(({ keys }) => keys.length > 0)
    if (isRekeyed && isSplit) {
      const cause = `no part of the event has the key ${key} in version ${consumer.version}`
      return { appended: undefined, still: { ...letter, error: { step: "key", cause }, at: yield* DateTime.now } }
    }
    const parts = (isRekeyed ? all : own).filter(({ envelope }) => envelope.part >= (error?.part ?? 0))
    const failure = Result.isFailure(decoded) ? decoded.failure : undefined
    const unit = { recorded, parts, isSplit, keys: [key], failure }
    const { appended, deadLetters, failed } = yield* deliver(unit, {
      ...besideTheOwner,
      // An event that stops the reactor elsewhere is parked already here.
      reaction: { ...reaction, onPoison: "park" },
      settings,
      history
    })
    if (failed !== undefined) {
      const { message: cause, part, step } = failed
      const error = { step, cause, ...(part === undefined ? undefined : { part }) }
      return { appended, still: { ...letter, error, at: yield* DateTime.now } }
    }
    return { appended, still: deadLetters[0] }
  })
