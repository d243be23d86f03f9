/** What the types of one schema are made with. */
import { reserve } from "./fixed.ts"
import { Filters } from "./types/filters.ts"
import { Inputs } from "./types/inputs.ts"
import { TypeNames } from "./types/names.ts"
import { Outputs } from "./types/outputs.ts"
import { Shapes } from "./types/shapes.ts"

/** What the types of one schema are made with. */
export interface Types {
  readonly names: TypeNames
  readonly shapes: Shapes
  readonly outputs: Outputs
  readonly inputs: Inputs
  readonly filters: Filters
}

/** What the types of a new schema are made with. */
export const typesOf = (): Types => {
  const names = new TypeNames()
  reserve(names)
  const outputs = new Outputs(names)
  return {
    names,
    outputs,
    shapes: new Shapes(),
    inputs: new Inputs(names, outputs),
    filters: new Filters(names, outputs)
  }
}
