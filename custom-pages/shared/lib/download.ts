import { ApiError, type Query } from '../client.ts'
import { sessions } from './services.ts'

/** Gives the person a file that the server makes; the session goes along as with every call. @throws ApiError */
export async function download(path: string, query: Query, fileName: string): Promise<void> {
  const session = await sessions.get()
  if (!session.ok) throw new ApiError(session.why, 'You are not signed in any more. Open this page again from the navigation.', 401)
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  let response: Response
  try {
    response = await fetch(`${path}?${search}`, { headers: { authorization: `Bearer ${session.token}` }, credentials: 'omit' })
  } catch {
    throw new ApiError('offline', 'The file did not arrive. Check your connection and try again.', 0)
  }
  if (!response.ok) throw new ApiError('unknown', 'The file could not be made. Try again in a moment.', response.status)
  const address = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  // The browser has taken the address by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
