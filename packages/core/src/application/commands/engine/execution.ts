import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spanIf } from "../../../internal/tracing.ts"
import type { EventStore, RepeatedPart } from "../../../ports/EventStore.ts"
import type { ExecuteError } from "../options.ts"
import type { States } from "../StateCache.ts"
import { appendOf, recordedEvents } from "./appendOf.ts"
import type { CommandContext } from "./commandContext.ts"
import type { CommandPlan, LoadedStream } from "./commandPlan.ts"
import { inSpan } from "./commandSpan.ts"
import { decide, type DecidedPart } from "./contention/decision.ts"
import { Group } from "./contention/group.ts"
import { type Answer, Member, type Policies } from "./contention/member.ts"
import { contentionOf } from "./contention/queues.ts"
import { isConflict, isStoreError } from "./failures.ts"
import { advance, foldSlices, hasGoneBack } from "./loading.ts"
import { readFrom } from "./snapshotReads.ts"

/**
 * Executes a command: reads its streams, folds them, decides, appends. The append
 * is conditional on the versions of all streams that were read. A decision that
 * leaves no trace in the store, because it rejects the command or adds no events,
 * is made on states of one moment.
 *
 * Commands of one process that name the same streams queue for them in memory.
 * One that finds its streams free makes its first attempt at once, in its caller's
 * fiber. All that wait for its streams are then decided together, as a group.
 */
export const run = <Error, Receipt>(
  plan: CommandPlan<Error, Receipt>,
  options: Policies,
  context: CommandContext
): Effect.Effect<Receipt, Error | ExecuteError, EventStore> =>
  context.traced
    ? inSpan(plan, options, (inner) => new Execution(plan, options, inner))
    : new Execution(plan, options, context).run()

/**
 * What the states of an attempt come from. Only those of one moment were
 * certainly true together; the others may be older than each other. A guess is
 * that the stream is new.
 */
type Evidence = "nothing" | "one moment" | "several" | "remembered" | "guess"

/** The evidence after one more read of the store. */
const withRead = (evidence: Evidence): Evidence =>
  evidence === "nothing" ? "one moment" : evidence === "one moment" ? "several" : evidence

// A class, because every command makes one. With a closure for each step a command in memory takes an eighth longer.
/** A command in its caller's fiber. It makes the first attempt by itself; a group of one goes on after it. */
class Execution<Error, Receipt> extends Member<Error, Receipt> {
  private evidence: Evidence = "nothing"
  private isAppending = false
  /** Where the states of this command are remembered: a cache, or where one of them was found. */
  private remembering: States | undefined = this.context.states
  /** The history of the log that the states come from; undefined if none was read. */
  private history: number | undefined
  private held: ReadonlyArray<string> | undefined

  run(): Answer<Error, Receipt> {
    // The queue would be wrong in a caller's transaction. It keeps its locks after the command, so a command that it runs
    // later could wait for one that waits for these locks.
    return this.context.joined ? this.alone() : this.enter()
  }

  protected enter(): Answer<Error, Receipt> {
    return Effect.onExitPrimitive(
      Effect.suspend(() => this.queue()),
      () => this.release()
    )
  }

  private queue(): Answer<Error, Receipt> {
    const streams = this.plan.streams()
    const { contested, queue } = contentionOf(this.context.store)
    if (queue.take(streams)) {
      this.held = streams
      this.isContended ||= contested.has(streams)
      return this.attempts === 0 && !this.isContended ? this.alone() : this.inGroup((group) => group.run())
    }
    return Effect.flatten(
      Effect.callback<Answer<Error, Receipt>>((resume) => {
        this.answer = undefined
        this.wake = () => resume(Effect.succeed(this.answer!))
        this.isContended = true
        const takeBack = queue.submit(streams, this)
        return Effect.sync(() => {
          if (takeBack()) return
          this.isGone = true
          this.leave?.()
        })
      })
    )
  }

  private release(): undefined {
    const { held } = this
    this.held = undefined
    if (held !== undefined) contentionOf(this.context.store).queue.release(held)
  }

  private alone(): Answer<Error, Receipt> {
    return Effect.catchCause(this.attempt(), (cause) => this.goOnAfter(cause))
  }

  private goOnAfter(cause: Cause.Cause<Error | ExecuteError>): Answer<Error, Receipt> {
    if (this.outcome !== undefined || Cause.hasInterrupts(cause)) return Effect.failCause(cause)
    const error = Cause.squash(cause)
    if (!isConflict(error) && !isStoreError(error)) return this.failed(cause)
    // That the stream is new was only a guess.
    if (isConflict(error) && this.evidence === "guess") return this.again()
    const read = { streams: this.streams, history: this.history }
    return this.inGroup((group) => group.goOnAfter(cause, this.isAppending, read))
  }

  /** Decides again on states of one moment. */
  private confirm(): Answer<Error, Receipt> {
    this.unconfirmed = this.streams.map(({ streamId, version }) => ({ streamId, version }))
    return this.again()
  }

  /** Decides again on what is read. */
  private again(): Answer<Error, Receipt> {
    return this.inGroup((group) => group.goOn({ streams: this.streams, history: this.history }))
  }

