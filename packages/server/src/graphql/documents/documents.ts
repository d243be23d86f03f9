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

/** The most characters of all documents that are remembered. What is known of a document takes some hundred times its length. */
const mostCharacters = 300_000

/** Finds documents. */
export class Documents {
  readonly #schema: GraphQLSchema
  readonly #options: Options
  readonly #allowed: ReadonlySet<string> | undefined
  readonly #kept = new Map<string, Parsed>()
  #characters = 0

  constructor(schema: GraphQLSchema, options: Options) {
    this.#schema = schema
    this.#options = options
    this.#allowed = options.documents === undefined ? undefined : new Set(options.documents.values())
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
    this.#keep(text, parsed)
    return parsed
  }

  // The one that was used longest ago is forgotten first.
  #keep(text: string, parsed: Parsed): void {
    this.#kept.set(text, parsed)
    this.#characters += text.length
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= mostKept && this.#characters <= mostCharacters) return
      this.#kept.delete(oldest)
      this.#characters -= oldest.length
    }
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
