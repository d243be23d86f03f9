import { CommitConflict, Reason, type ViewStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Result } from "effect"
import * as deadLetters from "./deadLetters.ts"
import {
  demote,
  drop,
  find,
  type Generations,
  inOrder,
  type Part,
  positionOf,
  serving,
  type Stored,
  write as writeRecords
} from "./generations.ts"

/** What the appends of a process know of a view. */
export interface Maintaining {
  /** Whether the appends know the definition of a generation. */
  readonly knows: (generation: ViewStore.Generation) => boolean
  /** Lets the appends maintain a generation if they can. */
  readonly promote: (view: string, stored: Stored) => void
}

/** Checks a commit and writes it, or changes nothing. */
export const commit = (
  generations: Generations,
  given: ViewStore.Commit,
  maintaining?: Maintaining
): Result.Result<void, CommitConflict | ViewStoreError> => {
  const commit = CommitCheck.check(given)
  if ("_tag" in commit) return Result.fail(commit)
  const { epoch, from, generation } = commit
  const { version, view } = generation
  const stored = find(generations, generation)
  const part = stored?.parts[commit.part ?? 0]
  // A generation that appends maintain has reached the last position, but accepts no commit there.
  const isOwner = stored?.inline === undefined && part?.epoch === epoch && part.position === from
  if (stored === undefined || part === undefined || !isOwner || deadLetters.isOvertaken(stored, commit)) {
    const actual = { epoch: part?.epoch ?? 0, position: part?.position ?? 0 }
    return Result.fail(new CommitConflict({ view, version, expected: { epoch, position: from }, actual }))
  }
  if (commit.inline === true && maintaining?.knows(generation) !== true) {
    return Result.fail(rejected(view, "no append of this store maintains the view"))
  }
  if (commit.drop === true) {
    if (stored.serves) return Result.fail(rejected(view, "a generation that answers queries is not dropped"))
    return Result.succeed(drop(generations, view, stored))
  }
  write(stored, part, commit)
  if (commit.inline === true) maintaining?.promote(view, stored)
  if (commit.serve === true) {
    const current = serving(generations, view)
    const isLater = current !== undefined && inOrder(stored, current) > 0
    // If appends cannot maintain this generation, they stop maintaining the one before: it could never catch up with that.
    if (commit.inline === true && stored.inline === undefined && isLater) demote(generations, current)
    serve(generations, view, stored, commit.overLost === true)
  }
  return Result.succeed(undefined)
}

const write = (stored: Stored, part: Part, commit: ViewStore.Commit): void => {
  const { from, to } = commit
  writeRecords(stored, commit)
  for (const deadLetter of commit.deadLetters?.put ?? []) deadLetters.keep(stored, deadLetter)
  for (const place of commit.deadLetters?.remove ?? []) deadLetters.remove(stored, place)
  part.position = to
  part.history = commit.history ?? part.history
  part.failure = commit.failure ?? (to === from ? part.failure : undefined)
  part.throughput = commit.throughput ?? part.throughput
}

const serve = (generations: Generations, view: string, next: Stored, overLost: boolean): void => {
  const current = serving(generations, view)
  if (current === undefined || inOrder(next, current) <= 0) return
  if (!overLost && positionOf(generations, next) < positionOf(generations, current)) return
  current.serves = false
  next.serves = true
  for (const earlier of generations.views.get(view)!) {
    if (earlier.version !== next.version || earlier.build >= next.build) continue
    demote(generations, earlier)
    earlier.replaced = true
    for (const part of earlier.parts) {
      part.epoch = generations.nextEpoch()
      part.leasedUntil = 0
    }
  }
}

const rejected = (view: string, detail: string) =>
  new ViewStoreError({ operation: "commit", view, reason: new Reason.Rejected({ detail }) })
