/** The promise of `SerialOrder`, checked on every permutation of a history, without any of the search's code. */
import type { SerialOrder } from "@hexfold/testing"
import { Result } from "effect"

/** Whether this order follows the three rules. It may be a part of a history. */
export const isSerial = <State, Command, Event, Error>(
  order: ReadonlyArray<SerialOrder.Operation<Command, Event, Error>>,
  model: SerialOrder.Model<State, Command, Event, Error>
): boolean => {
  let state = model.initial
  const versions = new Map<string, number>()
  for (const [i, { after = 0, began, command, outcome }] of order.entries()) {
    const expected = model.decide(command, state)
    const recorded = Result.isSuccess(outcome) ? outcome.success : []
    const actual = Result.map(outcome, (events) => events.map(({ data }) => data))
    if (JSON.stringify(expected) !== JSON.stringify(actual)) return false
    for (const event of recorded) {
      if (event.version <= (versions.get(event.streamId) ?? 0)) return false
      versions.set(event.streamId, event.version)
      state = model.evolve(state, event)
    }
    // What stands here or later must not have to come before this operation.
    for (const later of order.slice(i)) {
      if (Result.isSuccess(later.outcome) && later.outcome.success.some(({ position }) => position <= after))
        return false
      if (later.ended !== undefined && began !== undefined && later.ended < began) return false
    }
  }
  return true
}

/** Whether any permutation is serial. */
export const hasSerialOrder = <State, Command, Event, Error>(
  operations: ReadonlyArray<SerialOrder.Operation<Command, Event, Error>>,
  model: SerialOrder.Model<State, Command, Event, Error>
): boolean => permutations(operations).some((order) => isSerial(order, model))

const permutations = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) =>
        permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest])
      )
