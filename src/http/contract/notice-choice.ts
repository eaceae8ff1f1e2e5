import { z } from 'zod'
import { channelRhythms, type NoticeChannel } from './notice-kinds.ts'

const rhythmOf = <C extends NoticeChannel>(channel: C) =>
  z.enum(channelRhythms[channel], { error: `must be one of ${channelRhythms[channel].join(', ')}` })

/** The rhythm of each channel for one kind. */
export const channelChoice = z.strictObject({ in_app: rhythmOf('in_app'), email: rhythmOf('email'), task: rhythmOf('task'), chat: rhythmOf('chat') })
