import * as Result from "effect/Result"
import type { Boundary, Stage } from "../../../domain/Boundary.ts"
import type * as Participant from "../../../domain/Participant.ts"
import * as StreamId from "../../../domain/StreamId.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { VersionConflict } from "../../../ports/errors.ts"
import type { CommandKey, RepeatedPart, RecordedEvent, StreamVersion } from "../../../ports/EventStore.ts"
import { EventDecodeError, type EventReadError, InvalidDecision } from "../../events/errors.ts"
import { decodeRecorded } from "../../events/recording.ts"
import * as CommandCodec from "../CommandCodec.ts"
import { type CommandPlan, type LoadedStream, type Refusal, type StreamWrite, unread } from "./commandPlan.ts"
import { InvalidCommand, StreamWrittenTwice, TooManyParticipants } from "../errors.ts"
import { type BoundaryRules, broken, invalidVersions, unexpected } from "./rules.ts"
import { invalidKey, invalidStream } from "./storable.ts"
import type { BoundaryReceipt } from "../Receipt.ts"

/** A stream in a role, and whether a decision may write to it there. */
interface Player {
  readonly stream: LoadedStream
  readonly access: Participant.Access
}

type Roles = Record<string, Player | ReadonlyArray<Player>>

/** A command over the streams of a boundary. */
export const boundaryPlan = <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>,
  command: Command,
  key: CommandKey | undefined,
  rules: BoundaryRules
): CommandPlan<Error | PlanError, BoundaryReceipt<Event>> => {
  const { maxParticipants, name } = boundary
  // These four belong to the present attempt.
  let streams = new Map<StreamId.StreamId, LoadedStream>()
  let roles: Roles = {}
  /** The roles of the stages before the present one, which is asked several times and may replace some. */
  let earlierRoles: Roles = {}
  let stage = 0

  const stateOf = (participant: Participant.Any): never => streams.get(participant.streamId)?.state as never

  const playing = ({ access, source, streamId }: Participant.Any, fresh: Array<LoadedStream>): Player => {
    let stream = streams.get(streamId)
    if (stream === undefined) {
      stream = unread(streamId, source)
      fresh.push(stream)
      streams.set(streamId, stream)
    }
    // The same aggregate is always the same object. `Object.is` is needed because the two types differ.
    if (!Object.is(stream.source, source)) throw new Error(`${streamId} is played by two aggregates`)
    return { stream, access }
  }

  // Both follow from the command alone, so all attempts share them.
  let stages: ReadonlyArray<Stage> = []
  let first: Participant.Participants | undefined

  const firstParticipants = (): Participant.Participants => {
    if (first === undefined) {
      stages = boundary.stages(command)
      first = stages[0]!({} as never, stateOf)
    }
    return first
  }

  /** Asks the present stage for its participants; returns the streams that are new. */
  const ask = (): Result.Result<ReadonlyArray<LoadedStream>, NamingError> => {
    const fresh: Array<LoadedStream> = []
    try {
      const participants = stage === 0 ? firstParticipants() : stages[stage]!(statesOf(earlierRoles) as never, stateOf)
      roles = { ...earlierRoles }
      for (const role in participants) {
        const players = participants[role]!
        roles[role] = isList(players) ? players.map((player) => playing(player, fresh)) : playing(players, fresh)
      }
    } catch (cause) {
      const detail = `its participants cannot be named: ${String(cause)}`
      // Those of the first stage follow from the command alone.
      return Result.fail(
        stage === 0 && first === undefined
          ? new InvalidCommand({ target: name, part: "command", detail, cause })
          : new InvalidDecision({ target: name, detail, cause })
      )
    }
    const found = streams.size
    return found > maxParticipants
      ? Result.fail(new TooManyParticipants({ boundary: name, limit: maxParticipants, found }))
      : Result.succeed(fresh)
  }

  const discover = (): Result.Result<ReadonlyArray<LoadedStream>, NamingError> => {
    for (; stage < stages.length; stage++) {
      const fresh = ask()
      if (Result.isFailure(fresh) || fresh.success.length > 0) return fresh
      earlierRoles = roles
    }
    return Result.succeed([])
  }

  const plan: Plan<Error, Event> = {
    kind: "boundary",
    target: boundary,
    command,
    key,
    checksEmptyDecision: true,
    expectsNew: false,

    streams: () => {
      let named: Participant.Participants
      try {
        named = firstParticipants()
      } catch {
        // `begin` meets the same mistake, and reports it.
        return []
      }
      const participants = Object.values(named).flatMap((players) => (isList(players) ? players : [players]))
      // `begin` refuses them.
      if (participants.length > maxParticipants) return []
      return participants.flatMap(({ access, streamId }) => (access === "write" ? [streamId] : []))
    },

    begin: () => {
      const invalid = invalidVersions(name, rules.expectedVersion)
      if (invalid !== undefined) return Result.fail(invalid)
      streams = new Map()
      earlierRoles = {}
      stage = 0
      const begun = ask()
      earlierRoles = roles
      stage = 1
      plan.discover = stages.length > 1 ? discover : undefined
      return begun
    },

    // Set by `begin`. An accessor would take a fifth of a command's time in memory.
    discover: undefined,

    decide: () => {
      const states = statesOf(roles)
      // The rule is first: whoever it refuses learns no version.
      const refusal = broken(rules.require?.({ states: states as never, versions: versionsOf(roles) as never }))
      if (refusal !== undefined) return Result.fail(refusal)
      for (const role in rules.expectedVersion) {
        const expected = rules.expectedVersion[role]
        const player = roles[role]
        if (expected === undefined) continue
        if (player === undefined || !("stream" in player)) {
          throw new Error(`${name}: a version is expected of ${role}, but it is not a role of one stream`)
        }
        if (player.stream.version !== expected) return Result.fail(unexpected(player.stream, expected))
      }
      const decision = boundary.decide(command, states as States)
      return Result.isFailure(decision)
        ? Result.fail({ isRejection: true, error: decision.failure })
        : writesOf(name, roles, decision.success)
    },

    receipt: (events, streams, attempts, history) =>
      receiptOf(events, streams, { position: lastOf(events), attempts, history, repeated: false }),

    repeated: (appended: RepeatedPart): Result.Result<BoundaryReceipt<Event>, EventReadError> | undefined => {
      const events: Array<RecordedEvent<Tagged>> = []
      for (const event of appended.events) {
        const { streamId, type, version } = event
        // Any participant of the same aggregate can decode it.
        const known = [...streams.values()].find(({ source }) => StreamId.aggregateOf(streamId) === source.name)
        if (known === undefined) {
          if (stage < stages.length) return undefined
          const detail = "no participant has such events"
          return Result.fail(new EventDecodeError({ stream: streamId, version, type, detail }))
        }
        const decoded = decodeRecorded(known.source, [event])
        if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
        events.push(...decoded.success)
      }
      return Result.succeed(
        receiptOf(events, appended.streams, {
          // A recorded event may have become no current event.
          position: lastOf(appended.events),
          attempts: 0,
          history: appended.history,
          repeated: true
        })
      )
    },

    invalid: () =>
      Result.getOrUndefined(Result.flip(CommandCodec.ofBoundary(boundary).encode(command))) ??
      invalidKey(name, key) ??
      invalidStream(name, "command", [...streams.keys()])
  }
  return plan
}

