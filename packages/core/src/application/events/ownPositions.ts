import { memoized } from "../../internal/memoized.ts"
import type { Generation, PartStatus, Status } from "../../ports/generation.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"

/** A part of a generation that a projection of this process owns. */
interface Own {
  readonly generation: Generation & { readonly build: number }
  readonly part: number
  readonly epoch: number
  /** The position that the projection has reached. */
  readonly position: () => number
  /** The history of the log in which it was reached. */
  readonly history: () => number | undefined
}

/**
 * What the projections of this process know of their own positions. A position is
 * written later where the view handles no event, see `worker/passed.ts`. The records have
 * every event up to it all the same.
 */
export interface OwnPositions {
  /** Makes the position of an owner known, until the function that it returns is called. */
  readonly enter: (own: Own) => () => void
  /**
   * The same generations, with the positions that the projections of this process have
   * reached in their present epoch. Positions of a history before `since` do not count.
   */
  readonly seen: Seen
  /**
   * Like `seen`, with the positions of this moment. Whoever then asks the store how far the generations are gets an answer
   * that has at least what is in the records up to these positions.
   */
  readonly atPresent: () => Seen
}

type Seen = (all: ReadonlyArray<Status>, since?: number) => ReadonlyArray<Status>

/** The positions of the projections that write to a store in this process. */
export const ownPositions = (store: ViewStore["Service"]): OwnPositions => memoized(known, store, make)

const make = (): OwnPositions => {
  const owned = new Map<string, Own>()

  return {
    enter: (own) => {
      const name = nameOf(own.generation, own.part)
      owned.set(name, own)
      return () => {
        if (owned.get(name) === own) owned.delete(name)
      }
    },
    seen: (all, since) => seenBy(owned, all, since),
    atPresent: () => {
      const now = new Map(
        Array.from(owned, ([name, own]) => {
          const [position, history] = [own.position(), own.history()]
          return [name, { ...own, position: () => position, history: () => history }] as const
        })
      )
      return (all, since) => seenBy(now, all, since)
    }
  }
}

const seenBy = (
  owned: ReadonlyMap<string, Own>,
  all: ReadonlyArray<Status>,
  since: number = 0
): ReadonlyArray<Status> =>
  owned.size === 0
    ? all
    : all.map((each) => {
        if (each.inline) return each
        const parts = each.parts.map((part, index) => ahead(owned.get(nameOf(each, index)), part, since))
        return { ...each, parts, position: Math.min(...parts.map(({ position }) => position)) }
      })

const ahead = (own: Own | undefined, part: PartStatus, since: number): PartStatus => {
  if (own === undefined || own.epoch !== part.epoch || own.position() <= part.position) return part
  const history = own.history()
  return history === undefined || history < since ? part : { ...part, position: own.position(), history }
}

const nameOf = ({ build, version, view }: Own["generation"], part: number): string =>
  `${view} ${version} ${build} ${part}`

const known = new WeakMap<object, unknown>()
