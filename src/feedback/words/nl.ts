import type { CustomerWords } from './types.ts'

/** Dutch. */
export const nl: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'Feedback',
    question: 'Hoe doen we het voor je?',
    againQuestion: 'En nu, hoe doen we het?',
    hint: 'Eén tik is genoeg. Ons team leest elk antwoord.',
    later: 'Vraag het later',
    close: 'Sluiten',
    saved: 'Opgeslagen.',
    change: 'Wijzigen',
    send: 'Versturen',
    skip: 'Overslaan',
    thanks: 'Bedankt',
    thanksNext: 'We lezen het vandaag. Over {days} dagen vragen we het weer; tot dan blijft de knop hier.',
    laterThanks: 'Geen probleem. De knop staat hier als je eerder iets wilt zeggen.',
    answerNow: 'Toch nu antwoorden',
    commentLabels: {
      very_happy: 'Wat gaat het best?',
      happy: 'Wat gaat het best?',
      neutral: 'Wat zou het beter maken?',
      not_happy: 'Wat moeten we als eerste oplossen?',
    },
    offline: 'Nog niet verstuurd. Je antwoord blijft hier bewaard en gaat weg zodra je weer online bent.',
    refused: 'Dit antwoord kon niet worden opgeslagen. Probeer het later nog eens.',
    retry: 'Opnieuw proberen',
  },
  levels: { very_happy: 'Heel tevreden', happy: 'Tevreden', neutral: 'Neutraal', not_happy: 'Niet tevreden' },
  link: {
    legend: 'Je antwoord',
    commentLabel: 'Wil je ons nog iets vertellen? (mag ook leeg)',
    send: 'Mijn antwoord versturen',
    change: 'De wijziging versturen',
    notSentYet: 'Er wordt niets verstuurd tot je op de knop drukt.',
    chooseOne: 'Kies eerst een van de vier antwoorden.',
    commentTooLong: (most) => `Maak je tekst korter: hoogstens ${most} tekens.`,
    savedTitle: 'Bedankt',
    saved: (level) => `Je antwoord is opgeslagen: ${level}.`,
    changeHint: (minutes) => `Toch anders? Je kunt het hier ${minutes} minuten lang wijzigen.`,
    expired: {
      title: 'Deze link is verlopen',
      text: 'Links werken een beperkte tijd. Je kunt nog antwoorden met de feedbackknop in je account, of ons om een nieuwe link vragen.',
    },
    invalid: {
      title: 'Deze link werkt niet',
      text: 'Misschien is hij onderweg afgebroken. Open hem nog eens vanuit het oorspronkelijke bericht.',
    },
    gone: {
      title: 'Deze link geldt niet meer',
      text: 'Hij was voor iemand die dit account niet meer gebruikt, dus er is niets opgeslagen.',
    },
    off: {
      title: 'We verzamelen nu geen antwoorden',
      text: 'Feedback staat uit voor je account. Wil je ons iets zeggen, beantwoord dan ons bericht.',
    },
    tooLate: {
      title: 'Je antwoord is al binnen',
      text: 'Met deze link kan het niet meer worden gewijzigd. Met de feedbackknop in je account kun je een nieuw antwoord geven.',
    },
  },
}
