import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { StreamId } from "../../../../domain/StreamId.ts"
import { spanIf } from "../../../../internal/tracing.ts"
import { type CommandIdReused, ConcurrencyConflict, type EventStoreError } from "../../../../ports/errors.ts"
import type { Appended, Repeated } from "../../../../ports/EventStore.ts"
import * as Expectation from "../../../../ports/Expectation.ts"
import { appendOf } from "../appendOf.ts"
import type { CommandContext } from "../commandContext.ts"
import type { LoadedStream } from "../commandPlan.ts"
import { bytesOf, decide, type Decided, type DecidedPart, ending } from "./decision.ts"
import { type Answer, lookedUp, type Member, unstorable } from "./member.ts"
import type { GoneBack, KnownStream, StreamStates } from "./streamStates.ts"

/** An attempt that holds locks needs further streams. */
export class MoreStreams {
  readonly _tag = "MoreStreams"
  readonly streams: ReadonlyArray<StreamId>
  constructor(streams: ReadonlyArray<StreamId>) {
    this.streams = streams
  }
}

/** How an attempt works. */
export interface Settings {
  /** Whether streams are read also if they are known. */
  readonly readsAll: boolean
  /** The streams that are locked; undefined if the attempt is optimistic. */
  readonly locked: ReadonlySet<StreamId> | undefined
  /** Lets a command leave the group with what its caller goes on with. */
  readonly reply: (member: Member, answer: Answer<unknown, unknown>) => void
  /** Asks the policy of a command that has met a conflict. */
  readonly lost: (error: ConcurrencyConflict, members: ReadonlyArray<Member>) => Effect.Effect<void>
}

// With these an append stays far below the limits of a statement, and the process goes on with other work.
const [maxBytes, maxMillis] = [1 << 20, 20]

type Reached =
  | { readonly streams: ReadonlyArray<LoadedStream>; readonly unread: ReadonlyArray<KnownStream> }
  | { readonly streams: ReadonlyArray<LoadedStream>; readonly end: () => Exit.Exit<unknown, unknown> }
  | "another source"

/**
 * One attempt of a group: reads the streams of its commands once, decides the
 * commands one after the other on the states that the commands before have left,
 * and appends what they add in one call. Nothing outside of the attempt changes
 * before that call has succeeded.
 */
export class Attempt {
  readonly members: ReadonlyArray<Member>
  readonly decided: Array<Decided> = []
  /** The commands of the append, in its order. Once they are set, the append was sent, and nobody knows its outcome if it fails. */
  parts: ReadonlyArray<DecidedPart> = []
  appended: Appended | Repeated | undefined
  /** Whether a read of this attempt has looked the only command's id up. */
  hasLookedUp = false
  private readonly states: StreamStates
  private readonly context: CommandContext
  private readonly settings: Settings
  private bytes = 0
  private readonly readsBefore: number
  private started = 0

  constructor(members: ReadonlyArray<Member>, states: StreamStates, context: CommandContext, settings: Settings) {
    this.members = members
    this.states = states
    this.context = context
    this.settings = settings
    this.readsBefore = states.reads
  }

  run(): Effect.Effect<void, ConcurrencyConflict | CommandIdReused | EventStoreError | GoneBack | MoreStreams> {
    return Effect.gen({ self: this }, function* () {
      this.states.restart()
      const begun = yield* this.begin()
      if (begun.length > 1) yield* this.readAhead(begun)
      yield* this.decideAll(begun)
      yield* this.append()
    })
  }

