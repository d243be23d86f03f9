import { type Participant, type StreamId, StreamWrittenTwice } from "@hexfold/core"
import { ScenarioFailure } from "./compare.ts"
import { initialOf, type Kept, keepEvent, type Source, together } from "./kept.ts"
import { isList, playersOf, type Roles, type StateOf } from "./roles.ts"

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

/** The states of one moment, each made once. */
export const statesIn = (streams: Streams): StateOf => {
  const states = new Map([...streams].map(([streamId, { state }]) => [streamId, state()]))
  return ({ source, streamId }) => (states.has(streamId) ? states.get(streamId) : initialOf(source))
}

/** The events of one participant in one role. */
export interface Write {
  readonly role: string
  readonly participant: Participant.Any
  readonly events: ReadonlyArray<Kept<unknown>>
}

/** Events by role: as failures show them, as values, and as they are written. Roles and last streams without events are left out. */
export interface ByRole {
  readonly json: Readonly<Record<string, unknown>>
  readonly value: Readonly<Record<string, unknown>>
  readonly writes: ReadonlyArray<Write>
}

/** Takes the events of roles through their JSON. `which` says whose they are. An executor refuses events for other roles too. */
export const keepByRole = (roles: Roles, which: string, emission: object): ByRole => {
  const json: Record<string, unknown> = {}
  const value: Record<string, unknown> = {}
  const writes: Array<Write> = []
  const keep = (role: string, participant: Participant.Any | undefined, events: ReadonlyArray<unknown>) => {
    if (events.length === 0) return none
    if (participant?.access !== "write") {
      const why = participant === undefined ? `that no stream plays (${namesOf(roles)})` : "that is only read"
      throw new ScenarioFailure(`${which}: there are events for the role ${role}, ${why}`)
    }
    const kept = events.map((event) => keepEvent(participant.source, `${which} in the role ${role}: the event`, event))
    writes.push({ role, participant, events: kept })
    return together(kept)
  }
  for (const [role, events] of Object.entries<ReadonlyArray<unknown>>({ ...emission }).sort(byName)) {
    const players = roles[role]
    if (events.flat().length === 0) continue
    const last = events.findLastIndex((each) => (each as ReadonlyArray<unknown>).length > 0)
    const all =
      players !== undefined && isList(players)
        ? together(events.slice(0, last + 1).map((each, i) => keep(role, players[i], each as ReadonlyArray<unknown>)))
        : keep(role, players, events)
    json[role] = all.json
    value[role] = all.value
  }
  return { json, value, writes }
}

const none = together([])

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
