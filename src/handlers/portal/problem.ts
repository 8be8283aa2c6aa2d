import type { ErrorRequestHandler } from 'express';
import type { Logger } from '../../logger.ts';
import { errorHandler } from '../http/problem.ts';
import { requestIdOf } from '../http/request-id.ts';
import { messagePage, sendPage } from './layout.ts';

const titles: Record<number, string> = {
  403: 'This link opens nothing',
  404: 'There is no such page',
  429: 'One moment, please',
};

/** Errors under `/portal`, for people: a page instead of JSON, and like it nothing of ours in it but a request id. */
export function answerPortalErrors(log: Logger): ErrorRequestHandler {
  return errorHandler(log, ({ status, publicMessage }, response) => {
    const message = status >= 500 ? `${publicMessage} Please try again; if it stays so, tell the vendor this number: ${requestIdOf(response)}` : publicMessage;
    sendPage(response, status, messagePage({ title: titles[status] ?? 'Something went wrong', message }));
  });
}
