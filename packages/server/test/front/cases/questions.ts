/** Arbitrary questions: a front gives what `Query` means, and nothing of what is hidden. */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import fc from "fast-check"
import type { Cases, Front, Open } from "../Front.ts"
import { pageOf } from "../speaking/graphql.ts"
import { firstOf } from "../speaking/Speaker.ts"
import { each } from "../speaking/speakers.ts"
import {
  allPaths,
  forbiddenQuestions,
  marker,
  plainQuestions,
  put,
  questions as anyQuestions,
  type Row,
  rows,
  seenPaths,
  shownOf,
  things
} from "../things.ts"
import { auditor, checkGroups, checkHidden, everyPage, reader, seenByReader, selecting } from "./answers.ts"

/** Data sets of a property; each has a server of its own. */
const numRuns = Number(process.env["HEXFOLD_FRONT_RUNS"] ?? 2)

/** Questions to one data set. */
const many = { minLength: 25, maxLength: 25 } as const
const some = { minLength: 10, maxLength: 10 } as const

/** Asserts a property of data sets, each on a server that has it. */
const holds = <Questions>(
  open: Open,
  given: fc.Arbitrary<Questions>,
  check: (front: Front, found: ReadonlyArray<Row>, asked: Questions) => Effect.Effect<void, unknown, Scope.Scope>
): Effect.Effect<void> =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(rows, given, (found, asked) =>
        Effect.runPromise(
          Effect.scoped(
            Effect.gen(function* () {
              const front = yield* open(things)
              yield* fill(front, found)
              yield* check(front, found, asked)
            })
          )
        )
      ),
      // A smaller data set needs another server: what has failed is shown as it is.
      { numRuns, endOnFailure: true }
    )
  )

const fill = (front: Front, found: ReadonlyArray<Row>) =>
  Effect.gen(function* () {
    const commands = found.map(({ key, state }) => ({
      aggregate: "Thing",
      id: key,
      command: { _tag: "Put", ...state }
    }))
    const { body } = yield* front.json("/batch", { body: { commands } })
    assert.isTrue((body["results"] as ReadonlyArray<{ readonly status: number }>).every(({ status }) => status === 200))
    // The view shows the last one, so it shows all that were before.
    yield* put(front, found.at(-1)!)
  })

export const questions: Cases = {
  "any question has the answer that it means, and the pages together are the list": (open) =>
    holds(open, fc.array(anyQuestions, many), (front, found, asked) =>
      Effect.forEach(asked, (query) => everyPage(front, selecting(query, allPaths), auditor, found), { discard: true })
    ),

  "no question brings out a record or a field that is hidden, also not by order, total or cursor": (open) =>
    holds(open, fc.array(plainQuestions, many), (front, found, asked) =>
      // As if the hidden records and fields did not exist.
      Effect.forEach(
        asked,
        (query) => everyPage(front, selecting(query, seenPaths), reader, found.filter(seenByReader).map(shownOf)),
        { discard: true }
      )
    ),

  "a question that uses a hidden field is refused, once and live": (open) =>
    holds(open, fc.array(forbiddenQuestions, some), (front, _, asked) =>
      each(front, ({ livePage, page }) =>
        Effect.forEach(
          asked,
          (asked) =>
            Effect.gen(function* () {
              const query = selecting(asked, seenPaths)
              assert.deepStrictEqual<unknown>(yield* page(query, reader), { is: "Forbidden" })
              const live = yield* Effect.scoped(firstOf(livePage(query, reader)))
              assert.deepStrictEqual<unknown>(live, { is: "Forbidden" })
            }),
          { discard: true }
        )
      )
    ),

  "groups have the values of the records that the caller may see, and of no others": (open) =>
    holds(open, fc.array(plainQuestions, many), (front, found, asked) =>
      Effect.gen(function* () {
        for (const query of asked) {
          yield* checkGroups(front, query, auditor, found)
          yield* checkGroups(front, query, reader, found.filter(seenByReader))
        }
        for (const hidden of ["by { secret }", "min { secret }", "sum { part_cost }", "max { part_cost }"]) {
          const query = `{ thingsGroups { count ${hidden} } }`
          const { body } = yield* front.json("/graphql", { body: { query }, as: reader })
          assert.include(JSON.stringify(body["errors"]), "FORBIDDEN")
          assert.notInclude(JSON.stringify(body), marker)
        }
      })
    ),

  "the text of a refusal has nothing of what is stored": (open) =>
    holds(open, fc.array(forbiddenQuestions, some), ({ json }, _, asked) =>
      Effect.forEach(
        asked,
        (query) =>
          Effect.gen(function* () {
            for (const path of ["/views/Things", "/live/Things"]) {
              assert.notInclude(JSON.stringify((yield* json(path, { body: query, as: reader })).body), marker)
            }
            for (const kind of ["query", "subscription"] as const) {
              const { body } = yield* json("/graphql", { body: pageOf(kind, selecting(query, allPaths)), as: reader })
              assert.property(body, "errors")
              assert.notInclude(JSON.stringify(body), marker)
            }
          }),
        { discard: true }
      )
    ),

  "a record that is hidden is like one that is not there: by key, live, and by the cursor of somebody else": (open) =>
    holds(open, fc.array(plainQuestions, { minLength: 5, maxLength: 5 }), (front, found, asked) =>
      each(front, (speaker) => checkHidden(front, speaker, found, asked))
    )
}
