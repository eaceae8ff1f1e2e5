import { faceDrawings } from '../shared/answer/faces.ts'
import { type Level, levels } from '../shared/answer/level.ts'
import { svg } from './dom.ts'

/** The face of a level; decoration only, its word stands beside it. */
export function face(level: Level): SVGElement {
  const { outline, strokes, solid, mouth = '', tongue = '' } = faceDrawings[level]
  return svg(`face l${levels.indexOf(level) + 1}`, 32, [
    ['o', outline],
    ['s', strokes],
    ['f', solid],
    ['g', mouth],
    ['t', tongue],
  ])
}

/** Line icons, 16 × 16. */
export const icons = {
  speech: 'M2 2.5h12v8.5H8l-3.5 3V11H2z',
  close: 'm4 4 8 8M12 4l-8 8',
  tick: 'm3 8.5 3.2 3.2L13 5',
  warning: 'M8 1.8 15 14H1L8 1.8ZM8 6.2v3.6M8 11.9v.1',
}

export function icon(name: keyof typeof icons): SVGElement {
  return svg('ic', 16, [['', icons[name]]])
}
