/** What an owner takes of the events that it reads. Pure. */
import * as Result from "effect/Result"
import type { Part } from "../../../ports/generation.ts"
import { jsonBytes } from "../../../ports/jsonBytes.ts"
import type { Candidate } from "../../views/decoding.ts"
import { partOf } from "../../views/partOf.ts"
import type { DoneBefore } from "./ahead.ts"
import type { Unit } from "./delivery.ts"

/** What is to be handled of an event by the owner of a part. Undefined if nothing is. */
export const of = (
  { decoded, keys = [], recorded }: Candidate,
  part: Part,
  before: Pick<DoneBefore, "has">
): Unit | undefined => {
  const isOwn = (key: string) => part.of === 1 || partOf(key, part.of) === part.index
  const isOpen = (key: string) => isOwn(key) && !before.has(recorded.position, key)
  const own = keys.filter(isOpen)
  if (Result.isFailure(decoded)) {
    // If its keys are not known, it concerns every part.
    if (keys.length > 0 && !keys.some(isOwn)) return undefined
    const isLeft = keys.length === 0 || own.length > 0
    return { recorded, parts: [], isSplit: false, keys: own, failure: isLeft ? decoded.failure : undefined }
  }
  if (!keys.some(isOwn)) return undefined
  const { parts: all } = decoded.success
  const parts = all.filter(({ keys }) => keys.length > 0 && isOpen(keys[0]!))
  return { recorded, parts, isSplit: all.length > 1, keys: own, failure: undefined }
}

/** Whether a former owner has done all of it. */
export const isDone = ({ failure, keys, recorded: { position } }: Unit, before: Pick<DoneBefore, "has">): boolean =>
  keys.length === 0 && (failure === undefined || before.has(position, ""))

/** How much of the window it takes. A large event takes more of it, but never more than there is. */
export const roomOf = ({ recorded }: Pick<Unit, "recorded">, window: number): number =>
  Math.min(window, 1 + Math.floor(jsonBytes(recorded.data) / bytesOfRoom))

const bytesOfRoom = 8_192
