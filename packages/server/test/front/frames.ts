/** Server-sent events, read from an answer one after the other. */
import { Effect, Option } from "effect"

/** An event: its name, its id, and its data. A frame that only says where the stream is has no data. */
interface Frame {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

/** The events of an answer. */
export interface Frames {
  readonly response: Response
  /** The next frame, whatever is in it, and none at the proper end of the answer. Fails if the connection breaks. */
  readonly frame: Effect.Effect<Option.Option<Frame>>
  /** The next frame that has data. */
  readonly next: Effect.Effect<Frame & { readonly data: string }>
  /** The data of the next frame that has some. */
  readonly data: Effect.Effect<Body>
  /** All that is left of an answer that has no frames. */
  readonly text: () => Promise<string>
  readonly cancel: () => Promise<void>
}

/** The data of a page, a record, or an event. */
interface Body {
  readonly rows: ReadonlyArray<{ readonly key: string; readonly state: unknown }>
  readonly [member: string]: unknown
}

export const framesOf = (response: Response): Frames => {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  const read = async (): Promise<Option.Option<Frame>> => {
    for (;;) {
      const end = text.indexOf("\n\n")
      if (end >= 0) {
        const frame = text.slice(0, end)
        text = text.slice(end + 2)
        return Option.some(frameIn(frame))
      }
      const { done, value } = await reader.read()
      if (done) {
        if (text !== "") throw new Error(`the stream ends within a frame: ${text}`)
        return Option.none()
      }
      text += value
    }
  }
  const frame = Effect.promise(read)
  const next = Effect.gen(function* () {
    for (;;) {
      const { data, ...found } = Option.getOrThrow(yield* frame)
      if (data !== undefined) return { ...found, data }
    }
  })
  const whole = async (): Promise<string> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text
      text += value
    }
  }
  return {
    response,
    text: whole,
    frame,
    next,
    data: Effect.map(next, ({ data }) => JSON.parse(data) as Body),
    cancel: () => reader.cancel().catch(() => undefined)
  }
}

const frameIn = (text: string): Frame =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => !line.startsWith(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
  )
