import type { CustomerWords } from './types.ts'

/** Spanish. */
export const es: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'Opinión',
    question: '¿Cómo le estamos ayudando?',
    againQuestion: 'Y ahora, ¿cómo le estamos ayudando?',
    hint: 'Un toque basta. Nuestro equipo lee cada respuesta.',
    later: 'Preguntar más tarde',
    close: 'Cerrar',
    saved: 'Guardado.',
    change: 'Cambiar',
    send: 'Enviar',
    skip: 'Omitir',
    thanks: 'Gracias',
    thanksNext: 'La leemos hoy. Volveremos a preguntar en {days} días; el botón sigue aquí mientras tanto.',
    laterThanks: 'No hay problema. El botón está aquí si quiere decirnos algo antes.',
    answerNow: 'Responder ahora',
    commentLabels: {
      very_happy: '¿Qué es lo que mejor funciona?',
      happy: '¿Qué es lo que mejor funciona?',
      neutral: '¿Qué lo haría mejor?',
      not_happy: '¿Qué deberíamos arreglar primero?',
    },
    offline: 'Aún no se ha enviado. Su respuesta queda guardada aquí y saldrá cuando vuelva la conexión.',
    refused: 'No se pudo guardar esta respuesta. Inténtelo de nuevo más tarde.',
    retry: 'Intentar de nuevo',
  },
  levels: { very_happy: 'Muy contento', happy: 'Contento', neutral: 'Neutral', not_happy: 'Descontento' },
  link: {
    legend: 'Su respuesta',
    commentLabel: '¿Quiere contarnos algo más? (opcional)',
    send: 'Enviar mi respuesta',
    change: 'Enviar el cambio',
    notSentYet: 'No se envía nada hasta que pulse el botón.',
    chooseOne: 'Elija primero una de las cuatro respuestas.',
    commentTooLong: (most) => `Acorte su texto a ${most} caracteres.`,
    savedTitle: 'Gracias',
    saved: (level) => `Su respuesta está guardada: ${level}.`,
    changeHint: (minutes) => `¿Ha cambiado de opinión? Puede cambiarla aquí durante ${minutes} minutos.`,
    expired: {
      title: 'Este enlace ha caducado',
      text: 'Los enlaces funcionan durante un tiempo limitado. Puede responder con el botón de opinión de su cuenta o pedirnos un enlace nuevo.',
    },
    invalid: {
      title: 'Este enlace no funciona',
      text: 'Puede que se haya cortado por el camino. Ábralo de nuevo desde el mensaje original.',
    },
    gone: {
      title: 'Este enlace ya no es válido',
      text: 'Se creó para una persona que ya no usa esta cuenta, así que no se ha guardado nada.',
    },
    off: {
      title: 'Ahora mismo no recogemos respuestas',
      text: 'Las opiniones están desactivadas para su cuenta. Si quiere decirnos algo, responda a nuestro mensaje.',
    },
    tooLate: {
      title: 'Su respuesta ya está guardada',
      text: 'Ya no se puede cambiar con este enlace. Puede dar una respuesta nueva con el botón de opinión de su cuenta.',
    },
  },
}