type Plan<Error, Event> = CommandPlan<Error | PlanError, BoundaryReceipt<Event>> & {
  discover: CommandPlan<Error | PlanError, BoundaryReceipt<Event>>["discover"]
}

type NamingError = InvalidCommand | InvalidDecision | TooManyParticipants

type PlanError = VersionConflict | StreamWrittenTwice | TooManyParticipants

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

const statesOf = (roles: Roles): Record<string, unknown> => {
  const states: Record<string, unknown> = {}
  for (const role in roles) {
    const players = roles[role]!
    states[role] = "stream" in players ? players.stream.state : players.map(({ stream }) => stream.state)
  }
  return states
}

const versionsOf = (roles: Roles): Record<string, unknown> => {
  const versions: Record<string, unknown> = {}
  for (const role in roles) {
    const players = roles[role]!
    versions[role] = "stream" in players ? players.stream.version : players.map(({ stream }) => stream.version)
  }
  return versions
}

// The compiler has checked the roles of an emission. What it could not see is a defect, before anything is written.
const writesOf = (
  boundary: string,
  roles: Roles,
  emission: object
): Result.Result<ReadonlyArray<StreamWrite>, Refusal<StreamWrittenTwice>> => {
  const writes: Array<StreamWrite> = []
  if (Array.isArray(emission)) return Result.succeed(writes)
  const writers: Array<string> = []
  const write = (
    role: string,
    player: Player | undefined,
    events: ReadonlyArray<Tagged>
  ): StreamWrittenTwice | undefined => {
    if (events.length === 0) return undefined
    if (player?.access !== "write") {
      const why = player === undefined ? "that no participant plays" : "that is read-only"
      throw new Error(`${boundary}: there are events for the role ${role}, ${why}`)
    }
    const earlier = writes.findIndex(({ stream }) => stream === player.stream)
    if (earlier >= 0) {
      return new StreamWrittenTwice({ boundary, stream: player.stream.streamId, roles: [writers[earlier]!, role] })
    }
    writers.push(role)
    writes.push({ stream: player.stream, events })
    return undefined
  }
  const byRole = emission as Readonly<Record<string, ReadonlyArray<Tagged | ReadonlyArray<Tagged>>>>
  for (const role in byRole) {
    const players = roles[role]
    const events = byRole[role]!
    if (players === undefined || "stream" in players) {
      const twice = write(role, players, events as ReadonlyArray<Tagged>)
      if (twice !== undefined) return Result.fail({ isRejection: false, error: twice })
    } else {
      for (const [i, each] of (events as ReadonlyArray<ReadonlyArray<Tagged>>).entries()) {
        const twice = write(role, players[i], each)
        if (twice !== undefined) return Result.fail({ isRejection: false, error: twice })
      }
    }
  }
  return Result.succeed(writes)
}

const receiptOf = <Event>(
  events: ReadonlyArray<RecordedEvent<Tagged>>,
  streams: ReadonlyArray<StreamVersion>,
  how: Pick<BoundaryReceipt<Event>, "position" | "attempts" | "history" | "repeated">
): BoundaryReceipt<Event> => ({
  // The boundary's type says which events its roles have.
  events: events as unknown as BoundaryReceipt<Event>["events"],
  streams,
  ...how
})

const lastOf = (events: ReadonlyArray<RecordedEvent<unknown>>): number =>
  events.reduce((last, { position }) => Math.max(last, position), 0)
