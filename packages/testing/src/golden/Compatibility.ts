/**
 * The compatibility gate: a golden file of each aggregate, topic, view, publication, reactor and process in your repository, and a check that fails when a
 * change of the program would not survive what is stored.
 *
 * A golden file has all stored types with their versions, the JSON Schema and examples of each, and histories with the
 * states or records that they lead to. A golden file is made once, and only grows. This module uses the files of Node, so
 * the main entry of this package does not have it.
 */
import type { Aggregate, Process, PublicationCatalogue, Reactor, Topic, View } from "@hexfold/core"
import { Effect, Result, Schema } from "effect"
import { compareAggregate, renewAggregate } from "../compatibility/aggregate.ts"
import { CompatibilityFailure } from "../compatibility/failure.ts"
import { OfAggregate, OfProcess, OfPublication, OfReactor, OfTopic, OfView, textOf } from "../compatibility/golden.ts"
import type { Problem } from "../compatibility/problem.ts"
import { kindOf, type Reacting } from "../compatibility/reactions/definitions.ts"
import { compareProcess, renewProcess } from "../compatibility/reactions/process.ts"
import { compareReactor, renewReactor } from "../compatibility/reactions/reactor.ts"
import { compareTopic, renewTopic } from "../compatibility/topic.ts"
import { compareView, renewView } from "../compatibility/view.ts"
import type * as Arbitraries from "../histories/Arbitraries.ts"
import { type AnyTopic, type Cause, isTopic, type Member, targetOf } from "../histories/members.ts"
import type { AnyAggregate } from "../histories/world.ts"
import { comparePublication, renewPublication } from "./publication.ts"
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
  readonly with?: ReadonlyArray<Cause>
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
 * Compares an aggregate, a topic, a view, a publication, a reactor or a process with its golden file. Throws a {@link CompatibilityFailure} that names the field and the
 * remedy. Depends on no test runner.
 *
 * Of an aggregate it fails when a stored event cannot be read any more or becomes something else, when stored values of a
 * field may not fit, or when an old history leads to another state under the same `revision`. Of a topic it fails for the
 * same changes of its events, and when the stream of a key has no key any more. Of a publication it fails when a message
 * that is sent now may not fit the contract that receivers have, under the same name. Of a view it fails when old
 * events make other records, or when its definition has changed, under the same `version`.
 *
 * Of a reactor it fails when its definition has changed under the same `version` (the events that it handles, its keys), when
 * its start has changed, or when an old event has another key. Of a process it fails for the same changes, when a stored
 * step cannot be read any more or leads to another state, and when what a process may wait for is gone: a target, a command
 * to it, a timeout, or the handler of a rejection.
 *
 * What only adds passes: a field with a default, an event, a version, a retired event, a looser check. It is added to the
 * file. What a file has is never taken out, so what was stored once is checked for ever.
 *
 * A missing file is made, but in continuous integration it fails. So does a file that cannot be read.
 *
 * @example
 * ```ts
 * import type { Aggregate, Topic, View } from "@hexfold/core"
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
  <Name extends string, Key, Event extends Aggregate.Tagged>(
    topic: Topic.Topic<Name, Key, Event> | Arbitraries.OfTopic<Name, Key, Event>,
    options: Options
  ): Report
  <Name extends string, Id, State, Command extends Aggregate.Tagged, Event extends Aggregate.Tagged, Error>(
    aggregate:
      | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
      | Arbitraries.OfAggregate<Name, Id, State, Command, Event, Error>,
    options: Options
  ): Report
  (reacting: Reactor.Any | Process.Any, options: Options): Report
} = (target: Target, options: Options): Report => checkOne(target, options)

type Target = OfStreams | { readonly target: OfStreams } | View.Any | Reactor.Any | Process.Any
type OfStreams = Aggregate.Any | Topic.Any

/**
 * Checks all aggregates, topics, views, reactors and processes of an application with {@link check}. It also fails if the
 * folder has the golden file of one that is not among them, except of a view. It was removed or renamed. Streams bear the
 * name of their aggregate, topic or process, so nobody would find them, and a reactor with another name begins anew.
 *
 * @example
 * ```ts
 * import type { Aggregate, Topic, View } from "@hexfold/core"
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
  for (const [what, ending] of Object.entries(endings)) {
    const left = namesIn(options.folder).find((name) => name.endsWith(ending) && !names.has(name))
    if (left === undefined) continue
    const file = shownPath(pathOf(options.folder, left))
    throw new CompatibilityFailure({
      of: left.slice(0, -ending.length),
      file,
      detail: gone(what)
    })
  }
  return targets.map((target) => checkOne(target, options))
}

