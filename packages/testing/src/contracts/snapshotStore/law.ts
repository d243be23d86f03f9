import { assert } from "@effect/vitest"
import { Executor, Snapshots } from "@hexfold/core"
import { Effect } from "effect"
import fc from "fast-check"
import { type Node, Nodes, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { keeping, type Ledger, ledger, move, newName, on, shown, whole } from "./ledger.ts"

const revisions = [1, 2, 3]
const ids = ["a", "b", "c"]

const revision = fc.constantFrom(...revisions)
const id = fc.constantFrom(...ids)
const amounts = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 6 })
const every = fc.integer({ min: 1, max: 5 })

/** What happens to the streams and to their snapshots. */
const step = fc.oneof(
  // A process of some revision begins, executes commands one after the other, and ends.
  {
    weight: 4,
    arbitrary: fc.record({
      _tag: fc.constant("commands" as const),
      revision,
      every,
      ids: fc.array(id, { minLength: 1, maxLength: 4 }),
      amounts
    })
  },
  // Processes of two revisions execute commands at the same time.
  {
    weight: 3,
    arbitrary: fc.record({
      _tag: fc.constant("race" as const),
      revisions: fc.tuple(revision, revision),
      every,
      id,
      amounts
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ _tag: fc.constant("move" as const), revision, every, from: id, to: id, amounts })
  },
  // Somebody who knows nothing of snapshots.
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("append" as const), id, amounts }) },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("read" as const), revision, every, id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      _tag: fc.constant("spoil" as const),
      revision,
      id,
      how: fc.constantFrom("ahead" as const, "rubbish" as const, "later history" as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("remove" as const), id }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("lose" as const), events: fc.nat({ max: 4 }) }) }
)

type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never

const post = (amounts: ReadonlyArray<number>) => ({ _tag: "Post", amounts }) as const

/** A state of the right shape that no stream has, and one of another shape. */
const wrong = { sum: "123456789", count: 4_711, byText: { no: 1 }, last: null }

const take = Effect.fnUntraced(function* (nodes: readonly [Node, Node], ledgers: ReadonlyArray<Ledger>, step: Step) {
  const [node, other] = nodes
  const of = (revision: number) => ledgers[revision - 1]!
  switch (step._tag) {
    case "commands": {
      const each = of(step.revision)
      const all = step.ids.map((id) => Executor.execute(each, id, post(step.amounts)))
      yield* keeping(node, [each], step.every)(Effect.all(all))
      return
    }
    case "race": {
      const racers = step.revisions.map((revision, i) =>
        Effect.all(
          [0, 1].map(() => Executor.execute(of(revision), step.id, post(step.amounts))),
          { concurrency: "unbounded" }
        ).pipe(keeping(nodes[i]!, [of(revision)], step.every))
      )
      yield* Effect.all(racers, { concurrency: "unbounded" })
      return
    }
    case "move": {
      const { amounts, from, to } = step
      if (from === to) return
      const each = of(step.revision)
      yield* keeping(other, [Snapshots.when(each, ({ sinceSnapshot }) => sinceSnapshot >= step.every)])(
        Executor.execute(move(each), { _tag: "Move", from, to, amount: amounts[0]! })
      )
      return
    }
    case "append":
      yield* on(other, Executor.execute(of(1), step.id, post(step.amounts)))
      return
    case "read":
      yield* keeping(other, [of(step.revision)], step.every)(Executor.load(of(step.revision), step.id))
      return
    case "spoil": {
      const each = of(step.revision)
      const streamId = each.streamId(step.id)
      const { history } = yield* node.eventStore.readStreams([])
      const { how } = step
      yield* node.snapshotStore.save([
        {
          streamId,
          fingerprint: Snapshots.fingerprint(each),
          version: how === "rubbish" ? 1 : 1_000,
          history: how === "later history" ? history + 3 : history,
          position: 1,
          state: how === "rubbish" ? { sum: 1 } : wrong
        }
      ])
      return
    }
    case "remove":
      yield* other.snapshotStore.remove({ streamId: of(1).streamId(step.id) })
      return
    case "lose":
      if (yield* Nodes.use(({ declares }) => Effect.succeed(declares("lostCommits")))) yield* node.loseLast(step.events)
  }
})

/** Every revision sees every stream as the fold of all its events. */
const check = Effect.fnUntraced(function* (nodes: readonly [Node, Node], ledgers: ReadonlyArray<Ledger>, said: string) {
  for (const [i, each] of ledgers.entries()) {
    const node = nodes[i % 2]!
    const seen = yield* keeping(node, [each], 3)(Effect.all(ids.map((id) => Executor.load(each, id))))
    for (const [k, id] of ids.entries()) {
      const expected = yield* whole(nodes[0], each, each.streamId(id))
      assert.strictEqual(shown(seen[k]!), shown(expected), `revision ${each.revision} of ${id}, after ${said}`)
    }
  }
})

/** The law of snapshots. */
export const law: Cases = {
  "snapshot and later events are the fold of all events, for any cut, any order of revisions, any interleaving with appends":
    needs("otherProcesses")(function* () {
      const nodes = [yield* open, yield* open] as const
      for (const steps of fc.sample(fc.array(step, { minLength: 6, maxLength: 14 }), 6)) {
        const name = newName()
        const ledgers = revisions.map((revision) => ledger(name, revision))
        for (const [i, step] of steps.entries()) {
          yield* take(nodes, ledgers, step)
          // Most of the time the snapshots meet later events before anybody reads them.
          if (i % 3 === 2 || i === steps.length - 1) {
            yield* check(nodes, ledgers, JSON.stringify(steps.slice(0, i + 1)))
          }
        }
      }
    })
}
