import { Cause, Context, Effect, Exit, Logger, type LogLevel, Option, Tracer } from "effect"

/** What the program has logged. */
export interface Log {
  readonly level: LogLevel.LogLevel
  /** What was logged; a list if it was more than one thing. */
  readonly message: unknown
  /** The cause that was logged with it, as text. */
  readonly cause?: string
  readonly annotations: Readonly<Record<string, unknown>>
  /** The time of the test clock. */
  readonly at: Date
}

/** A span of the program. */
export interface Span {
  readonly name: string
  /** The name of the span around it; none for a root. */
  readonly parent?: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** The names of its events. */
  readonly events: ReadonlyArray<string>
  /** `open` as long as it has not ended. */
  readonly status: "open" | "ok" | "failed" | "interrupted"
  readonly traceId: string
  readonly spanId: string
}

/** Records logs and spans, and shows them to nobody else. */
export const recorder = () => {
  const logs: Array<Log> = []
  const spans: Array<NumberedSpan> = []
  const logger = Logger.make<unknown, void>((options) => {
    const { annotations, cause, message } = Logger.formatStructured.log(options)
    logs.push({
      level: options.logLevel,
      message,
      ...(cause === undefined ? undefined : { cause }),
      annotations,
      at: options.date
    })
  })
  const tracer = Tracer.make({
    span: (options) => {
      const span = new NumberedSpan(options, spans.length + 1)
      spans.push(span)
      return span
    }
  })
  return {
    logs: Effect.sync((): ReadonlyArray<Log> => [...logs]),
    spans: Effect.sync((): ReadonlyArray<Span> => spans.map(dataOf)),
    context: Context.make(Logger.CurrentLoggers, new Set([logger])).pipe(Context.add(Tracer.Tracer, tracer))
  }
}

// Events get the trace id as their correlation id. So each run must make the same trace ids.
class NumberedSpan extends Tracer.NativeSpan {
  private readonly number: string

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], number: number) {
    super(options)
    this.number = number.toString(16)
  }

  override get spanId(): string {
    return this.number.padStart(16, "0")
  }

  override get traceId(): string {
    return Option.getOrUndefined(this.parent)?.traceId ?? this.number.padStart(32, "0")
  }
}

const dataOf = (span: NumberedSpan): Span => {
  const parent = Option.getOrUndefined(span.parent)
  return {
    name: span.name,
    ...(parent?._tag === "Span" ? { parent: parent.name } : undefined),
    attributes: Object.fromEntries(span.attributes),
    events: span.events.map(([name]) => name),
    status: statusOf(span.status),
    traceId: span.traceId,
    spanId: span.spanId
  }
}

const statusOf = (status: Tracer.SpanStatus): Span["status"] => {
  if (status._tag === "Started") return "open"
  if (Exit.isSuccess(status.exit)) return "ok"
  return Cause.hasInterruptsOnly(status.exit.cause) ? "interrupted" : "failed"
}
