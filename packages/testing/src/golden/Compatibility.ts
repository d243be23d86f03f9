/**
 * The compatibility gate: a golden file of each aggregate and each view in your repository, and a check that fails when a
 * change of the program would not survive what is stored.
 *
 * A golden file has all stored types with their versions, the JSON Schema and examples of each, and histories with the
 * states or records that they lead to. A golden file is made once, and only grows. This module uses the files of Node, so
 * the main entry of this package does not have it.
 */
import type { Aggregate, View } from "@hexfold/core"
import { Effect, Result, Schema } from "effect"
import { compareAggregate, renewAggregate } from "../compatibility/aggregate.ts"
import { CompatibilityFailure } from "../compatibility/failure.ts"
import { OfAggregate, OfView, textOf } from "../compatibility/golden.ts"
import type { Problem } from "../compatibility/problem.ts"
import { compareView, renewView } from "../compatibility/view.ts"
import type * as Arbitraries from "../histories/Arbitraries.ts"
import { type Member, targetOf } from "../histories/members.ts"
import type { AnyAggregate } from "../histories/world.ts"
import { isCI, namesIn, pathOf, shownPath, textAt, write } from "./files.ts"

export { CompatibilityFailure, type Problem }

/** Where golden files stand, and whether they are written. */
export interface Options {
  /**
   * The folder of the golden files: a path from the folder in which the tests run, or a URL such as
   * `new URL("golden/", import.meta.url)`. It is made if it is not there.
   */
  readonly folder: string | URL
  /**
   * Aggregates and boundaries whose commands lead to events, where those of the aggregate itself, or of the view's
   * sources, do not: see `Laws.check`. They matter only when histories are added to a file.
   */
  readonly with?: ReadonlyArray<Member>
  /**
   * Whether a file that is missing is made, and one that lacks something is added to. By default it is, but not in
   * continuous integration, where the variable `CI` is set.
   */
  readonly write?: boolean
}

/** What became of a golden file. */
export interface Report {
  /** The path of the file. */
  readonly file: string
  /**
   * `made`: it was not there. `renewed`: something was added. `complete`: there was nothing to add. `incomplete`: there is
   * something to add, and `write` is off.
   */
  readonly outcome: "made" | "renewed" | "complete" | "incomplete"
}

/**
 * Compares an aggregate or a view with its golden file. Throws a {@link CompatibilityFailure} that names the field and the
 * remedy. Depends on no test runner.
 *
 * Of an aggregate it fails when a stored event cannot be read any more or becomes something else, when stored values of a
 * field may not fit, or when an old history leads to another state under the same `revision`. Of a view it fails when old
 * events make other records, or when its definition has changed, under the same `version`.
 *
 * What only adds passes: a field with a default, an event, a version, a retired event, a looser check. It is added to the
 * file. What a file has is never taken out, so what was stored once is checked for ever.
 *
 * A missing file is made, but in continuous integration it fails. So does a file that cannot be read.
 *
 * @example
 * ```ts
 * import type { Aggregate, View } from "@hexfold/core"
 * import * as Compatibility from "@hexfold/testing/Compatibility"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, { readonly _tag: "Deposit" }, Deposited, never>
 * declare const Balances: View.View<"Balances", number, Deposited, View.Envelope<"Account", string>>
 *
 * const test = () => {
 *   Compatibility.check(Account, { folder: "golden" })
 *   Compatibility.check(Balances, { folder: "golden" })
 * }
 * ```
 */
export const check: {
  <Name extends string, State, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>>(
    view: View.View<Name, State, Event, In>,
    options: Options
  ): Report
  <Name extends string, Id, State, Command extends Aggregate.Tagged, Event extends Aggregate.Tagged, Error>(
    aggregate:
      | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
      | Arbitraries.OfAggregate<Name, Id, State, Command, Event, Error>,
    options: Options
  ): Report
} = (target: Target, options: Options): Report => checkOne(target, options)

type Target = Aggregate.Any | { readonly target: Aggregate.Any } | View.Any

