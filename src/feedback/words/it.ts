import type { CustomerWords } from './types.ts'

/** Italian. */
export const it: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'La tua opinione',
    question: 'Come ti trovi con noi?',
    againQuestion: 'E adesso, come ti trovi con noi?',
    hint: 'Basta un tocco. Il nostro team legge ogni risposta.',
    later: 'Chiedimelo dopo',
    close: 'Chiudi',
    saved: 'Salvato.',
    change: 'Modifica',
    send: 'Invia',
    skip: 'Salta',
    thanks: 'Grazie',
    thanksNext: 'La leggiamo oggi. Te lo chiederemo di nuovo tra {days} giorni; fino ad allora il pulsante resta qui.',
    laterThanks: 'Nessun problema. Il pulsante è qui se vuoi dirci qualcosa prima.',
    answerNow: 'Rispondi adesso',
    commentLabels: {
      very_happy: 'Che cosa funziona meglio?',
      happy: 'Che cosa funziona meglio?',
      neutral: 'Che cosa lo renderebbe migliore?',
      not_happy: 'Che cosa dobbiamo sistemare per prima?',
    },
    offline: 'Non ancora inviata. La tua risposta resta qui e parte quando torni online.',
    refused: 'Non è stato possibile salvare questa risposta. Riprova più tardi.',
    retry: 'Riprova',
  },
  levels: { very_happy: 'Molto contento', happy: 'Contento', neutral: 'Neutrale', not_happy: 'Non contento' },
  link: {
    legend: 'La tua risposta',
    commentLabel: 'Vuoi dirci altro? (facoltativo)',
    send: 'Invia la risposta',
    change: 'Invia la modifica',
    notSentYet: 'Non viene inviato nulla finché non premi il pulsante.',
    chooseOne: 'Scegli prima una delle quattro risposte.',
    commentTooLong: (most) => `Accorcia il testo a ${most} caratteri.`,
    savedTitle: 'Grazie',
    saved: (level) => `La tua risposta è salvata: ${level}.`,
    changeHint: (minutes) => `Hai cambiato idea? Puoi modificarla qui per ${minutes} minuti.`,
    expired: {
      title: 'Questo link è scaduto',
      text: 'I link funzionano per un tempo limitato. Puoi rispondere con il pulsante nel tuo account o chiederci un nuovo link.',
    },
    invalid: {
      title: 'Questo link non funziona',
      text: 'Forse è stato tagliato lungo la strada. Aprilo di nuovo dal messaggio originale.',
    },
    gone: {
      title: 'Questo link non è più valido',
      text: 'Era per una persona che non usa più questo account, quindi non è stato salvato nulla.',
    },
    off: {
      title: 'Al momento non raccogliamo risposte',
      text: 'Le opinioni sono disattivate per il tuo account. Se vuoi dirci qualcosa, rispondi al nostro messaggio.',
    },
    tooLate: {
      title: 'La tua risposta è già salvata',
      text: 'Non si può più modificare con questo link. Puoi dare una nuova risposta con il pulsante nel tuo account.',
    },
  },
}
