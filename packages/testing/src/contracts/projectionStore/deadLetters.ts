import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { DateTime, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { letter, newGeneration, open, own } from "./generations.ts"

const opened = Effect.gen(function* () {
  const store = yield* open
  const generation = newGeneration()
  const epoch = yield* own(store, generation)
  let from = 0
  const commit = (
    put: ReadonlyArray<ProjectionStore.DeadLetter>,
    remove: ReadonlyArray<ProjectionStore.DeadLetter> = []
  ) =>
    Effect.suspend(() =>
      store.commit({ owner: { generation, epoch }, from, to: from + 1, deadLetters: { put, remove } })
    ).pipe(Effect.tap(() => Effect.sync(() => from++)))
  return { store, generation, epoch, commit }
})

// From U+10000 on a character has four bytes, and its first UTF-16 unit sorts before U+FFFF.
const hostile = ["'", '"', "%", "\\", "a b", " a", "$1", "a", "ä", "\ue000", "\uffff", "😀", "𐀀", "null", "{}", ""]

/** A number of characters of four bytes, which do not get shorter when they are compressed. */
const incompressible = (length: number): string => {
  let [text, seed] = ["", 1]
  for (let i = 0; i < length; i++) {
    seed = (seed * 48_271) % 0x7fff_ffff
    text += String.fromCodePoint(0x1_0000 + (seed % 0xf_0000))
  }
  return text
}

const byCodePoint = (a: string, b: string): number => {
  const [left, right] = [[...a], [...b]].map((text) =>
    text.map((each) => each.codePointAt(0)!.toString(16).padStart(6))
  )
  return left!.join("") < right!.join("") ? -1 : 1
}

/** Promises 1 and 6 for dead letters. */
export const deadLetters: Cases = {
  "1 dead letters are put, changed and removed with the commit": needs("otherProcesses")(function* () {
    const { commit, epoch, generation, store } = yield* opened
    const { error: _, ...waiting } = letter(2, "a")
    yield* commit([letter(1, "a"), waiting, letter(1, "b", false)])
    assert.deepStrictEqual(yield* store.deadLetters(generation), [letter(1, "a"), letter(1, "b", false), waiting])
    const changed = {
      ...letter(1, "a", false),
      error: { step: "key", cause: "'" },
      at: DateTime.makeUnsafe(1),
      type: "Closed"
    }
    yield* commit([changed, letter(2, "a")], [letter(1, "b")])
    assert.deepStrictEqual(yield* (yield* open).deadLetters(generation), [changed, letter(2, "a")])
    const late = {
      owner: { generation, epoch },
      from: 0,
      to: 1,
      deadLetters: { put: [letter(5, "c")], remove: [changed] }
    }
    assert.strictEqual((yield* Effect.flip(store.commit(late)))._tag, "CommitConflict")
    assert.deepStrictEqual(yield* store.deadLetters(generation), [changed, letter(2, "a")])
    yield* commit([], [changed, letter(2, "a")])
    assert.deepStrictEqual(yield* store.deadLetters(generation), [])
    assert.deepStrictEqual(yield* store.deadLetters(newGeneration()), [])
  }),

  "1 dead letters come by position and key, whatever their texts": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const texts = (text: string) => ({ stream: `S-${text}`, type: `T${text}`, error: { step: text, cause: text } })
    const all = [2, 1, 10].flatMap((position) => hostile.map((key) => ({ ...letter(position, key), ...texts(key) })))
    yield* commit(all)
    const sorted = all.toSorted((a, b) => a.position - b.position || byCodePoint(a.key, b.key))
    assert.deepStrictEqual(yield* store.deadLetters(generation), sorted)
    const paged: Array<ProjectionStore.DeadLetter> = []
    for (;;) {
      const after = paged.at(-1)
      const page = yield* store.deadLetters(generation, { limit: 7, ...(after === undefined ? {} : { after }) })
      assert.isAtMost(page.length, 7)
      paged.push(...page)
      if (page.length < 7) break
    }
    assert.deepStrictEqual(paged, sorted)
    yield* commit([], all)
    assert.deepStrictEqual(yield* store.deadLetters(generation), [])
  }),

  "1 dead letters of different long keys stay apart": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const long = incompressible(999)
    const all = ["a", "b"].map((end) => letter(1, long + end))
    yield* commit(all)
    assert.deepStrictEqual(yield* store.deadLetters(generation, { key: `${long}b` }), [all[1]!])
    assert.deepStrictEqual(yield* store.deadLetters(generation, { after: all[0]! }), [all[1]!])
    assert.deepStrictEqual([...(yield* store.load(generation, [`${long}a`, `${long}c`])).parked], [`${long}a`])
    yield* commit([], [all[0]!])
    assert.deepStrictEqual(yield* store.deadLetters(generation), [all[1]!])
  }),

  "6 dead letters are read by key and kind, after a place, up to a limit": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const [a1, a2, b2, a3] = [letter(1, "a"), letter(2, "a", false), letter(2, "b"), letter(3, "a")]
    yield* commit([a3, b2, a2, a1])
    for (const [options, expected] of [
      [{}, [a1, a2, b2, a3]],
      [{ key: "a" }, [a1, a2, a3]],
      [{ parked: true }, [a1, b2, a3]],
      [{ parked: false }, [a2]],
      [{ key: "a", parked: true, limit: 1 }, [a1]],
      [{ after: { position: 2, key: "a" } }, [b2, a3]],
      [{ after: { position: 2, key: "" } }, [a2, b2, a3]],
      [{ after: { position: 1, key: "zzz" }, key: "a" }, [a2, a3]],
      [{ limit: 3 }, [a1, a2, b2]],
      [{ limit: 0 }, []],
      [{ key: "none" }, []]
    ] as const) {
      assert.deepStrictEqual(yield* store.deadLetters(generation, options), expected, JSON.stringify(options))
    }
    const beside = { ...generation, build: 2 }
    yield* own(store, beside)
    assert.deepStrictEqual(yield* store.deadLetters(beside), [])
  }),

  "6 parked keys come with the records, and are counted": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const parkedOf = Effect.map(store.load(generation, ["a", "b", "c", "none"]), ({ parked }) => [...parked].sort())
    const counts = Effect.map(store.deadLetters(generation, "count"), ({ parked, skipped }) => [parked, skipped])
    yield* commit([letter(1, "a"), letter(2, "a"), letter(2, "b"), letter(3, "c", false), letter(4, "", false)])
    assert.deepStrictEqual(
      [yield* parkedOf, yield* counts],
      [
        ["a", "b"],
        [2, 2]
      ]
    )
    assert.deepStrictEqual([...(yield* store.load(generation, ["b"])).parked], ["b"])
    yield* commit([letter(2, "b", false)], [letter(1, "a")])
    assert.deepStrictEqual([yield* parkedOf, yield* counts], [["a"], [1, 3]])
    yield* commit([], [letter(2, "a"), letter(2, "b"), letter(3, "c")])
    assert.deepStrictEqual([yield* parkedOf, yield* counts], [[], [0, 1]])
    assert.deepStrictEqual(yield* store.deadLetters(newGeneration(), "count"), { parked: 0, skipped: 0 })
  }),

  "1 dead letters that cannot be kept are refused": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const good = letter(1, "a")
    for (const bad of [
      [{ ...good, key: "a\0" }],
      [{ ...good, stream: "\ud800" }],
      [{ ...good, type: "\0" }],
      [{ ...good, error: { step: "", cause: "\0" } }],
      [{ ...good, position: 0 }],
      [{ ...good, streamVersion: 0.5 }],
      [good, good]
    ]) {
      const error = yield* Effect.flip(commit(bad))
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    }
    assert.deepStrictEqual(yield* store.deadLetters(generation), [])
  })
}
