import type { ViewStore } from "../../../ports/ViewStore.ts"
import { memoized } from "../../../internal/memoized.ts"
import type { Version } from "../../../ports/generation.ts"

/** Why running projections of this process have ended by themselves, until they run again. */
export interface Ends {
  readonly begun: (view: Version) => void
  readonly ended: (view: Version, error: Error) => void
  /** The message of the error by which the projection of a view has ended. */
  readonly of: (view: Version) => string | undefined
}

/** What has ended of the projections that write to a store in this process. */
export const endsOf = (store: ViewStore["Service"]): Ends =>
  memoized(known, store, () => {
    const messages = new Map<string, string>()
    return {
      begun: (view) => void messages.delete(nameOf(view)),
      ended: (view, { message }) => void messages.set(nameOf(view), message),
      of: (view) => messages.get(nameOf(view))
    }
  })

const nameOf = ({ name, version }: Version): string => `${name} ${version}`

const known = new WeakMap<object, unknown>()
