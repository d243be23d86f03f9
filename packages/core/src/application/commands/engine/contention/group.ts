import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { StreamId } from "../../../../domain/StreamId.ts"
import { ConcurrencyConflict, type EventStoreError } from "../../../../ports/errors.ts"
import type { Repeated } from "../../../../ports/EventStore.ts"
import * as Expectation from "../../../../ports/Expectation.ts"
import { recordedEvents } from "../appendOf.ts"
import type { CommandContext } from "../commandContext.ts"
import type { LoadedStream } from "../commandPlan.ts"
import { isConflict, isKey, isRefused, isReused, isStoreError, onlyError } from "../failures.ts"
import { Attempt, MoreStreams } from "./attempt.ts"
import type { Contested } from "./contested.ts"
import type { DecidedPart } from "./decision.ts"
import { Losses } from "./losses.ts"
import { type Answer, type End, lookedUp, type Member } from "./member.ts"
import { StreamStates, type Taken } from "./streamStates.ts"

/** After so many lost races in a row the streams are locked before they are read. */
const optimisticRaces = 2
/** How often locks are extended by streams that were discovered under them. */
const mostExtensions = 3
/** The longest pause in milliseconds for which a group keeps its streams after a conflict. */
const longestHeld = 1_000

/**
 * Commands that are decided together, until each of them has an answer. A group
 * holds the streams that its commands name, so no other command of this process
 * works on them. Commands of other processes may: then the append conflicts, and
 * only newer events are read. After two lost races in a row the streams are locked
 * first, so the next append does not conflict. The next groups on these streams
 * then lock them at once.
 *
 * Why each answer is right. A receipt comes from an append that has succeeded. A
 * rejection, and a decision without events, is answered after the append of the
 * same attempt, whose conditions confirm every stream that was read; without an
 * append only if the states of that command come from one read.
 */
export class Group {
  private readonly members: Set<Member>
  private readonly context: CommandContext
  private readonly states: StreamStates
  private readsAll: boolean
  private isOneByOne = false
  /** How many races in a row were lost; undefined before the first one. */
  private lostRaces: number | undefined
  private extensions = 0
  private readonly losses = new Losses()
  private readonly further = new Set<StreamId>()
  private readonly contested: Contested
  private needsLocks = false

  constructor(members: ReadonlyArray<Member>, contested: Contested) {
    this.contested = contested
    this.members = new Set(members)
    this.context = members[0]!.context
    const caches = new Set(members.flatMap((member) => member.cache ?? []))
    this.states = new StreamStates(this.context, [...caches])
    // Remembered states are trusted without a read, but only in the first attempt.
    this.readsAll = members.some(({ attempts }) => attempts > 0)
  }

  /** Takes a command out whose caller was interrupted; returns whether others are left. */
  leave(member: Member): boolean {
    this.members.delete(member)
    return this.members.size > 0
  }

  /** Ends the commands that have no answer, which only an end of the whole program leaves. */
  end(exit: Exit.Exit<void>): void {
    for (const member of this.members) this.reply(member, Exit.isFailure(exit) ? exit : Effect.interrupt)
  }

  /** Goes on with the only command after its first attempt, which was made on these states. */
  goOn(states: Taken): Effect.Effect<void> {
    this.states.takeOver(states)
    this.readsAll = true
    return this.run()
  }

  /** Like {@link goOn}, after the first attempt has failed. */
  goOnAfter(cause: Cause.Cause<unknown>, isAppending: boolean, states: Taken): Effect.Effect<void> {
    this.states.takeOver(states)
    const members = [...this.members]
    const parts = isAppending ? members.map((member) => ({ member })) : []
    return Effect.andThen(this.failed(cause, members, parts), this.run())
  }

  /** Goes on with the only command after its first attempt has seen that the store has lost commits. */
  startOver(): Effect.Effect<void> {
    this.states.startOver()
    this.readsAll = true
    return this.run()
  }

