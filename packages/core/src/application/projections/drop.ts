import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DropRefused } from "./errors.ts"
import type { Claimed, Status, ViewStore } from "../../ports/ViewStore.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import type { Owned } from "./worker/lease.ts"
import * as uuid from "../../internal/uuid.ts"

/** Removes a generation that nobody owns. */
export const drop = (
  records: ViewStore["Service"],
  { build, parts, version, view }: Status
): Effect.Effect<void, DropRefused | ViewStoreError> =>
  Effect.gen(function* () {
    const generation = { view, version, build }
    const owner = uuid.make(yield* Clock.currentTimeMillis)
    const claim = (index: number, lease: Duration.Duration) =>
      records.claim({ generation, part: { index, of: parts.length }, owner, lease })
    const refuse = (by: Claimed | undefined) =>
      new DropRefused({
        ...generation,
        reason: "Owned",
        ...(by?._tag === "Held" ? { owner: by.by } : undefined)
      })

    // Nobody begins to write a part while we own them all.
    const claimed: Array<Owned> = []
    for (const index of parts.keys()) {
      const answer = yield* claim(index, lease)
      if (answer._tag !== "Owned") {
        yield* Effect.forEach(claimed.keys(), (taken) => claim(taken, Duration.zero))
        return yield* refuse(answer)
      }
      claimed.push(answer)
    }
    const { epoch, position } = claimed[0]!
    const commit = { generation, epoch, from: position, to: position, put: [], remove: [], drop: true }
    yield* Effect.catchTag(records.commit(commit), "CommitConflict", () => Effect.fail(refuse(undefined)))
  })

// Long enough for a store that is slow; it ends with the generation.
const lease = Duration.seconds(10)
