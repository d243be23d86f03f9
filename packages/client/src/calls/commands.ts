/** Commands as JSON. One that breaks its own schema is refused before anything is asked. */
import { CommandCodec } from "@hexfold/core"
import { Effect, type Schema } from "effect"
import { RemoteError } from "../errors.ts"
import { isBoundary, type Target } from "./receipts.ts"

/** The JSON of a command. */
export const encoded = (target: Target, command: unknown): Effect.Effect<Schema.Json, RemoteError> =>
  Effect.mapError(
    Effect.fromResult(
      isBoundary(target)
        ? CommandCodec.ofBoundary(target).encode(command as never)
        : CommandCodec.of(target).encode(command as never)
    ),
    invalid
  )

/** What is wrong with a request, found before it is sent. */
export const invalid = (cause: unknown): RemoteError =>
  new RemoteError({
    status: 400,
    title: "InvalidRequest",
    detail: cause instanceof Error ? cause.message : String(cause),
    cause
  })
