/** The states that a history goes through. */
import type { Step } from "../histories/world.ts"

/** Each event of an aggregate, with the states before and after it. */
export type Steps<State, Event> = Iterable<{ readonly before: State; readonly after: State; readonly event: Event }>

/** The events of the aggregate with a name, one after the other, except those that it does not declare. */
export const stepsOf = function* (steps: ReadonlyArray<Step>, name: string): Steps<unknown, unknown> {
  for (const { parts } of steps) {
    for (const { before, events, participant } of parts) {
      if (participant.source.name !== name) continue
      let state = before.state
      for (const event of events) {
        if (!participant.source.schemas.events.has(event._tag)) continue
        const after: unknown = participant.source.evolve(state as never, event as never)
        yield { before: state, after, event }
        state = after
      }
    }
  }
}

/** The states of the aggregate with a name after each command, with its last event. */
export const statesOf = function* (steps: ReadonlyArray<Step>, name: string) {
  for (const { parts } of steps) {
    for (const { after, before, events, participant } of parts) {
      if (participant.source.name === name && events.length > 0) {
        yield { before: before.state, after: after.state, events }
      }
    }
  }
}