  /** Forgets what was read or remembered, because the store has lost commits. */
  private startOver(): Answer<Error, Receipt> {
    return this.inGroup((group) => group.startOver())
  }

  /** Goes on as a group of one. */
  private inGroup(run: (group: Group) => Effect.Effect<void>): Answer<Error, Receipt> {
    this.wake = undefined
    return Effect.flatMap(run(new Group([this], contentionOf(this.context.store).contested)), () => {
      this.release()
      return this.answer!
    })
  }

  private attempt(): Answer<Error, Receipt> {
    this.decides()
    const begun = this.plan.begin()
    if (Result.isFailure(begun)) return this.refused(begun.failure)
    this.streams = begun.success
    return this.enterStreams(begun.success)
  }

  /** Takes in streams that are new in this attempt. Remembered states, and a guess, are trusted without a read. */
  private enterStreams(fresh: ReadonlyArray<LoadedStream>): Answer<Error, Receipt> {
    const { joined, recent } = this.context
    const states = this.remembering ?? recent
    let unknown = fresh
    if (states?.history() !== undefined) {
      unknown = fresh.filter((stream) => {
        const remembered = states.get(stream.streamId, stream.source)
        if (remembered === undefined) return true
        stream.state = remembered.state
        stream.version = remembered.version
        return false
      })
      if (unknown.length < fresh.length) {
        this.evidence = "remembered"
        this.remembering = states
        const history = states.history()
        if (this.history !== undefined && this.history !== history) return this.startOver()
        this.history = history
      }
      if (unknown.length === 0) return this.proceed()
    }
    if (this.plan.expectsNew && !joined) {
      this.evidence = "guess"
      return this.proceed()
    }
    return this.read(unknown)
  }

  private read(wanted: ReadonlyArray<LoadedStream>): Answer<Error, Receipt> {
    const { snapshots, store, traced } = this.context
    const reading = readFrom(
      {
        snapshots,
        ask: (requests) => spanIf(traced, store.readStreams(requests, this.plan.key), "EventStore.readStreams")
      },
      wanted
    )
    return Effect.flatMap(reading, (read) => {
      const { appended, history, streams } = read
      const isAnother = this.history !== undefined && this.history !== history
      if (isAnother || hasGoneBack(wanted, streams)) return this.startOver()
      this.history = history
      this.evidence = withRead(this.evidence)
      if (appended !== undefined) {
        this.repeat = appended
        const receipt = this.plan.repeated(appended)
        if (receipt !== undefined) return this.repeatedAs(receipt)
      }
      const undecodable = foldSlices(wanted, read, this.remembering, this.context)
      return undecodable === undefined ? this.proceed() : Effect.fail(undecodable)
    })
  }

  /** All streams so far are known: goes on to those that follow from them, and decides if there are no more. */
  private proceed(): Answer<Error, Receipt> {
    const { plan, repeat } = this
    if (plan.discover !== undefined) {
      const found = plan.discover()
      if (Result.isFailure(found)) return this.isUncertain() ? this.confirm() : this.refused(found.failure)
      if (found.success.length > 0) {
        this.streams = this.streams.concat(found.success)
        return this.enterStreams(found.success)
      }
    }
    const repeated = repeat === undefined ? undefined : plan.repeated(repeat)
    return repeated === undefined ? this.decide() : this.repeatedAs(repeated)
  }

  /** Whether the states may never have been true together. */
  private isUncertain(): boolean {
    return this.evidence !== "one moment" && this.evidence !== "nothing"
  }

  private decide(): Answer<Error, Receipt> {
    const decided = decide(this)
    const addsEvents = decided.part !== undefined && decided.writes.length > 0
    if (!addsEvents && this.isUncertain()) return this.confirm()
    return decided.part === undefined ? decided.end() : this.append(decided)
  }

  private append({ part, writes }: DecidedPart<Error, Receipt>): Answer<Error, Receipt> {
    const { context, streams } = this
    const append = appendOf(streams, [part], this.history, this.evidence !== "guess")
    this.isAppending = true
    const appending = spanIf(context.traced, context.store.append(append), "EventStore.append")
    return Effect.flatMap(appending, (appended): Answer<Error, Receipt> => {
      if (appended._tag === "Repeated") return this.repeatedBy(appended.repeats[0]!.appended)
      const [done] = appended.parts
      advance(writes, done!, appended.history, this.remembering, context)
      return this.accepted(recordedEvents(done!, writes), done!.streams, appended.history)
    })
  }

  private repeatedBy(appended: RepeatedPart): Answer<Error, Receipt> {
    const receipt = this.plan.repeated(appended)
    return receipt === undefined ? this.again() : this.repeatedAs(receipt)
  }

  private repeatedAs(receipt: Result.Result<Receipt, ExecuteError>): Answer<Error, Receipt> {
    if (Result.isSuccess(receipt)) return this.repeated(receipt.success)
    // Remembered states may have led to other streams than those of the events.
    return this.evidence === "remembered" ? this.again() : this.failed(Cause.fail(receipt.failure))
  }
}
