import type { ProjectionStore } from "@hexfold/core"
import { CommitCheck, QueryEvaluation } from "@hexfold/core/adapter"
import type { Stored } from "./generations.ts"

type Place = Pick<ProjectionStore.DeadLetter, "key" | "position">

/** Writes a dead letter. */
export const keep = (stored: Stored, deadLetter: ProjectionStore.DeadLetter): void => {
  remove(stored, deadLetter)
  stored.deadLetters.set(nameOf(deadLetter), deadLetter)
  const { key, parked } = deadLetter
  if (parked) stored.parked.set(key, (stored.parked.get(key) ?? 0) + 1)
}

/** Deletes a dead letter. */
export const remove = (stored: Stored, place: Place): void => {
  const found = stored.deadLetters.get(nameOf(place))
  if (found === undefined) return
  stored.deadLetters.delete(nameOf(place))
  if (!found.parked) return
  const left = stored.parked.get(found.key)! - 1
  if (left === 0) stored.parked.delete(found.key)
  else stored.parked.set(found.key, left)
}

/** Whether a commit expects dead letters that do not exist any more. */
export const isOvertaken = (stored: Stored, { deadLetters }: ProjectionStore.Commit): boolean =>
  (deadLetters?.remove ?? []).some((place) => !stored.deadLetters.has(nameOf(place))) ||
  [...CommitCheck.waitingKeys(deadLetters)].some((key) => !stored.parked.has(key))

/** The dead letters of a generation, by position and key. */
export const select = (
  stored: Stored | undefined,
  { after, key, limit, parked }: ProjectionStore.DeadLetterOptions = {}
): ReadonlyArray<ProjectionStore.DeadLetter> =>
  [...(stored?.deadLetters.values() ?? [])]
    .filter((deadLetter) => key === undefined || deadLetter.key === key)
    .filter((deadLetter) => parked === undefined || deadLetter.parked === parked)
    .filter((deadLetter) => after === undefined || inOrder(deadLetter, after) > 0)
    .sort(inOrder)
    .slice(0, limit)

/** Counts the dead letters of a generation. */
export const count = (stored: Stored | undefined): ProjectionStore.DeadLetterCounts => ({
  parked: stored?.parked.size ?? 0,
  skipped: select(stored, { parked: false }).length
})

const nameOf = ({ key, position }: Place): string => `${position} ${key}`

const inOrder = (a: Place, b: Place): number => a.position - b.position || QueryEvaluation.compareTexts(a.key, b.key)
