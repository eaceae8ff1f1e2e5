import type { Doc } from './values.ts'

/** MongoDB's own error codes, as far as this server answers with them. */
const codeNames = {
  InternalError: 1,
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  IllegalOperation: 20,
  InvalidLength: 21,
  InvalidBSON: 22,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  MaxTimeMSExpired: 50,
  DollarPrefixedFieldName: 52,
  InvalidIdField: 53,
  NotSingleValueField: 54,
  EmptyFieldName: 56,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  CommandNotSupported: 115,
  InvalidPipelineOperator: 168,
  CannotIndexParallelArrays: 171,
  QueryExceededMemoryLimit: 292,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
} as const

export type CodeName = keyof typeof codeNames

/** An error that the client gets, with MongoDB's code. Anything else that is thrown is a fault and undoes the command. */
export class ServerError extends Error {
  readonly code: number
  readonly codeName: string
  /** More members of the answer, for example keyPattern and keyValue. */
  readonly extra: Doc | undefined

  constructor(code: CodeName | number, message: string, extra?: Doc) {
    super(message)
    this.name = 'ServerError'
    this.code = typeof code === 'number' ? code : codeNames[code]
    this.codeName = typeof code === 'number' ? `Location${code}` : code
    this.extra = extra
  }
}

/** The refusal of something that MongoDB has and this server has not: an error is better than a wrong answer. */
export function notSupported(what: string, code: CodeName | number = 'CommandNotSupported'): ServerError {
  return new ServerError(code, `${what} is not supported by the embedded store; set MONGODB_URI to use MongoDB`)
}