  /** Begins the commands and reads the streams that they name. Returns the commands that can be decided together. */
  private *begin() {
    const begun: Array<Member> = []
    const wanted = new Set<KnownStream>()
    for (const member of this.members) {
      if (member.isGone) continue
      const first = member.plan.begin()
      const refused = Result.isFailure(first) ? first.failure : unstorable(member, first.success)
      if (refused !== undefined || Result.isFailure(first)) {
        this.settings.reply(member, member.refused(refused))
        continue
      }
      // To be confirmed, all streams of the decision are read at one moment.
      const named = member.unconfirmed === undefined ? first.success : [...first.success, ...member.streams]
      if (!this.wantAll(member, named, begun.length === 0, wanted)) break
      begun.push(member)
    }
    yield* this.read([...wanted])
    yield* this.lookUp(begun.filter(({ looksUp }) => looksUp))
    const confirmed: Array<Member> = []
    for (const member of begun) {
      const changed = this.changeOf(member)
      if (changed === undefined) confirmed.push(member)
      else yield* this.settings.lost(changed, [member])
    }
    return confirmed
  }

  /** The conflict of a command whose states are not confirmed, if other streams may follow from the present ones. */
  private changeOf({ plan, unconfirmed }: Member): ConcurrencyConflict | undefined {
    if (unconfirmed === undefined || plan.discover === undefined) return undefined
    const changed = unconfirmed.find(({ streamId, version }) => this.states.get(streamId)?.version !== version)
    if (changed === undefined) return undefined
    const { streamId, version } = changed
    const actual = this.states.get(streamId)?.version ?? 0
    return new ConcurrencyConflict({ stream: streamId, expected: Expectation.exactly(version), actual, attempts: 1 })
  }

  /** Whether this attempt must read a stream before it decides on it. */
  private isUnread({ readAt }: KnownStream): boolean {
    return readAt < 0 || (this.settings.readsAll && readAt <= this.readsBefore)
  }

  /** Adds the streams to read; false if one of them is known with the states of another aggregate. */
  private wantAll(
    member: Member,
    streams: ReadonlyArray<LoadedStream>,
    isFirst: boolean,
    wanted: Set<KnownStream>
  ): boolean {
    for (const stream of streams) {
      const known = this.states.of(stream, member.cache, isFirst)
      if (known === undefined) return false
      if (this.isUnread(known)) wanted.add(known)
    }
    return true
  }

  private *read(wanted: ReadonlyArray<KnownStream>) {
    if (wanted.length === 0) return
    const { locked } = this.settings
    const missing = locked && wanted.filter(({ streamId }) => !locked.has(streamId))
    if (missing !== undefined && missing.length > 0) {
      yield* Effect.fail(new MoreStreams(missing.map(({ streamId }) => streamId)))
    }
    // Only a command that is alone can be looked up in the same call.
    const only = this.members.length === 1 ? this.members[0]! : undefined
    const repeat = yield* this.states.read(wanted, only?.plan.key, locked === undefined)
    if (only?.plan.key === undefined) return
    only.repeat = repeat
    only.looksUp = false
    this.hasLookedUp = true
  }

  private lookUp(members: ReadonlyArray<Member>) {
    return Effect.forEach(
      members,
      (member) =>
        Effect.map(lookedUp(member), (repeat) => {
          member.repeat = repeat
          member.looksUp = false
        }),
      { concurrency: "unbounded", discard: true }
    )
  }

  /** Reads what the commands will discover if none changes it for the others, all at once. */
  private *readAhead(begun: ReadonlyArray<Member>) {
    let discovering = begun.filter(({ plan }) => plan.discover !== undefined)
    while (discovering.length > 0) {
      const unread = new Set<KnownStream>()
      discovering = discovering.filter((member) => {
        const reached = this.reach(member, false)
        if (reached === "another source" || "end" in reached) return false
        for (const known of reached.unread) unread.add(known)
        return reached.unread.length > 0
      })
      yield* this.read([...unread])
    }
  }

