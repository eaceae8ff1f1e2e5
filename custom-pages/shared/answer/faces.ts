import type { Level } from './level.ts'

/**
 * The drawn faces, 32 × 32. They differ by silhouette first (slump, square, round, bloom), then by mouth, then by colour.
 * Each entry: outline, then strokes, then solid parts.
 */
const eye = (x: number, y: number) => `M${x - 1.75} ${y}a1.75 1.75 0 1 0 3.5 0a1.75 1.75 0 1 0-3.5 0Z`

export const faceDrawings: Record<Level, { outline: string; strokes: string; solid: string; mouth?: string; tongue?: string }> = {
  not_happy: {
    outline: 'M16 4.2c6.6 0 10.1 5 11.5 12 1.5 7.9-1.2 11.6-11.5 11.6S3 24.1 4.5 16.2c1.4-7 4.9-12 11.5-12Z',
    strokes: 'M9.2 12.6l3.7-1.5M22.8 12.6l-3.7-1.5M11.2 23c1.3-1.7 2.9-2.5 4.8-2.5s3.5.8 4.8 2.5',
    solid: eye(11.5, 16.2) + eye(20.5, 16.2),
  },
  neutral: {
    outline: 'M11.6 3.8h8.8a8.2 8.2 0 0 1 8.2 8.2v8a8.2 8.2 0 0 1-8.2 8.2h-8.8a8.2 8.2 0 0 1-8.2-8.2v-8a8.2 8.2 0 0 1 8.2-8.2Z',
    strokes: 'M11 20.6h10',
    solid: eye(11.2, 13.6) + eye(20.8, 13.6),
  },
  happy: {
    outline: 'M3 16a13 13 0 1 0 26 0a13 13 0 1 0-26 0Z',
    strokes: 'M10 18.6c1.5 2.4 3.6 3.5 6 3.5s4.5-1.1 6-3.5',
    solid: eye(11.4, 13.4) + eye(20.6, 13.4),
  },
  very_happy: {
    outline:
      'M20.94 4.08a6.3 6.3 0 0 1 6.98 6.98a6.3 6.3 0 0 1 0 9.88a6.3 6.3 0 0 1-6.98 6.98a6.3 6.3 0 0 1-9.88 0a6.3 6.3 0 0 1-6.98-6.98a6.3 6.3 0 0 1 0-9.88a6.3 6.3 0 0 1 6.98-6.98a6.3 6.3 0 0 1 9.88 0Z',
    strokes: 'M8.9 13.7c.7-1.9 3.5-1.9 4.2 0M18.9 13.7c.7-1.9 3.5-1.9 4.2 0',
    solid: '',
    mouth: 'M9.7 17.3h12.6c0 4-2.6 6.5-6.3 6.5s-6.3-2.5-6.3-6.5Z',
    tongue: 'M12.7 22.3c1.7-1.3 4.9-1.3 6.6 0-1 .8-2.1 1.2-3.3 1.2s-2.3-.4-3.3-1.2Z',
  },
}
