import * as Effect from "effect/Effect"
import type * as View from "../../domain/View.ts"
import { isOfAnother, type Status } from "../../ports/generation.ts"
import { DefinitionDiffers } from "./errors.ts"

/** Fails if another definition than this one has made the records of a generation. */
export const checkDefinition = (view: View.Any, known: Status): Effect.Effect<void, DefinitionDiffers> => {
  const stored = known.fingerprint
  if (stored === undefined || !isOfAnother(view, known)) return Effect.void
  return Effect.fail(new DefinitionDiffers({ view: view.name, version: view.version, stored, own: view.fingerprint }))
}
