import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** Structured logger. Log ids, never payloads: bodies, tokens, e-mail addresses and comments stay out of it. */
export type Logger = PinoLogger

/** Members that must never reach a log line, wherever they sit in the first three levels. */
const secretMembers = [
  'authorization', 'access_token', 'accessToken', 'refresh_token', 'refreshToken', 'client_secret', 'clientSecret', 'encryptedData',
  'password', 'token', 'secret', 'sharedSecret', 'email', 'phone', 'comment', 'body', 'payload',
]

/**
 * @param level pino level, or `silent`
 * @param destination where lines go; standard output if left out
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths: secretMembers.flatMap((member) => [member, `*.${member}`, `*.*.${member}`]), censor: '[redacted]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
