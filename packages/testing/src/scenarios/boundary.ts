import type { Aggregate, Boundary, Participant, StreamId } from "@hexfold/core"
import { Result } from "effect"
import { cast, checkWrites, keepByRole, statesIn, type Streams } from "./boundaryRun.ts"
import { fold, initialOf, keepError, type Source } from "./kept.ts"
import { accepted, type Decided, type Events, goesOn, listed, refuseAwait, rejected } from "./outcome.ts"
import { playersOf, rolesOf, statesOf } from "./roles.ts"

/** The scenarios of a boundary, with what has happened so far. */
export interface BoundaryScenario<Command, States, Event, Error> {
  /** These events have happened in the stream of a participant, such as `Account.at("a")`, after those before. */
  readonly given: <Name extends string, State, Given extends Aggregate.Tagged>(
    participant: Participant.Participant<Name, State, Given, Participant.Access>,
    ...events: Events<NoInfer<Given>>
  ) => BoundaryScenario<Command, States, Event, Error>
  /** This command comes. */
  readonly when: (command: Command) => BoundaryWhen<Command, States, Event, Error>
}

/** The command of a boundary has been decided; the next step says what must have come of it. */
export interface BoundaryWhen<Command, States, Event, Error> {
  /** The command is accepted, whatever it causes, and then this one comes. */
  readonly when: (command: Command) => BoundaryWhen<Command, States, Event, Error>
  /** The command is accepted and causes exactly these events. A role that is left out gets no event. */
  readonly then: (events: EventsByRole<States, Event>) => BoundaryScenario<Command, States, Event, Error>
  /** The command is rejected with exactly this error. */
  readonly thenRejected: (error: Error) => BoundaryScenario<Command, States, Event, Error>
  /** The command is accepted and causes no event. */
  readonly thenNothing: () => BoundaryScenario<Command, States, Event, Error>
}

/** The events of a decision by role; for a role of several streams, a list for each in the role's order. */
export type EventsByRole<States, Event> =
  States extends Participant.StatesOf<infer P>
    ? { readonly [Role in keyof P]?: EventsOf<P[Role], Event> }
    : { readonly [Role in keyof States]?: EventsOf<unknown, Event> }

// The states of a boundary that `Boundary.make` has made name its participants, so each role has its own events.
type EventsOf<Players, Event> = Players extends Participant.Any
  ? ReadonlyArray<Participant.EventOf<Players>>
  : Players extends ReadonlyArray<infer Each extends Participant.Any>
    ? ReadonlyArray<ReadonlyArray<Participant.EventOf<Each>>>
    : ReadonlyArray<Event> | ReadonlyArray<ReadonlyArray<Event>>

/** The scenarios of a boundary after what has happened in some streams. */
export const ofBoundary = <
  Name extends string,
  Command extends Aggregate.Tagged,
  States,
  Event extends Aggregate.Tagged,
  Error
>(
  boundary: Boundary.Boundary<Name, Command, States, Event, Error>,
  streams: Streams = new Map()
): BoundaryScenario<Command, States, Event, Error> => ({
  given: ({ source, streamId }, ...events) => {
    const state = () => fold(source, "the given event", stateIn(streams, source, streamId), listed(events))
    return ofBoundary(boundary, new Map(streams).set(streamId, { source, state, isRead: false }))
  },

  when: (command) => {
    const tag = command._tag
    const stateOf = statesIn(streams)
    const roles = rolesOf(boundary, command, stateOf)
    const decision = Result.mapBoth(boundary.decide(command, statesOf(roles, stateOf) as States), {
      onSuccess: (emission) => keepByRole(roles, `${tag} causes`, emission),
      onFailure: (error) => keepError(boundary.name, boundary.errors, `${tag} is rejected: the error`, error)
    })
    if (Result.isSuccess(decision)) checkWrites(boundary.name, decision.success.writes)
    const decided: Decided = {
      command: tag,
      about: cast(roles, streams),
      outcome: decision
    }
    const next = () => {
      const after = new Map(streams)
      for (const { streamId } of playersOf(roles)) {
        const known = streams.get(streamId)
        if (known !== undefined) after.set(streamId, { ...known, isRead: true })
      }
      for (const { events, participant } of Result.isSuccess(decision) ? decision.success.writes : []) {
        const { source, streamId } = participant
        const caused = events.map(({ value }) => value)
        const state = fold(source, `${tag} causes: the event`, stateOf(participant), caused)
        after.set(streamId, { source, state: () => state, isRead: true })
      }
      return ofBoundary(boundary, after)
    }
    return {
      when: (following) => {
        goesOn(decided, following._tag)
        return next().when(following)
      },
      then: (expected) => {
        refuseAwait(`when(${tag})`, expected)
        accepted(decided, keepByRole(roles, "expected", expected))
        return next()
      },
      thenNothing: () => {
        accepted(decided, { json: {}, value: {} })
        return next()
      },
      thenRejected: (expected) => {
        rejected(decided, keepError(boundary.name, boundary.errors, "the expected error", expected))
        return next()
      }
    }
  }
})

const stateIn = (streams: Streams, source: Source, streamId: StreamId.StreamId): unknown =>
  (streams.get(streamId)?.state ?? (() => initialOf(source)))()
