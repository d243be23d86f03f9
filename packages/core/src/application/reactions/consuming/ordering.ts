/** Which units of work may run, if each key has one unit at a time, in the order of their arrival. Pure, with a state. */
export interface Ordering<Unit> {
  /** Adds a unit with its keys, each once. True if it may run now. */
  readonly add: (unit: Unit, keys: ReadonlyArray<string>) => boolean
  /** Takes a unit away that has run. Gives the units that may run now, in the order of their arrival. */
  readonly end: (unit: Unit) => ReadonlyArray<Unit>
}

/**
 * A unit may run when it is the first of each of its keys. A unit with several keys holds up what comes after it in
 * each of them. Units never wait for each other in a circle: each waits only for units that have arrived before it.
 */
export const make = <Unit>(): Ordering<Unit> => {
  const queues = new Map<string, Array<Waiting<Unit>>>()
  const waiting = new Map<Unit, Waiting<Unit>>()

  return {
    add: (unit, keys) => {
      const added: Waiting<Unit> = { unit, keys, before: 0 }
      waiting.set(unit, added)
      for (const key of keys) {
        const queue = queues.get(key)
        if (queue === undefined) queues.set(key, [added])
        else {
          queue.push(added)
          added.before++
        }
      }
      return added.before === 0
    },

    end: (unit) => {
      const free: Array<Unit> = []
      const ended = waiting.get(unit)
      waiting.delete(unit)
      for (const key of ended?.keys ?? []) {
        const queue = queues.get(key)!
        queue.shift()
        const [next] = queue
        if (next === undefined) queues.delete(key)
        else if (--next.before === 0) free.push(next.unit)
      }
      return free
    }
  }
}

interface Waiting<Unit> {
  readonly unit: Unit
  readonly keys: ReadonlyArray<string>
  /** In how many of its keys another unit is the first. */
  before: number
}
