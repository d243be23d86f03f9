import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { StreamId } from "../../../../domain/StreamId.ts"
import { spanIf } from "../../../../internal/tracing.ts"
import type { CommandIdReused, EventStoreError } from "../../../../ports/errors.ts"
import type { CommandKey, NewEvent, RepeatedPart, StreamSlice, StreamVersion } from "../../../../ports/EventStore.ts"
import type { EventReadError } from "../../../events/errors.ts"
import { foldRecorded } from "../../../events/recording.ts"
import type { Found, Snapshotting } from "../../Snapshots.ts"
import type { States } from "../../StateCache.ts"
import type { CommandContext } from "../commandContext.ts"
import type { LoadedStream } from "../commandPlan.ts"
import { readFrom } from "../snapshotReads.ts"
import type { Member } from "./member.ts"

/** What a group knows of a stream. */
export interface KnownStream extends LoadedStream {
  /** The state and the version after the decisions of this attempt. */
  next: unknown
  nextVersion: number
  /** The number of the read that the state comes from: 0 if it was known before, -1 if nothing was read yet. */
  readAt: number
  /** Why the events that were read make no state. */
  failure: Cause.Cause<EventReadError> | undefined
  /** Whether the decided events make no state. */
  isBroken: boolean
}

/** What was read, or remembered, before. */
export interface Taken {
  readonly streams: ReadonlyArray<LoadedStream>
  readonly history: number | undefined
}

/** The store is at an earlier version than the one that was known, or its log is in another history: it has lost commits. */
export class GoneBack {
  readonly _tag = "GoneBack"
}

/**
 * The states of a group's streams. Decisions change only the states that the next
 * decisions of the same attempt see. What the store has is set by reads, and after
 * an append that has committed.
 */
export class StreamStates {
  private readonly context: CommandContext
  private readonly caches: ReadonlyArray<States>
  private readonly known = new Map<StreamId, KnownStream>()
  /** The snapshots that were loaded before the streams are locked. */
  private readonly prepared = new Map<KnownStream, Found>()
  /** The history of the log that the states come from; undefined if none was read. */
  history: number | undefined
  /** The number of reads so far. */
  reads = 0
  /** Whether cached states count. They do not after the store has lost commits. */
  private trustsCaches = true

  constructor(context: CommandContext, caches: ReadonlyArray<States>) {
    this.context = context
    this.caches = caches
  }

  get(streamId: StreamId): KnownStream | undefined {
    return this.known.get(streamId)
  }

  /** Takes over what was read, or remembered, before. */
  takeOver({ history, streams }: Taken): void {
    this.history = history
    for (const stream of streams) this.add(stream, stream.state, stream.version, 0)
  }

  /** What is known of a stream; undefined if it is known with the states of another aggregate. */
  of(stream: LoadedStream, cache: States | undefined, replaces: boolean): KnownStream | undefined {
    const { source, streamId } = stream
    const known = this.known.get(streamId)
    if (known?.source === source) return known
    if (known !== undefined && !replaces) return undefined
    const remembered = this.trustsCaches && this.agrees(cache?.history()) ? cache?.get(streamId, source) : undefined
    if (remembered !== undefined) this.history = cache?.history()
    return remembered === undefined
      ? this.add(stream, source.initial, 0, -1)
      : this.add(stream, remembered.state, remembered.version, 0)
  }

  private add({ source, streamId }: LoadedStream, state: unknown, version: number, readAt: number): KnownStream {
    const known: KnownStream = {
      streamId,
      source,
      state,
      version,
      next: state,
      nextVersion: version,
      readAt,
      failure: undefined,
      isBroken: false
    }
    this.known.set(streamId, known)
    return known
  }

  /** Forgets the decisions of the attempt before. */
  restart(): void {
    for (const known of this.known.values()) {
      known.next = known.state
      known.nextVersion = known.version
      known.isBroken = false
    }
  }

  private agrees(history: number | undefined): boolean {
    return this.history === undefined || this.history === history
  }

  /** Forgets everything, because the store has lost commits. */
  startOver(): void {
    this.history = undefined
    this.known.clear()
    this.trustsCaches = false
    for (const cache of this.caches) cache.clear()
  }

