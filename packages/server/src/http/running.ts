/** How many commands run at once that are answered later, and why there cannot be one more. */

/** The most commands that run at once. */
export interface Most {
  /** Those of all callers. */
  readonly all: number
  /** Those of one caller, so that nobody takes the places of all others. */
  readonly ofOne: number
}

/** The caller has as many commands running as one caller may have. */
export class TooManyExecutions {
  readonly _tag = "TooManyExecutions"
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }
}

/** As many commands run as may run together. */
export class Overloaded {
  readonly _tag = "Overloaded"
}

/** Counts the commands that run. */
export class Running {
  readonly #most: Most
  readonly #ofCaller = new Map<string, number>()
  #all = 0

  constructor(most: Most) {
    this.#most = most
  }

  /** Why one more cannot begin; undefined if it can. */
  refusal(caller: string): TooManyExecutions | Overloaded | undefined {
    const { all, ofOne } = this.#most
    if ((this.#ofCaller.get(caller) ?? 0) >= ofOne) return new TooManyExecutions(ofOne)
    return this.#all >= all ? new Overloaded() : undefined
  }

  begin(caller: string): void {
    this.#ofCaller.set(caller, (this.#ofCaller.get(caller) ?? 0) + 1)
    this.#all++
  }

  end(caller: string): void {
    const others = this.#ofCaller.get(caller)! - 1
    if (others === 0) this.#ofCaller.delete(caller)
    else this.#ofCaller.set(caller, others)
    this.#all--
  }
}
