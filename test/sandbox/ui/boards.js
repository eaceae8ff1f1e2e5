import { api, h, say } from './dom.js'

/** All pipelines of the location. Cards are dragged, or moved with the list on each card. */
export async function boardsPage(view) {
  const { pipelines } = await api(`locations/${view.locationId}/boards`)

  async function move(card, stage) {
    if (card.stageId === stage.id) return
    await api(`cards/${card.id}/move`, 'POST', { stageId: stage.id })
    say(`${card.name} is now on ${stage.name}`)
    view.refresh()
  }

  function cardView(card, pipeline) {
    const element = h('div', { class: 'deal', draggable: 'true', 'data-testid': 'card', 'data-card-id': card.id, 'data-card-name': card.name },
      h('strong', {}, card.name), h('div', { class: 'soft' }, card.contactName),
      h('label', {}, h('span', { class: 'soft' }, 'Stage'), h('select', { 'data-testid': `card-stage-${card.id}`, 'aria-label': `Stage of ${card.name}`, onchange: (event) => {
        const stage = pipeline.stages.find((one) => one.id === event.target.value)
        move(card, stage)
      } }, pipeline.stages.map((stage) => h('option', { value: stage.id, selected: stage.id === card.stageId }, stage.name)))),
      h('button', { class: 'quiet', 'aria-label': `Delete card ${card.name}`, 'data-testid': `card-delete-${card.id}`, onclick: async () => {
        await api(`cards/${card.id}`, 'DELETE')
        say(`${card.name} is deleted`)
        view.refresh()
      } }, 'Delete'))
    element.addEventListener('dragstart', (event) => {
      event.dataTransfer.setData('text/plain', card.id)
      event.dataTransfer.effectAllowed = 'move'
      element.dataset.busy = 'dragging'
    })
    element.addEventListener('dragend', () => delete element.dataset.busy)
    return element
  }

  function stageView(stage, pipeline) {
    const cards = pipeline.cards.filter((card) => card.stageId === stage.id)
    const element = h('section', { class: 'stage', 'data-testid': 'stage', 'data-stage-name': stage.name, 'aria-label': `${pipeline.name}: ${stage.name}` },
      h('h3', {}, `${stage.name} (${cards.length})`), cards.map((card) => cardView(card, pipeline)))
    element.addEventListener('dragover', (event) => {
      event.preventDefault()
      element.classList.add('over')
    })
    element.addEventListener('dragleave', () => element.classList.remove('over'))
    element.addEventListener('drop', (event) => {
      event.preventDefault()
      element.classList.remove('over')
      for (const dragged of document.querySelectorAll('[data-busy]')) delete dragged.dataset.busy
      const card = pipeline.cards.find((one) => one.id === event.dataTransfer.getData('text/plain'))
      if (card === undefined) say('A card stays in its pipeline')
      else move(card, stage)
    })
    return element
  }

  return [
    h('h1', {}, 'Opportunities'),
    ...(pipelines.length === 0 ? [h('p', { class: 'soft' }, 'This account has no pipelines.')] : []),
    ...pipelines.map((pipeline) => h('section', { class: 'card', 'data-testid': 'pipeline', 'data-pipeline-name': pipeline.name },
      h('h2', {}, pipeline.name), h('div', { class: 'board' }, pipeline.stages.map((stage) => stageView(stage, pipeline))))),
  ]
}
