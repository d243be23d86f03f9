import type * as SchemaAST from "effect/SchemaAST"

/** Whether a value of the right type passes the checks of its schema. */
export const passes = (checks: ReadonlyArray<SchemaAST.Check<never>>, value: never, ast: SchemaAST.AST): boolean => {
  for (const check of checks) {
    if (check._tag === "FilterGroup" ? !passes(check.checks, value, ast) : check.run(value, ast, none) !== undefined) {
      return false
    }
  }
  return true
}

const none = {}