  run(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (this.members.size > 0) {
        // Where others have just won, the first race of these commands would mostly be lost as well.
        this.lostRaces ??= this.contested.locksFirst(() => this.namesOf()) ? optimisticRaces : 0
        const members = [...this.members]
        const locked = this.locks()
        // What is remembered may be older than what is locked.
        const readsAll = this.readsAll || locked !== undefined
        this.readsAll = false
        const attempt = new Attempt(this.isOneByOne ? members.slice(0, 1) : members, this.states, this.context, {
          readsAll,
          locked,
          reply: (member, answer) => this.reply(member, answer),
          lost: (error, members) => this.lost(error, members)
        })
        const exit = yield* Effect.exit(locked === undefined ? attempt.run() : this.underLocks(attempt, [...locked]))
        const { decided, parts } = attempt
        if (Exit.isSuccess(exit)) yield* this.settle(attempt)
        else yield* this.failed(exit.cause, parts.length > 0 ? membersOf(decided) : attempt.members, parts)
      }
    })
  }

  private reply(member: Member, answer: Answer<unknown, unknown>): void {
    if (this.members.delete(member)) member.reply(answer)
  }

  /** The streams to lock first; undefined if the next attempt is optimistic. */
  private locks(): ReadonlySet<StreamId> | undefined {
    const { joined, locks } = this.context
    if ((this.lostRaces ?? 0) < optimisticRaces || locks === undefined || joined) return undefined
    return this.namesOf()
  }

  /** The streams that the commands are known to need. */
  private namesOf(): Set<StreamId> {
    const streams = new Set(this.further)
    for (const { plan, streams: seen } of this.members) {
      const begun = plan.begin()
      for (const { streamId } of seen) streams.add(streamId)
      if (Result.isSuccess(begun)) for (const { streamId } of begun.success) streams.add(streamId)
    }
    return streams
  }

  private underLocks(attempt: Attempt, streams: ReadonlyArray<StreamId>) {
    const ids = attempt.members.flatMap(({ plan: { key } }) => (key === undefined ? [] : [key.id]))
    const holding = this.context.locks!.hold(streams, [...new Set(ids)], attempt.run())
    return Effect.andThen(this.states.prepare(attempt.members), holding)
  }

  /** Answers the commands of an attempt whose append, if there was one, has committed. */
  private settle(attempt: Attempt): Effect.Effect<void> {
    const { appended, decided, parts } = attempt
    this.losses.end()
    if (appended?._tag === "Repeated") return Effect.sync(() => this.settleRepeats(parts, appended))
    if (this.needsLocks && this.context.locks !== undefined)
      this.contested.add(membersOf(decided).flatMap(({ streams }) => streams.map(idOf)))
    this.needsLocks = false
    this.extensions = 0
    // The commands that the append had no room for race anew. `namesOf` begins commands anew, so it runs after the answers.
    this.lostRaces = undefined
    if (appended !== undefined) this.states.commit(appended.history)
    for (let i = 0; i < parts.length; i++) {
      const { member, writes } = parts[i]!
      const { history, parts: done } = appended!
      const { streams } = done[i]!
      const events = recordedEvents(done[i]!, writes)
      if (this.members.has(member)) this.reply(member, member.accepted(events, streams, history))
    }
    return Effect.forEach(
      decided,
      (each) => {
        if (each.part !== undefined || !this.members.has(each.member)) return Effect.void
        return appended !== undefined || this.states.areOfOneMoment(each.member.streams)
          ? this.conclude(each.member, each.end, attempt.hasLookedUp)
          : this.confirm(each.member)
      },
      { concurrency: "unbounded", discard: true }
    )
  }

  /** Answers the commands that were executed before; the others are decided again. */
  private settleRepeats(parts: ReadonlyArray<DecidedPart>, { repeats }: Repeated): void {
    for (const { appended, part } of repeats) {
      const { member } = parts[part]!
      const receipt = member.plan.repeated(appended)
      if (receipt !== undefined && Result.isSuccess(receipt)) this.reply(member, member.repeated(receipt.success))
      else if (!member.looksUp && !this.states.areOfOneMoment(member.streams)) {
        // States that are not the store's may have led to other streams than those of the events.
        member.looksUp = true
        this.readsAll = true
      } else if (receipt === undefined) {
        this.reply(
          member,
          member.died(new Error(`the events of the command ${member.plan.key?.id} have no participant`))
        )
      } else this.reply(member, member.failed(Cause.fail(receipt.failure)))
    }
  }

  /**
   * Answers a command that has left no trace in the last append, because it was decided without events, or because it
   * gives up after a conflict. If it has an id, it may have been executed before, also in an append without an answer.
   */
  private conclude(member: Member, end: End<unknown, unknown>, hasLookedUp: boolean): Effect.Effect<void> {
    if (member.plan.key === undefined || hasLookedUp) return Effect.sync(() => this.reply(member, end()))
    return Effect.flatMap(Effect.exit(lookedUp(member)), (exit) => {
      if (Exit.isFailure(exit)) return this.failed(exit.cause, [member], [])
      const repeated = exit.value && member.plan.repeated(exit.value)
      if (repeated === undefined) this.reply(member, end())
      else if (Result.isSuccess(repeated)) this.reply(member, member.repeated(repeated.success))
      else this.reply(member, member.failed(Cause.fail(repeated.failure)))
      return Effect.void
    })
  }

  /** Lets a command be decided again on states of one moment. */
  private confirm(member: Member): Effect.Effect<void> {
    this.readsAll = true
    const isFirst = member.unconfirmed === undefined
    member.unconfirmed = this.states.versionsOf(member.streams)
    if (isFirst) return Effect.void
    // Other streams have followed from the same versions.
    const { streamId, version } = member.unconfirmed[0]!
    const expected = Expectation.exactly(version)
    return this.lost(new ConcurrencyConflict({ stream: streamId, expected, actual: version, attempts: 1 }), [member])
  }

  /** Goes on after an attempt that has failed. `parts` are the commands whose outcome is unknown. */
  private failed(cause: Cause.Cause<unknown>, members: ReadonlyArray<Member>, parts: Parts): Effect.Effect<void> {
    const error = onlyError(cause)
    if (isConflict(error)) {
      this.lostRaces = (this.lostRaces ?? 0) + 1
      if (this.lostRaces >= optimisticRaces) this.needsLocks = true
      return this.lost(error, members)
    }
    const isLost = this.losses.by(error, this.context.joined)
    if (typeof isLost !== "boolean") return this.storeFailed(isLost, members, parts)
    if (!isLost && isStoreError(error)) return this.storeFailed(error, members, parts)
    return Effect.sync(() => {
      this.readsAll = true
      if (isLost) {
        this.states.startOver()
        for (const member of this.members) member.unconfirmed = undefined
      } else if (error instanceof MoreStreams) {
        for (const stream of error.streams) this.further.add(stream)
        if (++this.extensions > mostExtensions) this.lostRaces = this.extensions = 0
      } else {
        const guilty = members.filter(({ plan: { key } }) => isReused(error) && isKey(key, error))
        if (guilty.length === 0) this.endAll(cause, members, parts)
        for (const member of guilty) this.reply(member, member.failed(cause))
      }
    })
  }

  /** Asks the policies of the commands that have met a conflict, and waits for the shortest pause. */
  private lost(error: ConcurrencyConflict, members: ReadonlyArray<Member>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.readsAll = true
      const touched = members.filter(({ streams }) => streams.some(({ streamId }) => streamId === error.stream))
      const pauses = new Map<Member, number>()
      for (const member of members) {
        if (!this.members.has(member)) continue
        // Decided again only because it was in the same append.
        if (touched.length > 0 && !touched.includes(member)) member.isNewAttempt = true
        else {
          member.unconfirmed = undefined
          const pause = yield* member.afterConflict(error)
          if (typeof pause === "number") pauses.set(member, pause)
          else yield* this.conclude(member, pause, false)
        }
      }
      const shortest = Math.min(...pauses.values())
      if (shortest === Infinity || shortest <= 0) return
      if (shortest <= longestHeld) return yield* Effect.sleep(shortest)
      for (const [member, pause] of pauses) this.reply(member, member.later(pause))
    })
  }

  /** Goes on after a failure of the store. A command that tries again leaves the group, so its pause delays no other. */
  private storeFailed(error: EventStoreError, members: ReadonlyArray<Member>, parts: Parts): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.readsAll = true
      const concerned = parts.length === 0 ? members : parts.map(({ member }) => member)
      if (!error.isRetryable) return this.endAll(Cause.fail(error), concerned, isRefused(error) ? [] : parts)
      for (const member of concerned) {
        if (!this.members.has(member)) continue
        member.decides()
        // Without an id the command could happen twice.
        if (parts.length > 0 && member.plan.key === undefined) {
          this.reply(member, member.failed(Cause.fail(member.described(error))))
          continue
        }
        const pause = yield* member.afterFailure(error)
        this.reply(member, typeof pause === "number" ? member.later(pause) : pause())
      }
    })
  }

  /** Ends commands for a reason that does not pass. Where nothing was written, one of several may be the reason: they go on one by one. */
  private endAll(cause: Cause.Cause<unknown>, members: ReadonlyArray<Member>, parts: Parts): void {
    if (parts.length === 0 && members.length > 1) this.isOneByOne = true
    else for (const member of parts.length === 0 ? members : membersOf(parts)) this.reply(member, member.failed(cause))
  }
}

/** Commands of which it is not known whether they have happened. */
type Parts = ReadonlyArray<{ readonly member: Member }>

const membersOf = (decided: Parts): ReadonlyArray<Member> => decided.map(({ member }) => member)

const idOf = ({ streamId }: LoadedStream): StreamId => streamId
