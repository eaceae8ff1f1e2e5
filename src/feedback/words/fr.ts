import type { CustomerWords } from './types.ts'

/** French. */
export const fr: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'Votre avis',
    question: 'Êtes-vous satisfait de nous ?',
    againQuestion: 'Et maintenant, êtes-vous satisfait de nous ?',
    hint: 'Un clic suffit. Notre équipe lit chaque réponse.',
    later: 'Plus tard',
    close: 'Fermer',
    saved: 'Enregistré.',
    change: 'Modifier',
    send: 'Envoyer',
    skip: 'Passer',
    thanks: 'Merci',
    thanksNext: 'Nous la lisons aujourd’hui. Nous vous redemanderons dans {days} jours ; le bouton reste ici d’ici là.',
    laterThanks: 'Pas de souci. Le bouton reste ici si vous voulez nous dire quelque chose avant.',
    answerNow: 'Répondre maintenant',
    commentLabels: {
      very_happy: 'Qu’est-ce qui marche le mieux ?',
      happy: 'Qu’est-ce qui marche le mieux ?',
      neutral: 'Qu’est-ce qui serait mieux ?',
      not_happy: 'Que devons-nous régler en premier ?',
    },
    offline: 'Pas encore envoyé. Votre réponse est gardée ici et partira dès que vous serez de nouveau en ligne.',
    refused: 'Cette réponse n’a pas pu être enregistrée. Veuillez réessayer plus tard.',
    retry: 'Réessayer',
  },
  levels: { very_happy: 'Très satisfait', happy: 'Satisfait', neutral: 'Neutre', not_happy: 'Pas satisfait' },
  link: {
    legend: 'Votre réponse',
    commentLabel: 'Voulez-vous nous dire autre chose ? (facultatif)',
    send: 'Envoyer ma réponse',
    change: 'Envoyer la modification',
    notSentYet: 'Rien n’est envoyé tant que vous n’appuyez pas sur le bouton.',
    chooseOne: 'Veuillez d’abord choisir une des quatre réponses.',
    commentTooLong: (most) => `Veuillez raccourcir votre texte à ${most} caractères.`,
    savedTitle: 'Merci',
    saved: (level) => `Votre réponse est enregistrée : ${level}.`,
    changeHint: (minutes) => `Vous avez changé d’avis ? Vous pouvez la modifier ici pendant ${minutes} minutes.`,
    expired: {
      title: 'Ce lien a expiré',
      text: 'Les liens ne fonctionnent qu’un certain temps. Vous pouvez répondre avec le bouton d’avis de votre compte ou nous demander un nouveau lien.',
    },
    invalid: {
      title: 'Ce lien ne fonctionne pas',
      text: 'Il a peut-être été coupé en chemin. Veuillez l’ouvrir à nouveau depuis le message d’origine.',
    },
    gone: {
      title: 'Ce lien n’est plus valable',
      text: 'Il était destiné à une personne qui n’utilise plus ce compte : rien n’a été enregistré.',
    },
    off: {
      title: 'Nous ne recueillons pas de réponses en ce moment',
      text: 'Les avis sont désactivés pour votre compte. Si vous voulez nous dire quelque chose, répondez à notre message.',
    },
    tooLate: {
      title: 'Votre réponse est déjà enregistrée',
      text: 'Elle ne peut plus être modifiée avec ce lien. Vous pouvez donner une nouvelle réponse avec le bouton d’avis de votre compte.',
    },
  },
}
