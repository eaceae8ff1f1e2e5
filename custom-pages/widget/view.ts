import { repairBrand } from '../shared/answer/colour.ts'
import { type Child, h } from './dom.ts'
import { face, icon } from './faces.ts'
import { type Level, levels } from '../shared/answer/level.ts'
import { type Event, type Look, type State, sendingNote } from '../shared/answer/machine.ts'
import { focusAfterKey } from '../shared/answer/radio.ts'
import styles from './styles.css?text'

export { styles }

export interface View {
  render: (state: State) => void
  announce: (text: string) => void
}

/** What a drawn card can still change without being drawn anew, so that typing and focus are never disturbed. */
type Refresh = (state: State) => void

interface Mounted {
  host: HTMLElement
  root: HTMLElement
  shadow: ShadowRoot
  live: HTMLElement
  slot: HTMLElement
}

/** Gets the person's acts; choosing carries its own key and time, which the owner adds. */
export type Send = (act: Event | { type: 'tapped'; level: Level }) => void

export function createView(send: Send): View {
  let mounted: Mounted | null = null
  let drawn = ''
  let refresh: Refresh = () => {}

  function mount(): Mounted {
    const host = h('div', { 'data-testid': 'feedback-widget' })
    const shadow = host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(styles)
    shadow.adoptedStyleSheets = [sheet]
    const live = h('div', { class: 'vh', role: 'status', 'aria-live': 'polite', 'data-testid': 'feedback-live' })
    const slot = h('div')
    const root = h('div', { class: 'root' }, live, slot)
    shadow.append(root)
    // Keys and clipboard inside belong to us: the page's shortcuts must not fire on them.
    for (const type of ['keydown', 'keyup', 'keypress', 'paste', 'copy', 'cut']) host.addEventListener(type, (event) => event.stopPropagation())
    shadow.addEventListener('keydown', (event) => {
      if ((event as KeyboardEvent).key === 'Escape') send({ type: 'closed' })
    })
    return { host, root, shadow, live, slot }
  }

  function render(state: State): void {
    if (state.step === 'off') {
      mounted?.host.remove()
      mounted = null
      drawn = ''
      return
    }
    mounted ??= mount()
    if (!mounted.host.isConnected) document.body.append(mounted.host)
    const { copy, look } = state.info
    dress(mounted.root, look)
    mounted.root.lang = copy.language
    mounted.root.dir = copy.direction
    const wanted = JSON.stringify([state.step, state.openedBy, state.draft?.level, state.firstName, copy])
    if (wanted !== drawn) {
      const hadFocus = mounted.shadow.activeElement !== null
      drawn = wanted
      const { node, focus, update } = draw(state, send)
      mounted.slot.replaceChildren(node)
      refresh = update
      if (hadFocus) focus.focus()
    }
    refresh(state)
  }

  return {
    render,
    announce(message) {
      const region = mounted
      if (region === null) return
      region.live.textContent = ''
      // The region must be in the page, and empty, for a moment before its words, or readers may miss them.
      setTimeout(() => {
        region.live.textContent = message
      }, 600)
    },
  }
}

/** Gives a drawn widget its scheme, side and colours. */
export function dress(root: HTMLElement, look: Look): void {
  const scheme = getComputedStyle(document.documentElement).colorScheme
  const pageIsDark = scheme.includes('dark') && (!scheme.includes('light') || matchMedia('(prefers-color-scheme:dark)').matches)
  const dark = look.theme === 'dark' || (look.theme === 'auto' && pageIsDark)
  root.dataset['theme'] = dark ? 'dark' : 'light'
  root.dataset['side'] = look.side
  const colours = look.brandColour === null ? null : repairBrand(look.brandColour, dark)
  if (colours === null) return
  for (const [name, value] of Object.entries<string>({ ...colours })) root.style.setProperty(`--${name}`, value)
}

interface Drawn {
  node: HTMLElement
  /** Where focus goes if it was inside before. */
  focus: HTMLElement
  update: Refresh
}

/** One face of the widget; the preview of the settings draws the same. */
export function draw(state: State, send: Send): Drawn {
  switch (state.step) {
    case 'ask':
      return drawQuestion(state, send)
    case 'comment':
      return drawComment(state, send)
    case 'thanks':
      return drawThanks(state, send)
    case 'later':
      return drawLater(state, send)
    default: {
      const node = button(send, 'btn', 'button', { type: 'opened' }, icon('speech'), state.info.copy.button)
      return { node, focus: node, update() {} }
    }
  }
}

/** A button for one act of the person. */
function button(send: Send, look: string, name: string, act: Parameters<Send>[0], ...children: Child[]): HTMLButtonElement {
  return h('button', { type: 'button', class: look, 'data-testid': `feedback-${name}`, onclick: () => send(act) }, ...children)
}

function card(state: State, send: Send, ...children: Child[]): HTMLElement {
  const close = button(send, 'x', 'close', { type: 'closed' }, icon('close'))
  close.setAttribute('aria-label', state.info.copy.close)
  return h('section', { class: 'card', 'aria-labelledby': 'title', 'data-testid': 'feedback-card', 'data-step': state.step }, ...children, close)
}

