/** What the processes of a round of deployments write down, beside the lines of their commands. */
import type { State, Name, Version } from "./views.ts"

interface Of {
  readonly version: Version
  /** Nanoseconds of the machine's clock, which all processes share. */
  readonly at: number
}

interface Reading extends Of {
  readonly view: Name
  readonly sentAt: number
}

/** A line of a process. */
export type Observed =
  /** The process has begun its work, or is still at it. */
  | (Of & { readonly _tag: "Alive" })
  /** A job has built a version of a view, or has waited until it answers. */
  | (Of & { readonly _tag: "Done"; readonly view: Name })
  | (Reading & {
      readonly _tag: "Read"
      /** The keys that were asked for. A query asks for all. */
      readonly keys: ReadonlyArray<string> | "all"
      readonly states: Readonly<Record<string, State>>
      /** The positions that came with the records; a query gives none. */
      readonly positions?: ReadonlyArray<number>
      /** The position that was waited for before. */
      readonly waited?: number
    })
  | (Reading & {
      readonly _tag: "NotServing"
      readonly reason: string
      readonly position?: number
      readonly lag?: number
    })
  /** The store had no answer. */
  | (Reading & { readonly _tag: "Unavailable"; readonly error: string })
  /** An error that no kill explains. */
  | (Reading & { readonly _tag: "Unexpected"; readonly error: string })

/** The name of the file of a process. */
export const observedFile = (name: string): string => `observed-${name}.jsonl`