  /** Reads what is new in some streams at one moment, and looks a command up. */
  read(
    wanted: ReadonlyArray<KnownStream>,
    key: CommandKey | undefined,
    remembers: boolean
  ): Effect.Effect<RepeatedPart | undefined, CommandIdReused | EventStoreError | GoneBack> {
    const { snapshots, store, traced } = this.context
    const reading = readFrom(
      {
        snapshots: remembers ? snapshots : this.preparedOf(snapshots),
        ask: (requests) => spanIf(traced, store.readStreams(requests, key), "EventStore.readStreams")
      },
      wanted
    )
    return Effect.flatMap(reading, ({ appended, history, streams }) => {
      if (!this.agrees(history)) return Effect.fail(new GoneBack())
      for (let i = 0; i < wanted.length; i++) {
        if (streams[i]!.version < wanted[i]!.version) return Effect.fail(new GoneBack())
      }
      this.history = history
      this.reads++
      for (let i = 0; i < wanted.length; i++) this.take(wanted[i]!, streams[i]!, remembers)
      return Effect.succeed(appended)
    })
  }

  /**
   * Loads the snapshots of streams that are unknown, before they are locked. A read under locks is part of a transaction,
   * and snapshots are not. Nor does anybody wait for them while streams are locked.
   */
  prepare(members: Iterable<Member>): Effect.Effect<void> {
    const { snapshots } = this.context
    this.prepared.clear()
    if (snapshots === undefined) return Effect.void
    const unknown = new Set<KnownStream>()
    for (const { cache, plan } of members) {
      for (const stream of Result.getOrElse(plan.begin(), () => [])) {
        const known = this.of(stream, cache, false)
        if (known?.version === 0 && snapshots.covers(known.source)) unknown.add(known)
      }
    }
    if (unknown.size === 0) return Effect.void
    const wanted = [...unknown]
    return Effect.map(snapshots.load(wanted), (found) => {
      for (const [i, each] of found.entries()) if (each !== undefined) this.prepared.set(wanted[i]!, each)
    })
  }

  private preparedOf(snapshots: Snapshotting | undefined): Snapshotting | undefined {
    const load: Snapshotting["load"] = (wanted) =>
      Effect.succeed(wanted.map((known) => this.prepared.get(known as KnownStream)))
    return snapshots && { ...snapshots, load }
  }

  private take(known: KnownStream, { events, version }: StreamSlice, remembers: boolean): void {
    const { source } = known
    try {
      const state = foldRecorded(source, events, known.state)
      known.failure = Result.isFailure(state) ? Cause.fail(state.failure) : undefined
      if (Result.isSuccess(state)) {
        known.state = state.success
        known.version = version
      }
    } catch (defect) {
      known.failure = Cause.die(defect)
    }
    known.next = known.state
    known.nextVersion = known.version
    known.readAt = this.reads
    if (known.failure !== undefined || !remembers) return
    this.keep(known, this.history!)
  }

  /** Folds decided events, as the store will give them back, on the state that the next decisions see. */
  fold(known: KnownStream, events: ReadonlyArray<NewEvent>): void {
    const { source, streamId } = known
    const recorded = events.map(({ data, schemaVersion = 1, type }, i) => {
      return { streamId, version: known.nextVersion + 1 + i, type, schemaVersion, data }
    })
    known.nextVersion += events.length
    try {
      const next = foldRecorded(source, recorded, known.next)
      if (Result.isSuccess(next)) known.next = next.success
      else known.isBroken = true
    } catch {
      // `evolve` has thrown. The events themselves are valid, so the append goes on. The next read of the stream fails.
      known.isBroken = true
    }
  }

  /** The versions of streams before the present attempt's decisions. */
  versionsOf(streams: ReadonlyArray<LoadedStream>): ReadonlyArray<StreamVersion> {
    return streams.map(({ streamId }) => ({ streamId, version: this.known.get(streamId)!.version }))
  }

  /** Whether the states of these streams come from one read: then they were true together. */
  areOfOneMoment(streams: ReadonlyArray<LoadedStream>): boolean {
    const [first, ...others] = streams.map(({ streamId }) => this.known.get(streamId)!.readAt)
    return first === undefined || (first > 0 && others.every((readAt) => readAt === first))
  }

  /** Whether the decided events of one of these streams make no state. */
  isBroken(streams: ReadonlyArray<LoadedStream>): boolean {
    return streams.some(({ streamId }) => this.known.get(streamId)?.isBroken === true)
  }

  /** Keeps what was decided, because it has committed. */
  commit(history: number): void {
    for (const known of this.known.values()) {
      if (known.nextVersion === known.version) continue
      const { next: state, nextVersion: version, streamId } = known
      if (known.isBroken) {
        this.known.delete(streamId)
        continue
      }
      known.state = state
      known.version = version
      known.readAt = 0
      this.keep(known, history)
    }
  }

  /** Remembers a state that the log has. */
  private keep({ source, state, streamId, version }: KnownStream, history: number): void {
    for (const cache of this.caches) cache.put(streamId, { source, state, version }, history)
    const { snapshots, store } = this.context
    snapshots?.offer({ store, source, streamId, state, version, history, events: [] })
  }
}
