import { Effect, Result, Schema } from "effect"
import { type Info, parse } from "csv-parse"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { decode, MalformedRow, type Row } from "./Row.ts"

/** The log could not be read. */
export class UnreadableLog extends Schema.TaggedError<UnreadableLog>()("UnreadableLog", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.file} cannot be read: ${String(this.cause)}`
  }
}

/** The content of a log's file. */
export interface Log {
  readonly rows: ReadonlyArray<Row>
  readonly malformed: ReadonlyArray<MalformedRow>
}

/**
 * Reads a whole log from a `.csv` or a `.csv.gz` file before any row is
 * executed. A malformed row fails the reading. With `skipMalformed` it is set
 * aside instead.
 */
export const readLog = (
  file: string,
  options: { readonly skipMalformed: boolean }
): Effect.Effect<Log, MalformedRow | UnreadableLog> =>
  Effect.gen(function* () {
    const records = yield* Effect.tryPromise({
      try: () => readRecords(file),
      catch: (cause) =>
        isCsvError(cause)
          ? new MalformedRow({ line: cause.lines, detail: cause.message })
          : new UnreadableLog({ file, cause })
    })
    const rows: Array<Row> = []
    const malformed: Array<MalformedRow> = []
    for (const { info, record } of records) {
      const row = decode(record, info.lines)
      if (Result.isSuccess(row)) rows.push(row.success)
      else if (options.skipMalformed) malformed.push(row.failure)
      else return yield* row.failure
    }
    return { rows, malformed }
  })

interface CsvRecord {
  readonly record: unknown
  readonly info: Info
}

const readRecords = async (file: string): Promise<ReadonlyArray<CsvRecord>> => {
  const records: Array<CsvRecord> = []
  // The schema sees a row with too few or too many columns too, and reports what is missing.
  const parser = parse({ columns: true, info: true, bom: true, skip_empty_lines: true, relax_column_count: true })
  const collect = async (source: AsyncIterable<CsvRecord>) => {
    for await (const record of source) records.push(record)
  }
  const source = createReadStream(file)
  await (file.endsWith(".gz") ? pipeline(source, createGunzip(), parser, collect) : pipeline(source, parser, collect))
  return records
}

const isCsvError = (cause: unknown): cause is Error & { readonly lines: number } =>
  cause instanceof Error && "lines" in cause && typeof cause.lines === "number"
