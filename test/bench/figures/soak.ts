import { openLoop } from '../support/http.ts'
import type { Report } from '../support/report.ts'
import { short, slope } from '../support/stats.ts'
import type { Agency, Customer, Stage } from '../support/stage.ts'

interface Sample {
  atMinute: number
  heapMb: number
  timers: number
  sockets: number
}

const sampleEveryMs = 4_000
const levels = ['very_happy', 'happy', 'neutral', 'not_happy'] as const

/** A steady load: does memory grow, do timers or sockets pile up? The first third warms up. */
export async function measureSoak(stage: Stage, agency: Agency, { seconds, perSecond }: { seconds: number; perSecond: number }, report: Report): Promise<void> {
  const samples: Sample[] = []
  const beganMs = performance.now()
  const sample = async (): Promise<void> => {
    const taken = await stage.app.ask<Omit<Sample, 'atMinute'>>('memory')
    samples.push({ ...taken, atMinute: (performance.now() - beganMs) / 60_000 })
  }
  const timer = setInterval(() => void sample(), sampleEveryMs)
  try {
    await openLoop(perSecond, seconds * perSecond, async (index) => {
      const customer = agency.customers[index % agency.customers.length] as Customer
      await stage.answer(customer, levels[Math.floor(index / agency.customers.length) % levels.length] ?? 'happy')
    })
  } finally {
    clearInterval(timer)
  }
  await stage.settled()
  await sample()
  const steady = samples.slice(Math.floor(samples.length / 3))
  const growth = slope(steady.map(({ atMinute, heapMb }) => ({ x: atMinute, y: heapMb })))
  const range = (of: 'timers' | 'sockets'): string => `${Math.min(...steady.map((one) => one[of]))}–${Math.max(...steady.map((one) => one[of]))}`
  const minutes = (steady.at(-1)?.atMinute ?? 0) - (steady[0]?.atMinute ?? 0)
  report.measure(`heap after collection, ${perSecond} answers/s for ${short(seconds / 60)} min`, '< 1 MB/min', `${short(growth)} MB/min over ${short(minutes)} min; ${short(steady.at(-1)?.heapMb ?? Number.NaN)} MB in the end`, growth < 1)
  report.note('timers and sockets during it', `timers ${range('timers')}, sockets ${range('sockets')}; after it ${samples.at(-1)?.timers ?? 0} and ${samples.at(-1)?.sockets ?? 0}`)
}
