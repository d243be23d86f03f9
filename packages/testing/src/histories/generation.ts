/** Generates histories from random numbers. */
import { Arbitrary, Effect, SchemaAST } from "effect"
import { type Below, randomOf } from "./random.ts"
import { isStorable } from "./storable.ts"
import { type Field, type Seen, type Takeable, takeable } from "./values.ts"
import {
  type Actor,
  type Given,
  isBoundary,
  type Kind,
  type Run,
  type Step,
  type Tagged,
  tagOf,
  world
} from "./world.ts"

/** How many commands of a kind, and how many kinds, a step tries until one causes an event. */
const mostTries = 16
const mostKinds = 3

/** How many generated commands of a kind a history draws from. */
export const poolSize = 4

/** Histories from which others go on. */
export interface Corpus {
  /** The commands of one of the histories, none if there are none. */
  readonly pick: (below: Below) => ReadonlyArray<Given>
}

/** A history of at most so many commands. Half of them go on from a history of the corpus. */
export const generate = (actors: ReadonlyArray<Actor>, most: number, below: Below, corpus: Corpus): Run => {
  const { attempt, run, take } = world()
  const found = below(2) === 0 ? corpus.pick(below) : []
  const begun = found.length < most ? found : []
  const ids = actors.map((actor) => {
    const known = begun.flatMap((given) => (given.actor === actor && !isBoundary(actor.target) ? [given.id] : []))
    if (actor.ids === undefined) return []
    if (actor.isAlone === true && known.length > 0) return known.slice(0, 1)
    return [...new Set([...known, ...sample(actor.ids, actor.isAlone === true ? 1 : 1 + below(3), below)])]
  })
  const kinds = actors.flatMap((actor) => actor.kinds)
  const able = kinds.filter(({ actor }) => isBoundary(actors[actor]!.target) || ids[actor]!.length > 0)
  if (able.length === 0) return run
  // Who is tested is asked more often.
  const focus = able.filter(({ actor }) => actors[actor]!.isTested)
  const pools = new Map(able.map((kind) => [kind, sample(kind.commands, poolSize, below)]))
  const seen: Array<Seen> = actors.flatMap(({ target }, i) =>
    isBoundary(target)
      ? []
      : ids[i]!.map((value) => ({ value, name: target.name, ast: SchemaAST.toType(target.schemas.id.ast) }))
  )
  const had = new Set<Kind>()
  const reasons = new Map<string, number>()

  const accept = (step: Step): void => {
    take(step)
    const { command, kind } = step.given
    had.add(kind)
    const fields = command as Tagged & Record<string, unknown>
    for (const { ast, name } of kind.fields) seen.push({ ast, name, value: fields[name] })
  }

  // A command of the pool with values that were seen, or a former one with one other field.
  const given = (kind: Kind, id: unknown, values: Values, former: Tagged | undefined): Given | undefined => {
    const pool = pools.get(kind)!
    if (pool.length === 0 && former === undefined) return undefined
    const command = former ?? pool[below(pool.length)]!
    const changed =
      former === undefined || kind.fields.length === 0 ? kind.fields : [kind.fields[below(kind.fields.length)]!]
    const fields: Record<string, unknown> = { ...command }
    let isChanged = false
    for (const field of changed) {
      const candidates = candidatesOf(values(field), below(16))
      if (candidates.length === 0) continue
      fields[field.name] = candidates[below(candidates.length)]
      isChanged = true
    }
    const actor = actors[kind.actor]!
    return { kind, actor, id, command: isChanged ? (kind.make(fields) ?? command) : command }
  }

  const idFor = ({ actor }: Kind): unknown => {
    const own = ids[actor]!
    return own.length === 0 ? undefined : own[below(own.length)]
  }

  const kindFor = (): Kind => {
    const from = focus.length > 0 && below(3) === 0 ? focus : able
    return from[below(from.length)]!
  }

  // The first of some commands of a kind that goes further, or the first one. A command that was rejected for a rare
  // reason is tried again with one other field, because it may have passed the checks that reject most.
  const tried = (kind: Kind, valuesFor: (kind: Kind, id: unknown) => Values, tries: number): Step | undefined => {
    let first: Step | undefined
    let best: Step | undefined
    for (let turn = 0; turn < tries; turn++) {
      const former = best !== undefined && below(3) !== 0 ? best.given : undefined
      const id = former === undefined || below(4) === 0 ? idFor(kind) : former.id
      const command = given(kind, id, valuesFor(kind, id), former?.command)
      if (command === undefined) return undefined
      const step = attempt(command)
      if (isFurther(step)) return step
      if (first === undefined || first.outcome._tag === "Refused") first = step
      const why = reasonOf(step)
      reasons.set(why, (reasons.get(why) ?? 0) + 1)
      if (best === undefined || reasons.get(why)! <= reasons.get(reasonOf(best))!) best = step
    }
    return first
  }

  for (const each of begun) accept(attempt(each))
  const length = begun.length + 1 + below(most - begun.length)
  while (run.steps.length < length) {
    const known = new Map<unknown, Values>()
    // A command meets the state of its own stream, or those of all if it reads several.
    const valuesFor = (kind: Kind, id: unknown): Values => {
      const { target } = actors[kind.actor]!
      const stream = isBoundary(target) ? undefined : target.streamId(id)
      let values = known.get(stream)
      if (values === undefined) {
        const states =
          isBoundary(target) || stream === undefined
            ? Array.from(run.streams.values(), ({ state }) => state)
            : [run.streams.get(stream)?.state ?? target.initial]
        values = takeable(states, seen)
        known.set(stream, values)
      }
      return values
    }
    // One step of five takes its first command, so that rejections are seen too.
    const isEager = below(5) !== 0
    let taken: Step | undefined
    for (let others = 0; others < (isEager ? mostKinds : 1); others++) {
      let kind = kindFor()
      // A kind of command that the history has not had leads further.
      for (let again = 0; again < 2 && had.has(kind); again++) kind = kindFor()
      const step = tried(kind, valuesFor, isEager ? mostTries : 1)
      if (step !== undefined && (taken === undefined || isFurther(step))) taken = step
      if (taken !== undefined && isFurther(taken)) break
    }
    if (taken === undefined) break
    accept(taken)
    if (taken.outcome._tag === "Defect") break
  }
  return run
}

