/**
 * Histories that have reached something: a kind of command that was accepted, an error, an event. Later histories go on
 * from them, so that what is hard to reach is met often. The corpus is made once for the same actors, and by the same
 * numbers, so a history depends on its seed alone.
 */
import { type Corpus, generate } from "./generation.ts"
import { randomOf } from "./random.ts"
import { type Actor, type Given, isBoundary, type Run, tagOf } from "./world.ts"

/** The most histories that are tried for the corpus, and after how many without a find it is complete. */
const mostHistories = 500
const patience = 80
/** How many histories are kept for each find. */
const perFind = 3

export const corpusOf = (actors: ReadonlyArray<Actor>, steps: number): Corpus => {
  const known = corpora.get(actors) ?? new Map<number, Corpus>()
  corpora.set(actors, known)
  const corpus = known.get(steps) ?? make(actors, steps)
  known.set(steps, corpus)
  return corpus
}

const corpora = new WeakMap<object, Map<number, Corpus>>()

const make = (actors: ReadonlyArray<Actor>, steps: number): Corpus => {
  const finds: Finds = new Map()
  const corpus: Corpus = {
    pick: (below) => {
      const all = [...finds.values()]
      if (all.length === 0) return []
      // The rarest of three, so that it becomes less rare.
      const found = [0, 1, 2].map(() => all[below(all.length)]!).reduce((a, b) => (b.times < a.times ? b : a))
      return found.scripts[below(found.scripts.length)]!
    }
  }
  const below = randomOf([1])
  let last = 0
  for (let i = 0; i < mostHistories && i - last <= patience; i++) {
    if (add(finds, generate(actors, steps, below, corpus))) last = i
  }
  return corpus
}

/** What histories have reached: how often, and the commands of the shortest ones. */
type Finds = Map<string, { times: number; readonly scripts: Array<ReadonlyArray<Given>> }>

// True if something was found that few histories have.
const add = (finds: Finds, { steps }: Run): boolean => {
  let isNew = false
  const script = steps.map(({ given }) => given)
  for (const [i, { given, outcome, parts, target }] of steps.entries()) {
    const found = [
      ...(outcome._tag === "Rejected"
        ? [`${target.name} rejects with ${tagOf(outcome.error)}`]
        : parts.some(({ events }) => events.length > 0)
          ? [`${isBoundary(target) ? "" : `${target.name}.`}${given.kind.name}`]
          : []),
      ...parts.flatMap(({ events, participant }) =>
        events.map(({ _tag }) => `${participant.source.name} records ${_tag}`)
      )
    ]
    for (const find of found) {
      const all = finds.get(find) ?? { times: 0, scripts: [] }
      finds.set(find, all)
      all.times++
      const kept = all.scripts
      const prefix = script.slice(0, i + 1)
      if (kept.length < perFind) {
        isNew = true
        kept.push(prefix)
      } else {
        const longest = kept.reduce((a, b, index) => (b.length > kept[a]!.length ? index : a), 0)
        if (prefix.length < kept[longest]!.length) kept[longest] = prefix
      }
    }
  }
  return isNew
}
