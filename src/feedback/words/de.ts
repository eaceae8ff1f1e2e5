import type { CustomerWords } from './types.ts'

/** German. */
export const de: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'Feedback',
    question: 'Wie zufrieden sind Sie mit uns?',
    againQuestion: 'Und jetzt: Wie zufrieden sind Sie mit uns?',
    hint: 'Ein Tipp genügt. Unser Team liest jede Antwort.',
    later: 'Später fragen',
    close: 'Schließen',
    saved: 'Gespeichert.',
    change: 'Ändern',
    send: 'Senden',
    skip: 'Überspringen',
    thanks: 'Danke',
    thanksNext: 'Wir lesen es heute. In {days} Tagen fragen wir wieder; der Knopf bleibt bis dahin hier.',
    laterThanks: 'Kein Problem. Der Knopf ist hier, wenn Sie uns früher etwas sagen möchten.',
    answerNow: 'Doch jetzt antworten',
    commentLabels: {
      very_happy: 'Was läuft am besten?',
      happy: 'Was läuft am besten?',
      neutral: 'Was würde es besser machen?',
      not_happy: 'Was sollen wir zuerst in Ordnung bringen?',
    },
    offline: 'Noch nicht gesendet. Ihre Antwort bleibt hier gespeichert und geht hinaus, sobald Sie wieder online sind.',
    refused: 'Diese Antwort konnte nicht gespeichert werden. Bitte versuchen Sie es später noch einmal.',
    retry: 'Noch einmal versuchen',
  },
  levels: { very_happy: 'Sehr zufrieden', happy: 'Zufrieden', neutral: 'Neutral', not_happy: 'Unzufrieden' },
  link: {
    legend: 'Ihre Antwort',
    commentLabel: 'Möchten Sie uns noch etwas sagen? (freiwillig)',
    send: 'Antwort senden',
    change: 'Änderung senden',
    notSentYet: 'Es wird nichts gesendet, bis Sie auf den Knopf drücken.',
    chooseOne: 'Bitte wählen Sie zuerst eine der vier Antworten.',
    commentTooLong: (most) => `Bitte kürzen Sie Ihren Text auf ${most} Zeichen.`,
    savedTitle: 'Danke',
    saved: (level) => `Ihre Antwort ist gespeichert: ${level}.`,
    changeHint: (minutes) => `Doch anders? Sie können die Antwort hier ${minutes} Minuten lang ändern.`,
    expired: {
      title: 'Dieser Link ist abgelaufen',
      text: 'Links gelten nur eine gewisse Zeit. Sie können mit dem Feedback-Knopf in Ihrem Konto antworten oder uns um einen neuen Link bitten.',
    },
    invalid: {
      title: 'Dieser Link funktioniert nicht',
      text: 'Vielleicht wurde er unterwegs abgeschnitten. Bitte öffnen Sie ihn noch einmal aus der ursprünglichen Nachricht.',
    },
    gone: {
      title: 'Dieser Link gilt nicht mehr',
      text: 'Er war für eine Person gedacht, die dieses Konto nicht mehr nutzt. Es wurde nichts gespeichert.',
    },
    off: {
      title: 'Zurzeit sammeln wir keine Antworten',
      text: 'Feedback ist für Ihr Konto ausgeschaltet. Wenn Sie uns etwas sagen möchten, antworten Sie bitte auf unsere Nachricht.',
    },
    tooLate: {
      title: 'Ihre Antwort ist schon da',
      text: 'Mit diesem Link kann sie nicht mehr geändert werden. Mit dem Feedback-Knopf in Ihrem Konto können Sie eine neue Antwort geben.',
    },
  },
}