/**
 * Checks all aggregates and views of an application with {@link check}. It also fails if the folder has the golden file
 * of an aggregate that is not among them. Such an aggregate was removed or renamed. Its streams bear its name, so nobody
 * would find them.
 *
 * @example
 * ```ts
 * import type { Aggregate, View } from "@hexfold/core"
 * import * as Compatibility from "@hexfold/testing/Compatibility"
 *
 * declare const Account: Aggregate.Aggregate<"Account", string, number, { readonly _tag: "Deposit" }, never, never>
 * declare const Balances: View.Any
 *
 * const test = () => Compatibility.checkAll([Account, Balances], { folder: new URL("golden/", import.meta.url) })
 * ```
 */
export const checkAll = (targets: ReadonlyArray<Target>, options: Options): ReadonlyArray<Report> => {
  const names = new Set(targets.map(fileNameOf))
  const left = namesIn(options.folder).find((name) => name.endsWith(ofAggregates) && !names.has(name))
  if (left !== undefined) {
    const file = shownPath(pathOf(options.folder, left))
    throw new CompatibilityFailure({ of: left.slice(0, -ofAggregates.length), file, detail: gone })
  }
  return targets.map((target) => checkOne(target, options))
}

const ofAggregates = ".aggregate.json"
const fileNameOf = (target: Target): string =>
  "keysOf" in target ? `${target.name}.view.json` : `${targetOf(target).name}${ofAggregates}`

const checkOne = (target: Target, options: Options): Report => {
  const others = options.with ?? []
  if ("keysOf" in target) {
    return checked(target.name, fileNameOf(target), options, {
      schema: OfView,
      compare: (golden) => compareView(target, golden),
      renew: (golden) => renewView(target, others, golden)
    })
  }
  // No boundary is a target.
  const aggregate = targetOf(target) as AnyAggregate
  return checked(aggregate.name, fileNameOf(target), options, {
    schema: OfAggregate,
    compare: (golden) => compareAggregate(aggregate, golden),
    renew: (golden) => renewAggregate(target, others, golden)
  })
}

interface Kind<Golden extends OfAggregate | OfView> {
  readonly schema: Schema.Codec<Golden, unknown>
  readonly compare: (golden: Golden) => ReadonlyArray<Problem>
  readonly renew: (golden?: Golden) => Golden
}

const checked = <Golden extends OfAggregate | OfView>(
  name: string,
  fileName: string,
  { folder, write: isWriting = !isCI() }: Options,
  { compare, renew, schema }: Kind<Golden>
): Report => {
  const path = pathOf(folder, fileName)
  const file = shownPath(path)
  const text = textAt(path)
  if (text === undefined) {
    if (!isWriting) throw new CompatibilityFailure({ of: name, file, detail: missing })
    write(path, textOf(renew()))
    return { file: path, outcome: "made" }
  }
  const golden = parsed(schema, text)
  if (Result.isFailure(golden)) {
    throw new CompatibilityFailure({ of: name, file, detail: broken, cause: golden.failure })
  }
  const problems = compare(golden.success)
  if (problems.length > 0) throw new CompatibilityFailure({ of: name, file, detail: changed, problems })
  const renewed = textOf(renew(golden.success))
  // A formatter may have set the file in another way.
  if (renewed === textOf(golden.success)) return { file: path, outcome: "complete" }
  if (isWriting) {
    write(path, renewed)
    return { file: path, outcome: "renewed" }
  }
  Effect.runSync(Effect.logWarning(`${name}: ${incomplete} (${file})`))
  return { file: path, outcome: "incomplete" }
}

const missing =
  "its golden file is not there. Run the tests outside of continuous integration, which makes it, and commit it"
const broken = "its golden file cannot be read. Restore it from the repository's history"
const changed = "what is stored does not survive this change. If nothing of it was ever stored, delete the golden file"
const gone =
  "its golden file is there, and the aggregate is not. Streams are called after their aggregate, so it cannot have another name. If its streams are not needed any more, delete the file"
const incomplete =
  "its golden file lacks what was added to the program. Run the tests outside of continuous integration, which adds it, and commit it"

const parsed = <Golden>(schema: Schema.Codec<Golden, unknown>, text: string): Result.Result<Golden, unknown> =>
  Result.flatMap(
    Result.try({ try: (): unknown => JSON.parse(text), catch: (cause) => cause }),
    Schema.decodeUnknownResult(schema)
  )
