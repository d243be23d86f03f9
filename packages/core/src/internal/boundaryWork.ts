import * as Result from "effect/Result"
import * as EventCodec from "../application/EventCodec.ts"
import type { BoundaryReceipt } from "../application/Receipt.ts"
import { EventDecodeError } from "../application/EventDecodeError.ts"
import { TooManyParticipants } from "../application/TooManyParticipants.ts"
import { WrittenTwice } from "../application/WrittenTwice.ts"
import type { Tagged } from "../domain/Aggregate.ts"
import type { Boundary } from "../domain/Boundary.ts"
import type * as Participant from "../domain/Participant.ts"
import type * as StreamId from "../domain/StreamId.ts"
import type { Appended, CommandKey, RecordedEvent } from "../ports/EventStore.ts"
import { EventStoreError, Rejected } from "../ports/EventStoreError.ts"
import type { Entry, Work, Written } from "./work.ts"

interface Played {
  readonly entry: Entry
  readonly access: Participant.Access
}

/** A command over the streams of a boundary. */
export const boundaryWork = <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>,
  command: Command,
  key: CommandKey | undefined
): Work<Error | WrittenTwice | TooManyParticipants, BoundaryReceipt<Event>> => {
  const sources = sourcesOf(boundary)
  let entries = new Map<StreamId.StreamId, Entry>()
  let roles: Record<string, Played | ReadonlyArray<Played>> = {}
  // Those of the stages before the present one, which is asked several times and may replace some.
  let earlier = roles
  let stage = 0

  const stateOf = (participant: Participant.Any): never => entries.get(participant.streamId)?.state as never

  // Asks the present stage for its participants; returns those that are new.
  const ask = (): Result.Result<ReadonlyArray<Entry>, EventStoreError | TooManyParticipants> => {
    const fresh: Array<Entry> = []
    const play = (participant: Participant.Any): Played => {
      let entry = entries.get(participant.streamId)
      if (entry === undefined) {
        const source = participant.source as unknown as Entry["source"]
        entry = { streamId: participant.streamId, source, isWritable: false, state: source.initial, version: 0 }
        fresh.push(entry)
        entries.set(entry.streamId, entry)
        sources.set(source.name, source)
      }
      if (entry.source !== participant.source) throw new Error(`${entry.streamId} is played by two aggregates`)
      if (participant.access === "write") entry.isWritable = true
      return { entry, access: participant.access }
    }
    try {
      const participants = boundary.stages[stage]!(command, statesOf(earlier) as never, stateOf)
      roles = { ...earlier }
      for (const role in participants) {
        const players = participants[role]!
        roles[role] = isList(players) ? players.map(play) : play(players)
      }
    } catch (cause) {
      const detail = `${boundary.name}: its participants cannot be named: ${String(cause)}`
      return Result.fail(new EventStoreError({ operation: "readStreams", reason: new Rejected({ detail, cause }) }))
    }
    return entries.size > boundary.maxParticipants
      ? Result.fail(
          new TooManyParticipants({ boundary: boundary.name, limit: boundary.maxParticipants, found: entries.size })
        )
      : Result.succeed(fresh)
  }

  return {
    name: boundary.name,
    key,
    begin: () => {
      entries = new Map()
      earlier = {}
      stage = 0
      const begun = ask()
      earlier = roles
      stage = 1
      return begun
    },
    discover:
      boundary.stages.length === 1
        ? undefined
        : () => {
            for (; stage < boundary.stages.length; stage++) {
              const fresh = ask()
              if (Result.isFailure(fresh) || fresh.success.length > 0) return fresh
              earlier = roles
            }
            return Result.succeed([])
          },
    decide: () => {
      const decision = boundary.decide(command, statesOf(roles) as States)
      return Result.isFailure(decision)
        ? Result.fail(decision.failure)
        : writesOf(boundary.name, roles, decision.success)
    },
    checksNothing: true,
    receipt: (events, streams, attempts) => ({
      events: events as BoundaryReceipt<Event>["events"],
      streams,
      position: events.reduce((last, { position }) => Math.max(last, position), 0),
      attempts,
      repeated: false
    }),
    repeated: (appended) => repeated(appended, sources, stage >= boundary.stages.length)
  }
}

// The aggregates that have been seen in a boundary, by name: they decode what a repeated command did.
const sourcesOf = (boundary: object): Map<string, Entry["source"]> => {
  let sources = known.get(boundary)
  if (sources === undefined) known.set(boundary, (sources = new Map()))
  return sources
}

const known = new WeakMap<object, Map<string, Entry["source"]>>()

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

const statesOf = (roles: Readonly<Record<string, Played | ReadonlyArray<Played>>>): Record<string, unknown> => {
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
  roles: Readonly<Record<string, Played | ReadonlyArray<Played>>>,
  emission: object
): Result.Result<ReadonlyArray<Written>, WrittenTwice> => {
  const written: Array<Written> = []
  const roleOf = new Map<Entry, string>()
  const write = (role: string, played: Played | undefined, events: ReadonlyArray<Tagged>): WrittenTwice | undefined => {
    if (events.length === 0) return undefined
    if (played === undefined) throw new Error(`${boundary}: there are events for the role ${role}, which nobody plays`)
    if (played.access === "read")
      throw new Error(`${boundary}: there are events for the role ${role}, which is read-only`)
    const other = roleOf.get(played.entry)
    if (other !== undefined) {
      return new WrittenTwice({ boundary, stream: played.entry.streamId, roles: [other, role] })
    }
    roleOf.set(played.entry, role)
    written.push({ entry: played.entry, events })
    return undefined
  }
  if (Array.isArray(emission)) return Result.succeed(written)
  for (const [role, events] of Object.entries(emission as Record<string, ReadonlyArray<Tagged>>)) {
    const players = roles[role]
    if (players === undefined || "entry" in players) {
      const twice = write(role, players, events)
      if (twice !== undefined) return Result.fail(twice)
    } else {
      for (const [i, each] of (events as unknown as ReadonlyArray<ReadonlyArray<Tagged>>).entries()) {
        const twice = write(role, players[i], each)
        if (twice !== undefined) return Result.fail(twice)
      }
    }
  }
  return Result.succeed(written)
}

const repeated = <Event extends Tagged>(
  appended: Appended,
  sources: ReadonlyMap<string, Entry["source"]>,
  isComplete: boolean
): Result.Result<BoundaryReceipt<Event>, EventDecodeError> | undefined => {
  const events: Array<RecordedEvent<Tagged>> = []
  for (const event of appended.events) {
    const source = sources.get(event.streamId.slice(0, event.streamId.indexOf("-")))
    if (source === undefined) {
      if (!isComplete) return undefined
      const { streamId: stream, type, version } = event
      return Result.fail(new EventDecodeError({ stream, version, type, detail: "no participant has such events" }))
    }
    const data = EventCodec.of(source).decode(event)
    if (Result.isFailure(data)) return Result.fail(data.failure)
    events.push({ ...event, data: data.success })
  }
  return Result.succeed({
    events: events as unknown as BoundaryReceipt<Event>["events"],
    streams: appended.streams,
    position: events.reduce((last, { position }) => Math.max(last, position), 0),
    attempts: 0,
    repeated: true
  })
}
