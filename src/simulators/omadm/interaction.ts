import type { ServerCommand } from './message.ts';

/** A question to the user (alerts 1100 to 1104). */
export interface Interaction {
  code: number;
  text: string;
  choices: string[];
  /** MINDT, MAXDT, DR, MAXLEN, IT, ET. */
  parameters: Readonly<Record<string, string>>;
}

/** 200 yes or seen, 304 no, 214 cancelled, 408 nobody there. Texts: an input, or numbers of choices from 1. */
export interface UserReply {
  status: number;
  texts?: string[];
}

export type User = (interaction: Interaction) => UserReply | Promise<UserReply>;

const text = (data: string | Buffer | undefined): string => data?.toString() ?? '';

/** Undefined: the alert is not one for the user. */
export function interactionOf(command: ServerCommand): Interaction | undefined {
  const code = Number(command.data);
  if (code < 1100 || code > 1104) return undefined;
  const [first, second, ...rest] = command.items;
  const parameters = text(first?.data)
    .split('&')
    .filter((one) => one.includes('='))
    .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const);
  return {
    code,
    text: text(second?.data),
    choices: rest.map((item) => text(item.data)),
    parameters: Object.fromEntries(parameters),
  };
}

/** A user who takes what is offered: the default response, else yes and the first choice. */
export const agreeableUser: User = ({ code, parameters }) => {
  const preset = parameters['DR'];
  if (code === 1102) return { status: 200, texts: [preset ?? ''] };
  if (code === 1103) return { status: 200, texts: [preset ?? '1'] };
  if (code === 1104) return { status: 200, texts: (preset ?? '1').split('-') };
  return { status: code === 1101 && preset === '0' ? 304 : 200 };
};

/** Whether the reply can be one to the question; a sentence when not. */
export function malformation({ code, text: prompt, choices }: Interaction): string | undefined {
  if (prompt === '') return 'there is nothing to show';
  if ((code === 1103 || code === 1104) && choices.length === 0) return 'there is nothing to choose from';
  return undefined;
}
