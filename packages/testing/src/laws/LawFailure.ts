/** A law does not hold. The message has the shortest history that shows it, as code. */
export class LawFailure extends Error {
  override readonly name = "LawFailure"
  /** The law. */
  readonly law: string
  /** What happened instead. */
  readonly detail: string
  /** The shortest history that was found, as a scenario. */
  readonly scenario: string
  /** How many commands it has. */
  readonly steps: number
  /** With this seed the same histories are generated again. */
  readonly seed: number

  constructor(facts: {
    readonly of: string
    readonly law: string
    readonly detail: string
    readonly scenario: string
    readonly steps: number
    readonly seed: number
    readonly histories: number
  }) {
    const { detail, histories, law, of, scenario, seed, steps } = facts
    super(
      `${of}: ${law}: this does not hold\n\n${detail}\n\nThe shortest history that shows it:\n\n${scenario}\n\n` +
        `(found in history ${histories}; { seed: ${seed} } generates the same ones)`
    )
    this.law = law
    this.detail = detail
    this.scenario = scenario
    this.steps = steps
    this.seed = seed
  }
}
