/** Who plays which role of a boundary, for scenarios and for histories. */
import { type Boundary, type Participant, type StreamId, TooManyParticipants } from "@hexfold/core"

/** The participants of a command by role. */
export type Roles = Participant.Participants

/** The state of a participant's stream. */
export type StateOf = (participant: Participant.Any) => unknown

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

/** Whether a role is played by several streams. */
export const isList = (
  role: Participant.Any | ReadonlyArray<Participant.Any>
): role is ReadonlyArray<Participant.Any> => Array.isArray(role)
