import * as Result from "effect/Result"
import type { StreamId } from "../../../domain/StreamId.ts"
import { checkRead } from "../../../ports/AppendCheck.ts"
import type { CommandKey } from "../../../ports/EventStore.ts"
import { InvalidCommand } from "../errors.ts"

/** What is wrong with a command id that no store keeps, such as an empty one. */
export const invalidKey = (target: string, key: CommandKey | undefined): InvalidCommand | undefined => {
  const refused = key && checkRead("readStreams", [], key)
  return refused && new InvalidCommand({ target, part: "commandId", detail: refused.reason.detail })
}

/** What is wrong with the first of some streams whose names no store keeps, such as one with NUL. */
export const invalidStream = (
  target: string,
  part: InvalidCommand["part"],
  streams: ReadonlyArray<StreamId>
): InvalidCommand | undefined => {
  const refused = checkRead(
    "readStreams",
    streams.map((streamId) => ({ streamId }))
  )
  return refused && new InvalidCommand({ target, part, detail: refused.reason.detail })
}

/** The stream of an id or a key. It may satisfy its type and break its schema, like "" for `Schema.NonEmptyString`. */
export const streamIdOf = <Id>(
  target: { readonly name: string; readonly streamId: (id: Id) => StreamId },
  part: "id" | "key",
  id: Id
): Result.Result<StreamId, InvalidCommand> => {
  try {
    return Result.succeed(target.streamId(id))
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    return Result.fail(new InvalidCommand({ target: target.name, part, detail, cause }))
  }
}