function title(text: string): HTMLElement {
  return h('h2', { id: 'title', tabindex: '-1', 'data-testid': 'feedback-title' }, text)
}

function drawQuestion(state: State, send: Send): Drawn {
  const { copy } = state.info
  const checked = state.draft === null ? -1 : levels.indexOf(state.draft.level)
  const entry = Math.max(checked, 0)
  const options = levels.map((level, at) => {
    const option = button(send, `opt l${at + 1}`, `level-${level}`, { type: 'tapped', level }, face(level), copy.levels[level])
    option.setAttribute('role', 'radio')
    option.setAttribute('aria-checked', String(at === checked))
    return option
  })
  const rove = (to: number) => options.forEach((option, at) => (option.tabIndex = at === to ? 0 : -1))
  rove(entry)
  const group = h(
    'div',
    {
      class: 'opts',
      role: 'radiogroup',
      'aria-labelledby': 'title',
      'data-testid': 'feedback-levels',
      onkeydown: (event: KeyboardEvent) => {
        const at = options.indexOf(event.target as HTMLButtonElement)
        const to = event.altKey || event.ctrlKey || event.metaKey ? null : focusAfterKey(event.key, at, options.length, copy.direction)
        if (to === null) return
        event.preventDefault()
        rove(to)
        options[to]?.focus()
      },
      onfocusout: (event: FocusEvent) => {
        if (!options.includes(event.relatedTarget as HTMLButtonElement)) rove(entry)
      },
    },
    ...options,
  )
  const later = state.openedBy === 'prompt' && state.draft === null ? button(send, 'lnk', 'later', { type: 'later' }, copy.later) : null
  const node = card(state, send, title(copy.question), group, h('div', { class: 'ft' }, h('p', { class: 'm' }, copy.hint), later))
  return { node, focus: options[entry] ?? node, update() {} }
}

/** Face, word and what became of the answer. */
function answerHead(state: State, send: Send, heading: HTMLElement): { node: HTMLElement; warning: HTMLElement; update: Refresh } {
  const { copy } = state.info
  const level = state.draft?.level ?? 'neutral'
  const saved = h('span', { class: 'saved', 'data-testid': 'feedback-saved' }, icon('tick'), copy.saved)
  const change = button(send, 'lnk', 'change', { type: 'change' }, copy.change)
  const words = h('p')
  const warning = h('div', { class: 'err', 'data-testid': 'feedback-problem' }, icon('warning'), words)
  return {
    node: h('div', { class: 'ans' }, face(level), h('div', {}, heading, h('div', { class: 'row' }, saved, change))),
    warning,
    update(now) {
      const note = sendingNote(now)
      saved.hidden = note !== 'saved'
      change.hidden = !now.changeable
      warning.hidden = note !== 'offline' && note !== 'refused'
      words.textContent = note === 'refused' ? copy.refused : copy.offline
    },
  }
}

function drawComment(state: State, send: Send): Drawn {
  const { copy } = state.info
  const level = state.draft?.level ?? 'neutral'
  const heading = title(copy.levels[level])
  const head = answerHead(state, send, heading)
  const box = h('textarea', {
    id: 'comment',
    rows: '3',
    maxlength: String(copy.maxCommentLength),
    'data-testid': 'feedback-comment',
    oninput: () => send({ type: 'typed', text: box.value }),
    onkeydown: (event: KeyboardEvent) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send({ type: 'sent' })
    },
  })
  box.value = state.text
  const node = card(
    state,
    send,
    head.node,
    head.warning,
    h('label', { for: 'comment' }, copy.commentLabels[level]),
    box,
    h('div', { class: 'ft' }, button(send, 'pb', 'send', { type: 'sent' }, copy.send), button(send, 'lnk', 'skip', { type: 'skipped' }, copy.skip)),
  )
  // On touch screens the keyboard would cover the page: there the heading takes the focus.
  return { node, focus: matchMedia('(pointer:coarse)').matches ? heading : box, update: head.update }
}

function drawThanks(state: State, send: Send): Drawn {
  const { copy } = state.info
  const heading = title(state.firstName === '' ? copy.thanks : `${copy.thanks}, ${state.firstName}`)
  const head = answerHead(state, send, heading)
  const next = h('p', {}, copy.thanksNext)
  const did = h('div', { class: 'did', 'data-testid': 'feedback-did' })
  const retry = button(send, 'pb', 'retry', { type: 'retry' }, copy.retry)
  return {
    node: card(state, send, head.node, head.warning, did, next, retry),
    focus: heading,
    update(now) {
      head.update(now)
      const said = now.draft?.did ?? []
      did.hidden = said.length === 0
      did.replaceChildren(...said.map((text) => h('p', {}, text)))
      retry.hidden = sendingNote(now) !== 'offline'
      next.hidden = !head.warning.hidden
    },
  }
}

function drawLater(state: State, send: Send): Drawn {
  const { copy } = state.info
  const heading = title(copy.laterThanks)
  return { node: card(state, send, heading, h('div', { class: 'ft' }, button(send, 'lnk', 'answer-now', { type: 'opened' }, copy.answerNow))), focus: heading, update() {} }
}
