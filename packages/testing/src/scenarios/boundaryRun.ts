import { type Boundary, type Participant, type StreamId, StreamWrittenTwice, TooManyParticipants } from "@hexfold/core"
import { Schema } from "effect"
import { plain } from "./outcome.ts"

/** The events that were given, by stream. */
export type History = ReadonlyMap<StreamId.StreamId, ReadonlyArray<unknown>>

type Roles = Participant.Participants

/** The participants of a command by role, found stage by stage as an executor finds them. */
export const rolesOf = <Command>(
  boundary: {
    readonly name: string
    readonly maxParticipants: number
    readonly stages: (command: Command) => ReadonlyArray<Boundary.Stage>
  },
  command: Command,
  history: History
): Roles => {
  const { maxParticipants: limit, name } = boundary
  const read = new Set<StreamId.StreamId>()
  const stateOf = (participant: Participant.Any): never =>
    (read.has(participant.streamId) ? stateAfter(participant, history) : undefined) as never
  let earlier: Roles = {}
  for (const stage of boundary.stages(command)) {
    let roles: Roles
    let known: number
    // A stage is asked until it names no stream that is new.
    do {
      known = read.size
      roles = { ...earlier, ...stage(statesOf(earlier, history) as never, stateOf) }
      for (const { streamId } of Object.values(roles).flat() as ReadonlyArray<Participant.Any>) read.add(streamId)
      if (read.size > limit) throw new TooManyParticipants({ boundary: name, limit, found: read.size })
    } while (read.size > known)
    earlier = roles
  }
  return earlier
}

/** The states of the participants by role. */
export const statesOf = (roles: Roles, history: History): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(roles).map(([role, players]) => [
      role,
      isList(players) ? players.map((each) => stateAfter(each, history)) : stateAfter(players, history)
    ])
  )

const stateAfter = ({ source, streamId }: Participant.Any, history: History): unknown =>
  (history.get(streamId) ?? []).reduce((state, event) => source.evolve(state as never, event as never), source.initial)

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

/** The events of an emission as they would be recorded, by role; roles without an event are left out. */
export const recordedByRole = (roles: Roles, emission: object): Record<string, unknown> => {
  const recorded: Record<string, unknown> = {}
  for (const [role, events] of entriesOf(emission).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const players = roles[role]
    if (events.flat().length === 0) continue
    recorded[role] =
      players !== undefined && isList(players)
        ? events.map((each, i) => recordedIn(players[i], each))
        : recordedIn(players, events)
  }
  return recorded
}

const entriesOf = (emission: object) => Object.entries<ReadonlyArray<unknown>>({ ...emission })

const recordedIn = (participant: Participant.Any | undefined, events: unknown): unknown =>
  Array.isArray(events) ? events.map((event) => recordedIn(participant, event)) : recordedBy(participant, events)

const recordedBy = (participant: Participant.Any | undefined, event: unknown): unknown => {
  const { _tag: tag, ...fields } = event as { readonly _tag: string }
  const schema = participant?.source.schemas.events.get(tag)
  if (schema === undefined) return { [tag]: plain(fields) }
  const { _tag, ...data } = Schema.encodeUnknownSync(Schema.toCodecJson(schema))(event) as { readonly _tag: string }
  return { [tag]: data }
}

/** Refuses what an executor refuses too: one stream with events in two roles. */
export const checkWrites = (boundary: string, roles: Roles, emission: object): void => {
  const writers = new Map<StreamId.StreamId, string>()
  for (const [role, events] of entriesOf(emission)) {
    const players = roles[role]
    if (players === undefined) continue
    const written = isList(players)
      ? players.filter((_, i) => ((events[i] ?? []) as ReadonlyArray<unknown>).length > 0)
      : events.length > 0
        ? [players]
        : []
    for (const { streamId } of written) {
      const other = writers.get(streamId)
      if (other !== undefined) {
        throw new StreamWrittenTwice({ boundary, stream: streamId, roles: [other, role] })
      }
      writers.set(streamId, role)
    }
  }
}

/** Which stream plays which role, and which streams were given and not read. */
export const cast = (roles: Roles, history: History): string => {
  const played = Object.entries(roles).map(([role, players]) => {
    const streams = isList(players) ? players.map(({ streamId }) => streamId) : [players.streamId]
    return `${role}: ${streams.join(", ")}`
  })
  const read = new Set(
    Object.values(roles).flatMap((players) => (isList(players) ? players : [players]).map(({ streamId }) => streamId))
  )
  const unread = [...history.keys()].filter((streamId) => !read.has(streamId))
  const warning = unread.length === 0 ? "" : `\nThe command does not read ${unread.join(", ")}, which has events given.`
  return `\n(${played.join("; ")})${warning}`
}
