/** Why a front does not do what it is asked, besides the errors of the domain and those of the stores. */
import { Duration, Schema } from "effect"

/** Nobody is known to be asking: there is no token, session or key, and the rule needs one. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", {
  /** What is wrong with the credentials, if there are some. It is for logs: the answer does not say it. */
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail === undefined ? "nobody is signed in" : `the credentials are refused: ${this.detail}`
  }
}

/** Nobody can say now whether credentials are right, for example because the keys of their issuer cannot be fetched. */
export class AuthenticationUnavailable extends Schema.TaggedError<AuthenticationUnavailable>()(
  "AuthenticationUnavailable",
  { cause: Schema.Defect() }
) {
  override get message(): string {
    return "credentials cannot be checked now"
  }
}

/** The caller has asked too often. The limit says nothing of what was asked. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {
  /** The most requests within the window. */
  limit: Schema.Int,
  window: Schema.DurationFromMillis,
  /** After this time there is room for one more. */
  retryAfter: Schema.DurationFromMillis
}) {
  override get message(): string {
    return `more than ${this.limit} requests in ${Duration.format(this.window)}`
  }
}

/** A rule forbids it. It says what was asked, and nothing of the rule or of the state. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  /** What the caller may not do, such as `Account.Withdraw` or `read Accounts`. */
  what: Schema.String
}) {
  override get message(): string {
    return `not allowed: ${this.what}`
  }
}

/** There is nothing under this address, or nothing that the caller may know of. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  what: Schema.String
}) {
  override get message(): string {
    return `there is no ${this.what}`
  }
}

/** No route has this address. The answer is the same for every caller. */
export class NoSuchAddress extends Schema.TaggedError<NoSuchAddress>()("NoSuchAddress", {}) {
  override get message(): string {
    return "there is no such address"
  }
}

/** There is something under this address, but not for this method. */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()("MethodNotAllowed", {
  method: Schema.String,
  /** The methods that the address takes. */
  allowed: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `this address takes no ${this.method}, but ${this.allowed.join(", ")}`
  }
}

/** What was sent is not what is expected. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  /** The part of the request, such as `command`, `id` or `query`. */
  part: Schema.String,
  /** What is wrong, with its path. */
  detail: Schema.String,
  /** Each thing that is wrong, with its path within the part, where that is known. */
  errors: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ path: Schema.Array(Schema.Union([Schema.String, Schema.Number])), message: Schema.String })
    )
  )
}) {
  override get message(): string {
    return `${this.part}: ${this.detail}`
  }
}
