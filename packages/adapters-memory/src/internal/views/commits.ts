import { CommitConflict, type ProjectionStore, Reason, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Result } from "effect"
import * as deadLetters from "./deadLetters.ts"
import {
  demote,
  find,
  type Generations,
  inOrder,
  never,
  type Part,
  positionOf,
  remove,
  serving,
  type Stored,
  write as writeRecords
} from "./generations.ts"

/** What the appends of a process know of a view. */
export interface Maintaining {
  /** Whether the appends know the definition that has made a generation. */
  readonly knows: (view: string, stored: Stored) => boolean
  /** Lets the appends maintain a generation if they can. */
  readonly promote: (view: string, stored: Stored) => void
}

/** Checks a commit and writes it, or changes nothing. */
export const commit = (
  generations: Generations,
  given: ProjectionStore.Commit,
  maintaining?: Maintaining
): Result.Result<void, CommitConflict | ViewStoreError> => {
  const commit = CommitCheck.check(given)
  if ("_tag" in commit) return Result.fail(commit)
  const { from, owner } = commit
  const { epoch, generation } = owner
  const { view } = generation
  const { part, stored } = partOf(generations, owner)
  // A generation that appends maintain has reached the last position, but accepts no commit there.
  const isOwner = stored?.inline === undefined && part?.epoch === epoch && part.position === from
  if (stored === undefined || part === undefined || !isOwner || deadLetters.isOvertaken(stored, commit)) {
    return Result.fail(conflict(owner, part, from))
  }
  const inline = commit.asks === "serve inline"
  if (inline && maintaining?.knows(view, stored) !== true) {
    return Result.fail(rejected("commit", view, "no append of this store maintains this definition of the view"))
  }
  write(stored, part, commit)
  if (inline) maintaining?.promote(view, stored)
  if (commit.asks !== undefined) {
    const current = serving(generations, view, stored.version)
    const isLater = current !== undefined && inOrder(stored, current) > 0
    // If appends cannot maintain this generation, they stop maintaining the one before: it could never catch up with that.
    if (inline && stored.inline === undefined && isLater) demote(generations, current)
    serve(generations, view, stored, commit.to, commit.asks === "serve over lost")
  }
  return Result.succeed(undefined)
}

/** Checks a drop and deletes the generation, or changes nothing. */
export const drop = (
  generations: Generations,
  { evenIfServing = false, ...owner }: ProjectionStore.Drop
): Result.Result<void, CommitConflict | ViewStoreError> => {
  const refused = CommitCheck.checkDrop(owner)
  if (refused !== undefined) return Result.fail(refused)
  const { view } = owner.generation
  const { part, stored } = partOf(generations, owner)
  if (stored === undefined || stored.inline !== undefined || part?.epoch !== owner.epoch) {
    return Result.fail(conflict(owner, part, part?.position ?? 0))
  }
  const isNeeded = generations.views.get(view)!.every((each) => each.version === stored.version || !each.serves)
  if (stored.serves && isNeeded && !evenIfServing) {
    return Result.fail(rejected("drop", view, "the only version that answers queries is not dropped"))
  }
  return Result.succeed(remove(generations, view, stored))
}

const partOf = (generations: Generations, { generation, part = 0 }: ProjectionStore.Owner) => {
  const stored = find(generations, generation)
  return { stored, part: stored?.parts[part] }
}

const conflict = (
  { epoch, generation: { version, view } }: ProjectionStore.Owner,
  part: Part | undefined,
  position: number
) => {
  const actual = { epoch: part?.epoch ?? 0, position: part?.position ?? 0 }
  return new CommitConflict({ view, version, expected: { epoch, position }, actual })
}

const write = (stored: Stored, part: Part, commit: ProjectionStore.Commit): void => {
  const { from, progress, to } = commit
  if (commit.records !== undefined) writeRecords(stored, commit.records)
  for (const deadLetter of commit.deadLetters?.put ?? []) deadLetters.keep(stored, deadLetter)
  for (const place of commit.deadLetters?.remove ?? []) deadLetters.remove(stored, place)
  part.position = to
  part.history = commit.history ?? part.history
  part.failure = progress?.failure ?? (to === from ? part.failure : undefined)
  part.throughput = progress?.throughput ?? part.throughput
}

const serve = (generations: Generations, view: string, next: Stored, to: number, overLost: boolean): void => {
  const current = serving(generations, view, next.version)
  if (current !== undefined && inOrder(next, current) <= 0) return
  const least = current === undefined ? to : positionOf(generations, current)
  if (!overLost && positionOf(generations, next) < least) return
  if (current !== undefined) current.serves = false
  next.serves = true
  for (const earlier of generations.views.get(view)!) {
    if (earlier.version !== next.version || earlier.build >= next.build) continue
    demote(generations, earlier)
    earlier.replaced = true
    for (const part of earlier.parts) {
      part.epoch = generations.nextEpoch()
      part.leasedUntil = never
    }
  }
}

const rejected = (operation: "commit" | "drop", view: string, detail: string) =>
  new ViewStoreError({ operation, view, reason: new Reason.Rejected({ detail }) })