const endings = {
  aggregate: ".aggregate.json",
  topic: ".topic.json",
  process: ".process.json",
  reactor: ".reactor.json",
  publication: ".publication.json"
} as const

const isReacting = (target: Target): target is Reacting => "start" in target
const isPublication = (target: object): target is PublicationCatalogue.Published => "contract" in target

/** The topic of a target; undefined for a target of another kind. */
const topicOf = (target: Target): AnyTopic | undefined => {
  const own = "target" in target ? target.target : target
  return isTopic(own) ? own : undefined
}

const fileNameOf = (target: Target): string => {
  if (isReacting(target)) {
    const { kind, own } = kindOf(target)
    return `${own}.${kind}.json`
  }
  if ("keysOf" in target) return `${target.name}.view.json`
  const topic = topicOf(target)
  return topic === undefined
    ? `${targetOf(target as Member).name}${endings.aggregate}`
    : `${topic.name}${endings.topic}`
}

const checkOne = (target: Target, options: Options): Report => {
  const others = options.with ?? []
  if (isReacting(target)) {
    const { name } = target
    if ("targets" in target) {
      return checked(name, fileNameOf(target), options, {
        schema: OfProcess,
        compare: (golden) => compareProcess(target, golden),
        renew: (golden) => renewProcess(target, others, golden)
      })
    }
    const contract = isPublication(target) ? checkContract(target, options) : undefined
    const report = checked(name, fileNameOf(target), options, {
      schema: OfReactor,
      compare: (golden) => compareReactor(target, golden),
      renew: (golden) => renewReactor(target, others, golden)
    })
    return report.outcome === "complete" && contract !== undefined ? contract : report
  }
  if ("keysOf" in target) {
    return checked(target.name, fileNameOf(target), options, {
      schema: OfView,
      compare: (golden) => compareView(target, golden),
      renew: (golden) => renewView(target, others, golden)
    })
  }
  const topic = topicOf(target)
  if (topic !== undefined) {
    const generated = "target" in target ? (target as OfAnyTopic) : undefined
    return checked(topic.name, fileNameOf(target), options, {
      schema: OfTopic,
      compare: (golden) => compareTopic(topic, golden),
      renew: (golden) => renewTopic(topic, generated, golden)
    })
  }
  // No boundary is a target.
  const member = target as Member
  const aggregate = targetOf(member) as AnyAggregate
  return checked(aggregate.name, fileNameOf(target), options, {
    schema: OfAggregate,
    compare: (golden) => compareAggregate(aggregate, golden),
    renew: (golden) => renewAggregate(member, others, golden)
  })
}

/** What a publication promises stands in a file of its own. */
const checkContract = (publication: PublicationCatalogue.Published, options: Options): Report => {
  const { name } = publication.contract
  return checked(name, `${name}.contract.json`, options, {
    schema: OfPublication,
    compare: (golden) => comparePublication(publication, golden),
    renew: (golden) => renewPublication(publication, golden)
  })
}

type OfAnyTopic = Arbitraries.OfTopic<string, unknown, Aggregate.Tagged>

type AnyGolden = OfAggregate | OfPublication | OfTopic | OfView | OfReactor | OfProcess

interface Kind<Golden extends AnyGolden> {
  readonly schema: Schema.Codec<Golden, unknown>
  readonly compare: (golden: Golden) => ReadonlyArray<Problem>
  readonly renew: (golden?: Golden) => Golden
}

const checked = <Golden extends AnyGolden>(
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
const gone = (what: string) =>
  what === "reactor" || what === "publication"
    ? `its golden file is there, and the ${what} is not. With another name it begins anew: what it has done would happen again. If it is not needed any more, delete the file`
    : `its golden file is there, and the ${what} is not. Streams are called after their ${what}, so it cannot have another name. If its streams are not needed any more, delete the file`
const incomplete =
  "its golden file lacks what was added to the program. Run the tests outside of continuous integration, which adds it, and commit it"

const parsed = <Golden>(schema: Schema.Codec<Golden, unknown>, text: string): Result.Result<Golden, unknown> =>
  Result.flatMap(
    Result.try({ try: (): unknown => JSON.parse(text), catch: (cause) => cause }),
    Schema.decodeUnknownResult(schema)
  )
