import { type Boundary, type Participant, type StreamId, StreamWrittenTwice, TooManyParticipants } from "@hexfold/core"
import { ScenarioFailure } from "./compare.ts"
import { initialOf, type Kept, keepEvent, type Source } from "./kept.ts"

/** A stream that has events. */
interface Stream {
  readonly source: Source
  /** The state after its events. It is made when a command comes. */
  readonly state: () => unknown
  /** Whether a command has read the stream since events of it were given. */
  readonly isRead: boolean
}

/** What has happened so far. */
export type Streams = ReadonlyMap<StreamId.StreamId, Stream>

/** The state of a participant, without those of streams that are not read yet. */
export type StateOf = (participant: Participant.Any) => unknown

type Roles = Participant.Participants

/** The states of one moment, each made once. */
export const statesIn = (streams: Streams): StateOf => {
  const states = new Map([...streams].map(([streamId, { state }]) => [streamId, state()]))
  return ({ source, streamId }) => (states.has(streamId) ? states.get(streamId) : initialOf(source))
}

/** The participants of a command by role, found stage by stage as an executor finds them. */
export const rolesOf = <Command>(
  boundary: {
    readonly name: string
    readonly maxParticipants: number
    readonly stages: (command: Command) => ReadonlyArray<Boundary.Stage>
  },
  command: Command,
  stateOf: StateOf
): Roles => {
  const { maxParticipants: limit, name } = boundary
  const read = new Set<StreamId.StreamId>()
  const lookup = (participant: Participant.Any): never =>
    (read.has(participant.streamId) ? stateOf(participant) : undefined) as never
  let earlier: Roles = {}
  for (const stage of boundary.stages(command)) {
    let roles: Roles
    let known: number
    // A stage is asked until it names no stream that is new.
    do {
      known = read.size
      roles = { ...earlier, ...stage(statesOf(earlier, stateOf) as never, lookup) }
      for (const { streamId } of playersOf(roles)) read.add(streamId)
      if (read.size > limit) throw new TooManyParticipants({ boundary: name, limit, found: read.size })
    } while (read.size > known)
    earlier = roles
  }
  return earlier
}

/** The states of the participants by role. */
export const statesOf = (roles: Roles, stateOf: StateOf): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(roles).map(([role, players]) => [role, isList(players) ? players.map(stateOf) : stateOf(players)])
  )

/** All participants, those of a role of several streams one by one. */
export const playersOf = (roles: Roles): ReadonlyArray<Participant.Any> =>
  Object.values(roles).flatMap((players) => (isList(players) ? players : [players]))

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

/** The events of one participant in one role. */
export interface Write {
  readonly role: string
  readonly participant: Participant.Any
  readonly events: ReadonlyArray<Kept<unknown>>
}

/** Events by role: as failures show them, without the roles that have none, and as they are written. */
export interface ByRole {
  readonly json: Readonly<Record<string, unknown>>
  readonly writes: ReadonlyArray<Write>
}

/** Takes the events of roles through their JSON. `which` says whose they are. An executor refuses events for other roles too. */
export const keepByRole = (roles: Roles, which: string, emission: object): ByRole => {
  const json: Record<string, unknown> = {}
  const writes: Array<Write> = []
  const keep = (role: string, participant: Participant.Any | undefined, events: ReadonlyArray<unknown>) => {
    if (events.length === 0) return []
    if (participant?.access !== "write") {
      const why = participant === undefined ? `that no stream plays (${namesOf(roles)})` : "that is only read"
      throw new ScenarioFailure(`${which}: there are events for the role ${role}, ${why}`)
    }
    const kept = events.map((event) => keepEvent(participant.source, `${which} in the role ${role}: the event`, event))
    writes.push({ role, participant, events: kept })
    return kept.map((each) => each.json)
  }
  for (const [role, events] of Object.entries<ReadonlyArray<unknown>>({ ...emission }).sort(byName)) {
    const players = roles[role]
    if (events.flat().length === 0) continue
    json[role] =
      players !== undefined && isList(players)
        ? events.map((each, i) => keep(role, players[i], each as ReadonlyArray<unknown>))
        : keep(role, players, events)
  }
  return { json, writes }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

const namesOf = (roles: Roles): string => `the roles are ${Object.keys(roles).join(", ")}`

/** Refuses what an executor refuses too: one stream with events in two roles. */
export const checkWrites = (boundary: string, writes: ReadonlyArray<Write>): void => {
  const writers = new Map<StreamId.StreamId, string>()
  for (const { participant, role } of writes) {
    const { streamId } = participant
    const other = writers.get(streamId)
    if (other !== undefined) throw new StreamWrittenTwice({ boundary, stream: streamId, roles: [other, role] })
    writers.set(streamId, role)
  }
}

/** Which stream plays which role, and which streams were given and not read. */
export const cast = (roles: Roles, streams: Streams): string => {
  const played = Object.entries(roles).map(
    ([role, players]) =>
      `${role}: ${(isList(players) ? players : [players]).map(({ streamId }) => streamId).join(", ")}`
  )
  const read = new Set(playersOf(roles).map(({ streamId }) => streamId))
  const unread = [...streams].flatMap(([streamId, { isRead }]) => (isRead || read.has(streamId) ? [] : [streamId]))
  const warning = unread.length === 0 ? "" : `\nThe command does not read ${unread.join(", ")}, which has events given.`
  return `\n(${played.join("; ")})${warning}`
}