  /** Begins a command on the present states and goes on to the streams that follow from them, as far as they are known. */
  private reach(member: Member, isFirst: boolean): Reached {
    const { plan } = member
    const begun = plan.begin()
    if (Result.isFailure(begun)) return { streams: [], end: () => member.refused(begun.failure) }
    let streams = begun.success
    let fresh = streams
    for (;;) {
      const unread: Array<KnownStream> = []
      for (const stream of fresh) {
        const known = this.states.of(stream, member.cache, isFirst)
        if (known === undefined) return "another source"
        const { failure } = known
        if (failure !== undefined) return { streams, end: () => member.failed(failure) }
        if (this.isUnread(known)) unread.push(known)
        stream.state = known.next
        stream.version = known.nextVersion
      }
      const isRepeat = member.repeat !== undefined && plan.repeated(member.repeat) !== undefined
      if (unread.length > 0 || plan.discover === undefined || isRepeat) return { streams, unread }
      const found = plan.discover()
      if (Result.isFailure(found)) return { streams, end: () => member.refused(found.failure) }
      if (found.success.length === 0) return { streams, unread }
      const refused = unstorable(member, found.success)
      if (refused !== undefined) return { streams, end: () => member.refused(refused) }
      fresh = found.success
      streams = streams.concat(fresh)
    }
  }

  private *decideAll(begun: ReadonlyArray<Member>) {
    // The time counts from here. While a group waits for locks and for its reads, the process works for others.
    this.started = this.context.clock.currentTimeMillisUnsafe()
    const commandIds = new Set<string>()
    for (const member of begun) {
      const id = member.plan.key?.id
      if (member.isGone) continue
      if (id !== undefined && commandIds.has(id)) {
        // The second of two equal ids is answered as the store then says.
        member.looksUp = true
        continue
      }
      if (this.isFull()) return
      let reached = this.reach(member, this.decided.length === 0)
      while (reached !== "another source" && "unread" in reached && reached.unread.length > 0) {
        yield* this.read(reached.unread)
        reached = this.reach(member, this.decided.length === 0)
      }
      if (reached === "another source") return
      member.streams = reached.streams
      const repeated = member.repeat && member.plan.repeated(member.repeat)
      if (repeated !== undefined) {
        const answer = Result.isSuccess(repeated)
          ? member.repeated(repeated.success)
          : member.failed(Cause.fail(repeated.failure))
        this.settings.reply(member, answer)
        continue
      }
      const decided = "end" in reached ? ending(member, reached.end) : this.decide(member)
      if (decided === undefined) return
      member.decides()
      if (id !== undefined) commandIds.add(id)
      this.decided.push(decided)
      if (this.states.isBroken(reached.streams)) return
    }
  }

  private isFull(): boolean {
    if (this.decided.length === 0) return false
    return this.bytes >= maxBytes || this.context.clock.currentTimeMillisUnsafe() - this.started >= maxMillis
  }

  /** Decides a command; undefined if what it adds is too much for this append. */
  private decide(member: Member): Decided | undefined {
    const decided = decide(member)
    if (decided.part === undefined) return decided
    const { writes } = decided.part
    this.bytes += bytesOf(writes)
    if (this.decided.length > 0 && this.bytes > maxBytes) return undefined
    for (const { events, streamId } of writes) this.states.fold(this.states.get(streamId)!, events)
    for (const { events, stream } of decided.writes) stream.version += events.length
    return decided
  }

  /** Appends what was decided, on condition that no stream that was read has changed. */
  private *append() {
    const parts = this.decided.filter((each) => each.part !== undefined)
    if (parts.length === 0) return
    const read = new Set<KnownStream>()
    for (const { member } of this.decided) {
      for (const { streamId } of member.streams) {
        const known = this.states.get(streamId)!
        if (known.readAt >= 0) read.add(known)
      }
    }
    const isAlone = this.decided.length === 1
    const all = parts.map(({ member, part }) => (isAlone ? part : { ...part, reads: member.streams.map(idOf) }))
    const append = appendOf([...read], all, this.states.history, true)
    this.parts = parts
    this.appended = yield* spanIf(this.context.traced, this.context.store.append(append), "EventStore.append")
  }
}

const idOf = ({ streamId }: LoadedStream): StreamId => streamId
