/** A law does not hold. The message has the shortest history that shows it, as code. */
export class LawFailure extends Error {
  override readonly name = "LawFailure"
  /** The name of the aggregate, the boundary or the view. */
  readonly of: string
  /** The law. */
  readonly law: string
  /** What happened instead. */
  readonly detail: string
  /** The shortest history that was found, as a scenario. Undefined if no history shows anything. */
  readonly scenario: string | undefined
  /** How many commands it has. */
  readonly steps: number
  /** With this seed the same histories are generated again. */
  readonly seed: number
  /** How many histories were generated until one broke the law. */
  readonly histories: number

  constructor(facts: {
    readonly of: string
    readonly law: string
    readonly detail: string
    readonly cause?: unknown
    readonly scenario: string | undefined
    readonly steps: number
    readonly seed: number
    readonly histories: number
  }) {
    const { cause, detail, histories, law, of, scenario, seed, steps } = facts
    const shown =
      scenario === undefined
        ? `(${histories} histories; { seed: ${seed} } generates the same ones)`
        : `The shortest history that shows it:\n\n${scenario}\n\n` +
          `(found in history ${histories}; { seed: ${seed} } generates the same ones)`
    super(`${of}: ${law}: this does not hold\n\n${detail}\n\n${shown}`, cause === undefined ? {} : { cause })
    this.of = of
    this.law = law
    this.detail = detail
    this.scenario = scenario
    this.steps = steps
    this.seed = seed
    this.histories = histories
  }
}
