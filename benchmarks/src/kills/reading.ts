import { type EventStore, Projection, Subscription } from "@hexfold/core"
import { Effect, Layer, Stream } from "effect"
import { views } from "./accounts.ts"
import { type Event, read, write } from "./lines.ts"

/** An event as it is written down. */
export const noted = ({ data, id, position, streamId, type, version }: EventStore.RecordedEvent): Event => {
  const { amount, token } = data as { readonly amount: number; readonly token: string }
  return { stream: streamId, version, position, id, type, amount, token }
}

/** Follows the log and writes each event into a file. It goes on after the last event of the file. */
export const following = (file: string) =>
  Effect.suspend(() =>
    Subscription.recorded({ after: read<Event>(file).at(-1)?.position ?? 0 }).pipe(
      Stream.runForEach((event) => Effect.sync(() => write(file, noted(event))))
    )
  )

/** Keeps the views, beside other processes that do. */
export const projecting: Effect.Effect<never, never, Projection.Stores> = Layer.launch(
  Projection.layer(views, { lease: "3 seconds", pause: "100 millis" })
)
