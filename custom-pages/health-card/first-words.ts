import type { NoSession } from '../shared/session.ts'

interface Said {
  title: string
  text: string
}

/** What the card says before the server has said anything: in the language of the browser, English for all others. */
export interface FirstWords extends Record<NoSession, Said> {
  language: string
  direction: 'ltr' | 'rtl'
  /** Name of the page. */
  title: string
  connecting: string
  tryAgain: string
  failed: string
  /** Name of the button that closes a message. */
  close: string
}

type Words = Omit<FirstWords, 'language' | 'direction'>

const english: Words = {
  title: 'Your feedback',
  connecting: 'Opening',
  outside: { title: 'Open this page from the navigation', text: 'It works inside your account, where it can see who you are. In this window it cannot.' },
  refused: { title: 'You could not be signed in', text: 'Reload the page. If it stays like this, tell the team that looks after your account.' },
  offline: { title: 'No connection', text: 'The server did not answer. Nothing is lost; try again in a moment.' },
  tryAgain: 'Try again',
  failed: 'This could not be loaded. Check your connection and try again.',
  close: 'Close',
}

const words: Record<string, Words> = {
  en: english,
  de: {
    title: 'Ihr Feedback',
    connecting: 'Wird geöffnet',
    outside: { title: 'Öffnen Sie diese Seite über die Navigation', text: 'Sie funktioniert in Ihrem Konto, wo sie erkennt, wer Sie sind. In diesem Fenster nicht.' },
    refused: { title: 'Die Anmeldung hat nicht geklappt', text: 'Laden Sie die Seite neu. Bleibt es so, sagen Sie bitte dem Team Bescheid, das Ihr Konto betreut.' },
    offline: { title: 'Keine Verbindung', text: 'Der Server hat nicht geantwortet. Es ist nichts verloren; versuchen Sie es gleich noch einmal.' },
    tryAgain: 'Erneut versuchen',
    failed: 'Das konnte nicht geladen werden. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
    close: 'Schließen',
  },
  es: {
    title: 'Su opinión',
    connecting: 'Abriendo',
    outside: { title: 'Abra esta página desde el menú', text: 'Funciona dentro de su cuenta, donde puede saber quién es usted. En esta ventana no puede.' },
    refused: { title: 'No se pudo iniciar la sesión', text: 'Vuelva a cargar la página. Si sigue igual, avise al equipo que atiende su cuenta.' },
    offline: { title: 'Sin conexión', text: 'El servidor no respondió. No se ha perdido nada; inténtelo de nuevo en un momento.' },
    tryAgain: 'Intentar de nuevo',
    failed: 'No se pudo cargar. Compruebe su conexión e inténtelo de nuevo.',
    close: 'Cerrar',
  },
  fr: {
    title: 'Votre avis',
    connecting: 'Ouverture',
    outside: { title: 'Ouvrez cette page depuis la navigation', text: 'Elle fonctionne dans votre compte, où elle sait qui vous êtes. Pas dans cette fenêtre.' },
    refused: { title: 'La connexion n’a pas abouti', text: 'Rechargez la page. Si cela persiste, prévenez l’équipe qui suit votre compte.' },
    offline: { title: 'Pas de connexion', text: 'Le serveur n’a pas répondu. Rien n’est perdu ; réessayez dans un instant.' },
    tryAgain: 'Réessayer',
    failed: 'Le chargement a échoué. Vérifiez votre connexion et réessayez.',
    close: 'Fermer',
  },
  pt: {
    title: 'A sua opinião',
    connecting: 'Abrindo',
    outside: { title: 'Abra esta página pela navegação', text: 'Ela funciona dentro da sua conta, onde consegue saber quem você é. Nesta janela não consegue.' },
    refused: { title: 'Não foi possível entrar', text: 'Recarregue a página. Se continuar assim, avise a equipe que cuida da sua conta.' },
    offline: { title: 'Sem conexão', text: 'O servidor não respondeu. Nada se perdeu; tente novamente daqui a pouco.' },
    tryAgain: 'Tentar novamente',
    failed: 'Não foi possível carregar. Verifique a sua conexão e tente novamente.',
    close: 'Fechar',
  },
  it: {
    title: 'La sua opinione',
    connecting: 'Apertura',
    outside: { title: 'Apra questa pagina dalla navigazione', text: 'Funziona all’interno del suo account, dove può sapere chi è lei. In questa finestra no.' },
    refused: { title: 'Accesso non riuscito', text: 'Ricarichi la pagina. Se il problema resta, avvisi il team che segue il suo account.' },
    offline: { title: 'Nessuna connessione', text: 'Il server non ha risposto. Nulla è andato perso; riprovi tra poco.' },
    tryAgain: 'Riprova',
    failed: 'Caricamento non riuscito. Controlli la connessione e riprovi.',
    close: 'Chiudi',
  },
  nl: {
    title: 'Uw feedback',
    connecting: 'Wordt geopend',
    outside: { title: 'Open deze pagina via de navigatie', text: 'Ze werkt binnen uw account, waar ze kan zien wie u bent. In dit venster kan dat niet.' },
    refused: { title: 'Aanmelden is niet gelukt', text: 'Laad de pagina opnieuw. Blijft het zo, laat het dan weten aan het team dat voor uw account zorgt.' },
    offline: { title: 'Geen verbinding', text: 'De server gaf geen antwoord. Er is niets verloren; probeer het zo opnieuw.' },
    tryAgain: 'Opnieuw proberen',
    failed: 'Dit kon niet worden geladen. Controleer uw verbinding en probeer het opnieuw.',
    close: 'Sluiten',
  },
  ar: {
    title: 'رأيك',
    connecting: 'جارٍ الفتح',
    outside: { title: 'افتح هذه الصفحة من القائمة', text: 'تعمل داخل حسابك حيث يمكنها معرفة من أنت. لا يمكنها ذلك في هذه النافذة.' },
    refused: { title: 'تعذّر تسجيل الدخول', text: 'أعد تحميل الصفحة. إذا استمر الأمر فأخبر الفريق الذي يتابع حسابك.' },
    offline: { title: 'لا يوجد اتصال', text: 'لم يستجب الخادم. لم يضع شيء؛ حاول مرة أخرى بعد قليل.' },
    tryAgain: 'حاول مرة أخرى',
    failed: 'تعذّر التحميل. تحقّق من اتصالك وحاول مرة أخرى.',
    close: 'إغلاق',
  },
}

/** @param wanted languages as browsers name them, best first */
export function firstWords(wanted: readonly string[]): FirstWords {
  const language = wanted.map((tag) => tag.toLowerCase().split('-')[0] ?? '').find((one) => Object.hasOwn(words, one)) ?? 'en'
  return { language, direction: language === 'ar' ? 'rtl' : 'ltr', ...(words[language] ?? english) }
}
