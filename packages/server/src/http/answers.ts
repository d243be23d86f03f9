/** Answers that clients fetch later, up to a number, to a size, and to a share of each caller. */
import type { Response } from "./routes.ts"

/** How much is kept. */
export interface Bounds {
  /** The most answers of all callers. */
  readonly all: number
  /** The most answers of one caller, so that nobody drives out those of all others. */
  readonly ofOne: number
  /** The most bytes of all answers, with their headers and with what they are found by. */
  readonly bytes: number
}

/** What is known of a command under a key: what was asked, and the answer once it is there. */
export interface Known {
  /** Tells one command from another. */
  readonly asked: string
  readonly answer: Response | undefined
}

/** Answers by callers and keys. The oldest are forgotten first. What still runs stays. */
export class Answers {
  readonly #bounds: Bounds
  readonly #known = new Map<string, Known>()
  /** The names of the answers that are there, the oldest first. */
  readonly #ofCaller = new Map<string, Set<string>>()
  #count = 0
  #bytes = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get(caller: string, key: string): Known | undefined {
    return this.#known.get(nameOf(caller, key))
  }

  /** A command begins. An answer that is there under its key is forgotten. */
  begin(caller: string, key: string, asked: string): void {
    const name = nameOf(caller, key)
    this.#forget(name)
    this.#known.set(name, { asked, answer: undefined })
  }

  /** Nothing is known any more under a key. */
  forget(caller: string, key: string): void {
    this.#forget(nameOf(caller, key))
  }

  /** A command that runs is answered. */
  end(caller: string, key: string, answer: Response): void {
    const name = nameOf(caller, key)
    const known = { asked: this.#known.get(name)!.asked, answer }
    // Those that are answered stand in the order of their answers.
    this.#known.delete(name)
    this.#known.set(name, known)
    const own = this.#ofCaller.get(caller) ?? new Set<string>()
    this.#ofCaller.set(caller, own.add(name))
    this.#count++
    this.#bytes += sizeOf(name, known)
    if (own.size > this.#bounds.ofOne) this.#forget(own.values().next().value!)
    this.#shrink()
  }

  #shrink(): void {
    const { all, bytes } = this.#bounds
    for (const [name, { answer }] of this.#known) {
      if (this.#count <= all && this.#bytes <= bytes) return
      if (answer !== undefined) this.#forget(name)
    }
  }

  #forget(name: string): void {
    const known = this.#known.get(name)
    this.#known.delete(name)
    if (known?.answer === undefined) return
    const [caller] = JSON.parse(name) as [string, string]
    const own = this.#ofCaller.get(caller)!
    own.delete(name)
    if (own.size === 0) this.#ofCaller.delete(caller)
    this.#count--
    this.#bytes -= sizeOf(name, known)
  }
}

// The keys of one caller never meet those of another, whatever they are made of.
const nameOf = (caller: string, key: string): string => JSON.stringify([caller, key])

// Texts take up to two bytes a character. What an answer and its places in the maps take besides, is nearly the same for all.
const sizeOf = (name: string, { answer, asked }: Known): number => {
  const { body, headers } = answer!
  const inHeaders = Object.entries(headers).reduce((sum, [header, value]) => sum + header.length + value.length, 0)
  const inBody = "contentLength" in body ? (body.contentLength ?? 0) : 0
  return besides + 2 * (name.length + asked.length + inHeaders) + inBody
}

const besides = 1_000
