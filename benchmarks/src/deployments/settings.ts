import type { Duration } from "effect"
import type { Version } from "./views.ts"

/** How a process of the application runs. */
export interface Settings {
  readonly version: Version
  /** The lease of a projection, in milliseconds. */
  readonly lease: number
  /** How long an answer may take, in milliseconds. */
  readonly patience: number
  /** How long a version may have no owner before it counts as left. */
  readonly leftAfter: Duration.Input
  /** How long the other version is kept once nobody works on it. */
  readonly keepFor?: Duration.Input
}

/** What a job does. */
export type Task = "build" | "serve" | "drop"
