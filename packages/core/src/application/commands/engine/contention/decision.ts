import * as Cause from "effect/Cause"
import * as Result from "effect/Result"
import type { Part, Write } from "../../../../ports/EventStore.ts"
import { jsonBytes } from "../../../../ports/jsonBytes.ts"
import { partOf } from "../appendOf.ts"
import type { StreamWrite } from "../commandPlan.ts"
import type { End, Member } from "./member.ts"

/** A command that adds something, perhaps only its id. */
export interface DecidedPart<out Error = unknown, out Receipt = unknown> {
  readonly member: Member<Error, Receipt>
  readonly part: Part
  readonly writes: ReadonlyArray<StreamWrite>
}

/** A command that leaves no trace, and how it ends if the states that it was decided on are confirmed. */
export interface DecidedEnd<out Error = unknown, out Receipt = unknown> {
  readonly member: Member<Error, Receipt>
  readonly part: undefined
  readonly end: End<Error, Receipt>
}

export type Decided<Error = unknown, Receipt = unknown> = DecidedPart<Error, Receipt> | DecidedEnd<Error, Receipt>

/** Decides a command on the states that its plan has been given. */
export const decide = <Error, Receipt>(member: Member<Error, Receipt>): Decided<Error, Receipt> => {
  const { context, plan, started } = member
  let decision: ReturnType<typeof plan.decide>
  try {
    decision = plan.decide()
  } catch (defect) {
    return ending(member, () => member.died(defect))
  }
  if (Result.isFailure(decision)) {
    const { error, isRejection } = decision.failure
    return ending(member, () => (isRejection ? member.rejected(error) : member.failed(Cause.fail(error))))
  }
  const writes = decision.success
  if (writes.length === 0 && plan.key === undefined && !plan.checksEmptyDecision) {
    return ending(member, () => member.accepted([], [], 1))
  }
  const part = partOf(writes, plan.key, () => context.nextId(started), context.metadata)
  if (Result.isFailure(part)) return ending(member, () => member.refused(part.failure))
  return { member, part: part.success, writes }
}

/** A command that leaves no trace. */
export const ending = <Error, Receipt>(
  member: Member<Error, Receipt>,
  end: DecidedEnd<Error, Receipt>["end"]
): DecidedEnd<Error, Receipt> => ({ member, part: undefined, end })

// What an event takes besides its data.
const bytesAround = 256

/** About how many bytes an append takes for these events. */
export const bytesOf = (writes: ReadonlyArray<Write>): number => {
  let bytes = 0
  for (const { events } of writes) for (const { data } of events) bytes += jsonBytes(data) + bytesAround
  return bytes
}
