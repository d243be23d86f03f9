/** The documents of operations: which ones are taken, and what is remembered of them. */
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate
} from "graphql"
import { errorWith } from "../errors.ts"

/** Which documents are taken. */
export interface Options {
  readonly maxTokens: number
  /** Whether the schema may be asked for, and wrong names are answered with similar ones. */
  readonly isOpen: boolean
  /** The only documents that are taken, by the SHA-256 of their texts in hexadecimal. */
  readonly documents: ReadonlyMap<string, string> | undefined
}

/** How a client names a document: by its text, or by the SHA-256 of its text. */
export interface Named {
  readonly query?: string
  readonly hash?: string
}

/** A document with what is wrong with it. */
export interface Parsed {
  readonly document: DocumentNode
  /** Checks the document. It is done once, and after the limits. */
  readonly problems: () => ReadonlyArray<GraphQLError>
}

/** The most documents that are remembered. */
const mostKept = 1_000

/** The most characters of a document that is remembered. Longer ones are read each time. */
const longestKept = 20_000

/** Finds documents. */
export class Documents {
  readonly #schema: GraphQLSchema
  readonly #options: Options
  readonly #allowed: ReadonlySet<string> | undefined
  readonly #kept = new Map<string, Parsed>()

  constructor(schema: GraphQLSchema, options: Options) {
    this.#schema = schema
    this.#options = options
    this.#allowed = options.documents === undefined ? undefined : new Set(options.documents.values())
  }

  /** How many documents are remembered. */
  get size(): number {
    return this.#kept.size
  }

  /** The document that a client names. Throws a `GraphQLError` for one that is not taken, or that cannot be read. */
  find({ hash, query }: Named): Parsed {
    const text = query ?? (hash === undefined ? undefined : this.#options.documents?.get(hash))
    if (text === undefined) {
      throw errorWith("BAD_USER_INPUT", hash === undefined ? "there is no query" : "there is no such document")
    }
    if (this.#allowed?.has(text) === false) {
      throw errorWith("BAD_USER_INPUT", "only known documents are taken, and this one is not known")
    }
    const kept = this.#kept.get(text)
    if (kept !== undefined) {
      // The last one is the one that was used last.
      this.#kept.delete(text)
      this.#kept.set(text, kept)
      return kept
    }
    const parsed = this.#parsed(text)
    if (text.length <= longestKept) {
      this.#kept.set(text, parsed)
      if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!)
    }
    return parsed
  }

  #parsed(text: string): Parsed {
    const { isOpen, maxTokens } = this.#options
    const document = parse(text, { maxLexicalTokens: maxTokens, maxComments: maxTokens })
    let problems: ReadonlyArray<GraphQLError> | undefined
    return {
      document,
      problems: () =>
        (problems ??= validate(this.#schema, document, rules(isOpen), { maxErrors: 10, hideSuggestions: !isOpen }))
    }
  }
}

const rules = (isOpen: boolean) => (isOpen ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule])