type Values = (field: Field) => Takeable

const isFurther = ({ outcome, parts }: Step): boolean =>
  outcome._tag === "Defect" || parts.some(({ events }) => events.length > 0)

const reasonOf = ({ given, outcome }: Step): string =>
  `${given.kind.name} ${outcome._tag === "Rejected" ? tagOf(outcome.error) : outcome._tag}`

// The values that a field may get, by chance: of the same name, of the same Schema (mostly an id), of a state (often a
// limit), or any. A field that gets none stays as it was generated.
const candidatesOf = ({ all, named, own, state }: Takeable, chance: number): ReadonlyArray<unknown> => {
  if (chance < 3) return []
  const isNumber = typeof all[0] === "number"
  const order = chance < 9 ? [named, own, state] : chance < (isNumber ? 10 : 13) ? [own] : chance < 14 ? [state] : [all]
  return order.find(({ length }) => length > 0) ?? all
}

// Values are small in half of the samples, and large in the others. The filter of a Schema may refuse most values, so many are tried.
const sample = <A>(arbitrary: Arbitrary.Arbitrary<A>, count: number, below: Below): ReadonlyArray<A> => {
  const options = { count, size: below(2) === 0 ? 3 : 30, seed: below(2 ** 31), maxDiscards: 1_000 }
  return Effect.runSync(Effect.orElseSucceed(Arbitrary.sampleEffect(arbitrary, options), () => [])).filter(isStorable)
}

/** Throws if the histories would never have a value, because the checks of its Schema refuse nearly all that are generated. */
export const refuseRare = (what: string, arbitrary: Arbitrary.Arbitrary<unknown>, count: number): void => {
  const below = randomOf([2])
  for (let i = 0; i < 5; i++) if (sample(arbitrary, count, below).length > 0) return
  throw new Error(
    `${what} cannot be generated: its Schema refuses nearly all values. Arbitraries.of, Arbitraries.ofBoundary and Arbitraries.ofTopic take a generator for it.`
  )
}
