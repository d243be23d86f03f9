/** Who takes part in the histories of a process. */
import type { Process } from "@hexfold/core"
import { generate } from "../histories/generation.ts"
import { actorsOf, type Cause, causeOf, type Member, targetOf } from "../histories/members.ts"
import { randomOf } from "../histories/random.ts"
import { type Actor, isBoundary } from "../histories/world.ts"
import { simulate } from "./simulation.ts"

/** The actors of a process' histories. */
export interface Cast {
  /** With all of their commands. */
  readonly all: ReadonlyArray<Actor>
  /** With the commands that come from others than the process. */
  readonly others: ReadonlyArray<Actor>
}

/**
 * The sources and targets of a process. Others give them the commands that the process never sends, and all commands of
 * those that are named.
 */
export const castOf = (process: Process.Any, named: ReadonlyArray<Cause> | undefined): Cast => {
  const known = named === undefined ? casts.get(process) : undefined
  if (known !== undefined) return known
  const cast = make(process, named ?? [])
  if (named === undefined) casts.set(process, cast)
  return cast
}

const casts = new WeakMap<Process.Any, Cast>()

const make = (process: Process.Any, named: ReadonlyArray<Cause>): Cast => {
  const own = new Set([timers, process.log.name])
  const sources = process.sources.filter(({ name }) => !own.has(name)).map(causeOf)
  const all = actorsOf([...named, ...sources, ...(process.targets as ReadonlyArray<Member>)])
  const sent = sentBy(process, all)
  const isNamed = ({ target }: Actor) => named.some((cause) => targetOf(cause as Member).name === target.name)
  const others = all.map((actor) =>
    isNamed(actor)
      ? actor
      : { ...actor, kinds: actor.kinds.filter(({ name }) => !sent.has(`${actor.target.name} ${name}`)) }
  )
  return { all, others }
}

/** The commands that a process sends in histories in which others give all commands. */
const sentBy = (process: Process.Any, all: ReadonlyArray<Actor>): ReadonlySet<string> => {
  const sent = new Set<string>()
  for (let i = 0; i < tries; i++) {
    const { steps } = generate(all, mostSteps, randomOf([i]), { pick: () => [] })
    const { stories } = simulate(process, { actors: all, script: steps.map(({ given }) => given) })
    for (const { played } of stories) {
      for (const { command, target } of played.sent) {
        const actor = all.find((each) => each.target.name === target)
        const { _tag } = command as { readonly _tag: string }
        sent.add(`${target} ${actor !== undefined && isBoundary(actor.target) ? target : _tag}`)
      }
    }
  }
  return sent
}

const tries = 40
const mostSteps = 12

// The events of timers are not generated: their times come. Those of the process' own stream are its steps.
const timers = "Hexfold_Timer"
