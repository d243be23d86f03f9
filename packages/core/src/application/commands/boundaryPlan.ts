import * as Result from "effect/Result"
import { EventDecodeError } from "../events/errors.ts"
import type { BoundaryReceipt } from "./Receipt.ts"
import { TooManyParticipants, StreamWrittenTwice } from "./errors.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Boundary, Stage } from "../../domain/Boundary.ts"
import type * as Participant from "../../domain/Participant.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Appended, CommandKey, RecordedEvent, StreamVersion } from "../../ports/EventStore.ts"
import { EventStoreError } from "../../ports/errors.ts"
import { Rejected } from "../../ports/Reason.ts"
import { decodeRecorded } from "../events/recording.ts"
import type { Entry, Work, Written } from "./commandPlan.ts"

/** A stream in a role, and what a decision may do with it there. */
interface Played {
  readonly entry: Entry
  readonly access: Participant.Access
}

type Roles = Record<string, Played | ReadonlyArray<Played>>

/** A command over the streams of a boundary. */
export class BoundaryWork<
  Name extends string,
  Command extends Tagged,
  States,
  Event extends Tagged,
  Error
> implements Work<Error | StreamWrittenTwice | TooManyParticipants, BoundaryReceipt<Event>> {
  readonly name: Name
  readonly key: CommandKey | undefined
  readonly checksNothing = true
  discover: (() => Result.Result<ReadonlyArray<Entry>, EventStoreError | TooManyParticipants>) | undefined
  readonly #boundary: Boundary<Name, Command, States, Event, Error>
  readonly #command: Command
  // Of the present attempt: streams by name, roles, and the stage that is asked next.
  #entries = new Map<StreamId, Entry>()
  #roles: Roles = {}
  // Those of the stages before the present one, which is asked several times and may replace some.
  #earlier: Roles = {}
  #stage = 0
  #stages: ReadonlyArray<Stage> = []

  constructor(boundary: Boundary<Name, Command, States, Event, Error>, command: Command, key: CommandKey | undefined) {
    this.name = boundary.name
    this.key = key
    this.#boundary = boundary
    this.#command = command
  }

  begin() {
    this.#entries = new Map()
    this.#earlier = {}
    this.#stage = 0
    this.#stages = []
    const begun = this.#ask()
    this.#earlier = this.#roles
    this.#stage = 1
    this.discover = this.#stages.length > 1 ? () => this.#discover() : undefined
    return begun
  }

  decide(): Result.Result<ReadonlyArray<Written>, Error | StreamWrittenTwice> {
    const decision = this.#boundary.decide(this.#command, statesOf(this.#roles) as States)
    if (Result.isFailure(decision)) return Result.fail(decision.failure)
    return writesOf(this.name, this.#roles, decision.success)
  }

  receipt(
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    streams: ReadonlyArray<StreamVersion>,
    attempts: number
  ): BoundaryReceipt<Event> {
    return receiptOf(events, streams, attempts, false)
  }

  repeated(appended: Appended): Result.Result<BoundaryReceipt<Event>, EventDecodeError> | undefined {
    const entries = [...this.#entries.values()]
    const events: Array<RecordedEvent<Tagged>> = []
    for (const event of appended.events) {
      const { streamId: stream, type, version } = event
      // Any participant of the same aggregate can decode it.
      const entry = entries.find(({ source }) => stream.startsWith(`${source.name}-`))
      if (entry === undefined) {
        if (this.#stage < this.#stages.length) return undefined
        return Result.fail(new EventDecodeError({ stream, version, type, detail: "no participant has such events" }))
      }
      const decoded = decodeRecorded(entry.source, [event])
      if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
      events.push(...decoded.success)
    }
    return Result.succeed(receiptOf(events, appended.streams, 0, true))
  }

  #discover(): Result.Result<ReadonlyArray<Entry>, EventStoreError | TooManyParticipants> {
    for (; this.#stage < this.#stages.length; this.#stage++) {
      const fresh = this.#ask()
      if (Result.isFailure(fresh) || fresh.success.length > 0) return fresh
      this.#earlier = this.#roles
    }
    return Result.succeed([])
  }

  /** Asks the present stage for its participants; returns the streams that are new. */
  #ask(): Result.Result<ReadonlyArray<Entry>, EventStoreError | TooManyParticipants> {
    const { maxParticipants, name } = this.#boundary
    const fresh: Array<Entry> = []
    try {
      const stateOf = (participant: Participant.Any): never => this.#entries.get(participant.streamId)?.state as never
      if (this.#stage === 0) this.#stages = this.#boundary.stages(this.#command)
      const participants = this.#stages[this.#stage]!(statesOf(this.#earlier) as never, stateOf)
      this.#roles = { ...this.#earlier }
      for (const role in participants) {
        const players = participants[role]!
        this.#roles[role] = isList(players)
          ? players.map((participant) => this.#play(participant, fresh))
          : this.#play(players, fresh)
      }
    } catch (cause) {
      const detail = `${name}: its participants cannot be named: ${String(cause)}`
      return Result.fail(new EventStoreError({ operation: "readStreams", reason: new Rejected({ detail, cause }) }))
    }
    const found = this.#entries.size
    return found > maxParticipants
      ? Result.fail(new TooManyParticipants({ boundary: name, limit: maxParticipants, found }))
      : Result.succeed(fresh)
  }

  #play({ access, source, streamId }: Participant.Any, fresh: Array<Entry>): Played {
    let entry = this.#entries.get(streamId)
    if (entry === undefined) {
      // The engine knows no types of events; it gives those of a source to that source only.
      const erased = source as unknown as Entry["source"]
      entry = { streamId, source: erased, isWritable: false, state: source.initial, version: 0 }
      fresh.push(entry)
      this.#entries.set(streamId, entry)
    }
    if (entry.source !== source) throw new Error(`${streamId} is played by two aggregates`)
    if (access === "write") entry.isWritable = true
    return { entry, access }
  }
}

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

const statesOf = (roles: Roles): Record<string, unknown> => {
  const states: Record<string, unknown> = {}
  for (const role in roles) {
    const players = roles[role]!
    states[role] = "entry" in players ? players.entry.state : players.map(({ entry }) => entry.state)
  }
  return states
}

// The compiler has checked the roles of an emission; what it could not see is a defect, before anything is written.
const writesOf = (
  boundary: string,
  roles: Roles,
  emission: object
): Result.Result<ReadonlyArray<Written>, StreamWrittenTwice> => {
  const written: Array<Written> = []
  if (Array.isArray(emission)) return Result.succeed(written)
  const writers: Array<string> = []
  const write = (
    role: string,
    played: Played | undefined,
    events: ReadonlyArray<Tagged>
  ): StreamWrittenTwice | undefined => {
    if (events.length === 0) return undefined
    if (played?.access !== "write") {
      const why = played === undefined ? "nobody plays" : "is read-only"
      throw new Error(`${boundary}: there are events for the role ${role}, which ${why}`)
    }
    const earlier = written.findIndex(({ entry }) => entry === played.entry)
    if (earlier >= 0) {
      return new StreamWrittenTwice({ boundary, stream: played.entry.streamId, roles: [writers[earlier]!, role] })
    }
    writers.push(role)
    written.push({ entry: played.entry, events })
    return undefined
  }
  const byRole = emission as Readonly<Record<string, ReadonlyArray<Tagged | ReadonlyArray<Tagged>>>>
  for (const role in byRole) {
    const players = roles[role]
    const events = byRole[role]!
    if (players === undefined || "entry" in players) {
      const twice = write(role, players, events as ReadonlyArray<Tagged>)
      if (twice !== undefined) return Result.fail(twice)
    } else {
      for (const [i, each] of (events as ReadonlyArray<ReadonlyArray<Tagged>>).entries()) {
        const twice = write(role, players[i], each)
        if (twice !== undefined) return Result.fail(twice)
      }
    }
  }
  return Result.succeed(written)
}

const receiptOf = <Event>(
  events: ReadonlyArray<RecordedEvent<Tagged>>,
  streams: Appended["streams"],
  attempts: number,
  repeated: boolean
): BoundaryReceipt<Event> => ({
  // The boundary's type says which events its roles have.
  events: events as unknown as BoundaryReceipt<Event>["events"],
  streams,
  position: events.reduce((last, { position }) => Math.max(last, position), 0),
  attempts,
  repeated
})
