import { assert, it } from "@effect/vitest"
import { NotServing, StreamId } from "@hexfold/core"
import { Duration, Effect, Fiber } from "effect"
import { describe } from "vitest"
import { client, newSchema, type OpenedStores, openStores } from "../support/database.ts"
import { append } from "../support/events.ts"

const view = "Things"
const first = { view, version: 1 }

const claim = (
  { projections }: OpenedStores,
  version: number,
  owner: string,
  lease: Duration.Duration = Duration.infinity
) => projections.claim({ generation: { view, version }, owner, lease })

const own = (stores: OpenedStores, version: number, owner: string, lease?: Duration.Duration) =>
  Effect.map(claim(stores, version, owner, lease), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

const commit = ({ projections }: OpenedStores, epoch: number, to: number) =>
  projections.commit({
    owner: { generation: first, epoch },
    from: 0,
    to,
    records: { put: [{ key: "a", state: to }], remove: [] },
    asks: "serve"
  })

/** What a reader gets of version 1: a state, or why nothing answers. */
const answer = ({ records }: OpenedStores) =>
  records.load(first, ["a"]).pipe(
    Effect.map(({ states }) => states.get("a")),
    Effect.catchIf(
      (error) => error instanceof NotServing,
      ({ reason }) => Effect.succeed(reason)
    )
  )

/** Version 1 was left by the owner of an epoch, after whom version 2 had one, and an event has come. */
const left = Effect.gen(function* () {
  const schema = yield* newSchema
  const [one, two] = yield* Effect.all([openStores({ schema, leftAfter: 0 }), openStores({ schema, leftAfter: 0 })])
  const epoch = yield* own(one, 1, "former", Duration.zero)
  yield* commit(one, epoch, 0)
  yield* own(one, 2, "other", Duration.zero)
  assert.strictEqual(yield* answer(two), 0)
  yield* append(one.events, StreamId.make("Account", "1"), 1)
  assert.strictEqual(yield* answer(two), "left")
  const sql = yield* client()
  const waiting = sql.unsafe("select from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [
    `%${schema}%`
  ])
  return { one, two, epoch, untilBlocked: Effect.repeat(waiting, { until: ({ length }) => length > 0 }) }
})

describe("a version that was left", () => {
  it.live("answers if its new owner has let it serve, also after a claim that saw it as left and came late", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* left
      const scope = yield* Effect.scope
      const late = yield* one.transaction(
        Effect.gen(function* () {
          yield* commit(one, yield* own(one, 1, "next"), 1)
          const late = yield* Effect.forkIn(claim(two, 1, "late"), scope)
          yield* untilBlocked
          return late
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(late), { _tag: "Held", by: "next" })
      assert.strictEqual(yield* answer(two), 1)
    })
  )

  it.live("answers if its former owner catches up while another one claims it", () =>
    Effect.gen(function* () {
      const { epoch, one, two, untilBlocked } = yield* left
      const scope = yield* Effect.scope
      const late = yield* one.transaction(
        Effect.gen(function* () {
          yield* commit(one, epoch, 1)
          const late = yield* Effect.forkIn(claim(two, 1, "late"), scope)
          yield* untilBlocked
          return late
        })
      )
      const claimed = yield* Fiber.join(late)
      assert.deepInclude(claimed, { _tag: "Owned", position: 1 })
      assert.strictEqual(yield* answer(two), 1)
    })
  )

  it.live("does not answer once another owner has claimed it, and a late commit of the former one is refused", () =>
    Effect.gen(function* () {
      const { epoch, one, two, untilBlocked } = yield* left
      const scope = yield* Effect.scope
      const late = yield* one.transaction(
        Effect.gen(function* () {
          yield* own(one, 1, "next")
          const late = yield* Effect.forkIn(Effect.flip(commit(two, epoch, 1)), scope)
          yield* untilBlocked
          return late
        })
      )
      assert.strictEqual((yield* Fiber.join(late))._tag, "CommitConflict")
      assert.strictEqual(yield* answer(two), "building")
    })
  )
})
