import type { CustomerWords } from './types.ts'

/** Portuguese. */
export const pt: CustomerWords = {
  direction: 'ltr',
  widget: {
    button: 'Opinião',
    question: 'Como estamos nos saindo com você?',
    againQuestion: 'E agora, como estamos nos saindo?',
    hint: 'Um toque basta. Nossa equipe lê cada resposta.',
    later: 'Perguntar depois',
    close: 'Fechar',
    saved: 'Salvo.',
    change: 'Alterar',
    send: 'Enviar',
    skip: 'Pular',
    thanks: 'Obrigado',
    thanksNext: 'Vamos ler hoje. Perguntaremos de novo em {days} dias; até lá o botão fica aqui.',
    laterThanks: 'Sem problema. O botão fica aqui se você quiser dizer algo antes.',
    answerNow: 'Responder agora',
    commentLabels: {
      very_happy: 'O que está funcionando melhor?',
      happy: 'O que está funcionando melhor?',
      neutral: 'O que deixaria melhor?',
      not_happy: 'O que devemos resolver primeiro?',
    },
    offline: 'Ainda não foi enviado. Sua resposta fica guardada aqui e sai quando a conexão voltar.',
    refused: 'Não foi possível salvar esta resposta. Tente de novo mais tarde.',
    retry: 'Tentar de novo',
  },
  levels: { very_happy: 'Muito satisfeito', happy: 'Satisfeito', neutral: 'Neutro', not_happy: 'Insatisfeito' },
  link: {
    legend: 'Sua resposta',
    commentLabel: 'Quer nos contar mais alguma coisa? (opcional)',
    send: 'Enviar minha resposta',
    change: 'Enviar a alteração',
    notSentYet: 'Nada é enviado até você apertar o botão.',
    chooseOne: 'Escolha primeiro uma das quatro respostas.',
    commentTooLong: (most) => `Encurte seu texto para ${most} caracteres.`,
    savedTitle: 'Obrigado',
    saved: (level) => `Sua resposta foi salva: ${level}.`,
    changeHint: (minutes) => `Mudou de ideia? Você pode alterar aqui durante ${minutes} minutos.`,
    expired: {
      title: 'Este link expirou',
      text: 'Os links funcionam por tempo limitado. Você ainda pode responder com o botão de opinião na sua conta ou nos pedir um novo link.',
    },
    invalid: {
      title: 'Este link não funciona',
      text: 'Ele pode ter sido cortado no caminho. Abra de novo a partir da mensagem original.',
    },
    gone: {
      title: 'Este link não vale mais',
      text: 'Ele foi feito para uma pessoa que não usa mais esta conta, então nada foi salvo.',
    },
    off: {
      title: 'No momento não estamos coletando respostas',
      text: 'As opiniões estão desligadas para a sua conta. Se quiser nos dizer algo, responda à nossa mensagem.',
    },
    tooLate: {
      title: 'Sua resposta já foi salva',
      text: 'Ela não pode mais ser alterada com este link. Você pode dar uma nova resposta com o botão de opinião na sua conta.',
    },
  },
}
